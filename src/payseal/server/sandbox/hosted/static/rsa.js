// RSAES-PKCS1-v1_5 encryption (RFC 8017, 7.2.1), called RSA/ECB/PKCS1 elsewhere. WebCrypto has RSA-OAEP only.
//
// The key is public and the padding is new each time, so that the time BigInt takes tells nobody anything. Only encrypting is safe
// with it: never put a private key through `power`.

const RSA_ENCRYPTION = "2a864886f70d010101"; // the object identifier 1.2.840.113549.1.1.1
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const LEAST_PADDING = 8; // bytes, by the standard

/**
 * Encrypt a short message.
 * @param {string} publicKey SubjectPublicKeyInfo in DER, as Base64
 * @param {Uint8Array} message at most the modulus' length less 11 bytes
 * @returns {Uint8Array} as long as the modulus
 * @throws {RangeError} when the key is no RSA key, or the message is too long for it
 */
export function encrypt(publicKey, message) {
  const { modulus, exponent, size } = readPublicKey(fromBase64(publicKey));
  const padding = size - message.length - 3;
  if (padding < LEAST_PADDING) throw new RangeError("the message is too long for the key");
  const block = new Uint8Array(size); // 00 02 padding 00 message
  block[1] = 2;
  fillNonZero(block.subarray(2, 2 + padding));
  block.set(message, size - message.length);
  const encrypted = toBytes(power(toNumber(block), exponent, modulus), size);
  block.fill(0);
  return encrypted;
}

/** Random bytes, none of them zero: the first zero ends the padding. */
function fillNonZero(bytes) {
  crypto.getRandomValues(bytes);
  for (let at = 0; at < bytes.length; at += 1) {
    while (bytes[at] === 0) crypto.getRandomValues(bytes.subarray(at, at + 1));
  }
}

/** SEQUENCE { SEQUENCE { algorithm, NULL }, BIT STRING { SEQUENCE { modulus, exponent } } } */
function readPublicKey(der) {
  const outer = new Der(der).enter(SEQUENCE);
  const algorithm = outer.enter(SEQUENCE).take(OBJECT_IDENTIFIER);
  if (toHex(algorithm) !== RSA_ENCRYPTION) throw new RangeError("the key is not an RSA key");
  const bits = outer.take(BIT_STRING);
  if (bits[0] !== 0) throw new RangeError("the key is not whole bytes"); // how many bits of the last byte are unused
  const key = new Der(bits.subarray(1)).enter(SEQUENCE);
  const modulus = toNumber(key.take(INTEGER));
  const exponent = toNumber(key.take(INTEGER));
  return { modulus, exponent, size: Math.ceil(modulus.toString(16).length / 2) };
}

/** Reads DER one element after the other. */
class Der {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** The content of the next element, which must be of this kind. */
  take(tag) {
    if (this.next() !== tag) throw new RangeError("the key is not a SubjectPublicKeyInfo");
    const length = this.length();
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("the key is cut off");
    const content = this.bytes.subarray(this.at, end);
    this.at = end;
    return content;
  }

  enter(tag) {
    return new Der(this.take(tag));
  }

  /** One byte, or how many bytes follow and then those. */
  length() {
    const first = this.next();
    if (first < 0x80) return first;
    let length = 0;
    if (first === 0x80 || first > 0x83) throw new RangeError("the key is not in DER");
    for (let left = first - 0x80; left > 0; left -= 1) length = length * 256 + this.next();
    return length;
  }

  next() {
    if (this.at >= this.bytes.length) throw new RangeError("the key is cut off");
    this.at += 1;
    return this.bytes[this.at - 1];
  }
}

/** base ** exponent % modulus, by squaring. */
function power(base, exponent, modulus) {
  let result = 1n;
  for (let square = base % modulus, left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const toNumber = (bytes) => BigInt(`0x${toHex(bytes)}`);

function toBytes(number, size) {
  const hex = number.toString(16).padStart(size * 2, "0");
  return Uint8Array.from({ length: size }, (_, at) => parseInt(hex.slice(at * 2, at * 2 + 2), 16));
}

/** Bytes of a Base64 text. */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** Base64 of some bytes. */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
