"""The encryption block of a card capture, in JavaScript: a test card, encrypted for the session's public key.

Neither program gives RSA with this padding to its scripts; what there is since ECMAScript 2020 are integers of any size.
"""

from __future__ import annotations

from typing import Final

from payseal.server.snippets.javascript import BASE64

__all__ = ["ENCRYPTED"]

_RSA: Final = """\
function hexOfBase64(text) {
    var alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", hex = "", at, next, bits;
    for (at = 0; at < text.length; at += 4) {
        for (bits = 0, next = at; next < at + 4; next += 1) { bits = bits * 64 + Math.max(0, alphabet.indexOf(text.charAt(next))); }
        hex += ("00000" + bits.toString(16)).slice(-6);
    }
    return hex;
}
// Modulus and exponent of an RSA key: the two numbers inside SubjectPublicKeyInfo.
function publicNumbers(der) {
    var at = 0;
    function entered() { // past a tag and a length, which is given back in digits
        var size = parseInt(der.substr(at + 2, 2), 16), more = size > 128 ? (size - 128) * 2 : 0;
        size = more ? parseInt(der.substr(at + 4, more), 16) : size;
        at += 4 + more;
        return size * 2;
    }
    function passed(size) { at += size; return der.substr(at - size, size); }
    entered();
    passed(entered()); // which algorithm
    entered();
    passed(2); // the bits that are not used: none
    entered();
    return [BigInt("0x" + passed(entered())), BigInt("0x" + passed(entered()))];
}
// RSA with the padding of PKCS #1 v1.5, for a card that belongs to nobody: Math.random is enough for that, and for nothing else.
function encrypted(publicKey, card) {
    var numbers = publicNumbers(hexOfBase64(publicKey)), modulus = numbers[0], exponent = numbers[1];
    var digits = modulus.toString(16).length, block = "00", at;
    for (at = 0; at < card.length; at += 1) { block += card.charCodeAt(at).toString(16); }
    while (block.length < digits - 4) { block = ("0" + (1 + Math.floor(Math.random() * 255)).toString(16)).slice(-2) + block; }
    var power = BigInt("0x02" + block), result = BigInt(1);
    for (; exponent > BigInt(0); exponent = exponent / BigInt(2)) {
        if (exponent % BigInt(2) === BigInt(1)) { result = result * power % modulus; }
        power = power * power % modulus;
    }
    result = result.toString(16);
    while (result.length < digits) { result = "0" + result; }
    return base64(result);
}
"""

#: What ``encrypted(publicKey, card)`` takes, and itself.
ENCRYPTED: Final = BASE64 + _RSA
