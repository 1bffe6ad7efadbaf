// Card capture: the card, encrypted for one session, in a signed request that goes to the payment system and nowhere else.

import { encrypt, toBase64 } from "./rsa.js";
import { signedHeaders } from "./signing.js";

const PATH = "/payments-vas/v1/card-capture";

/**
 * The document of a card capture.
 * @param {{keyId: string, publicKey: string, merchantDetails: object}} session
 * @param {{number: string, month: string, year: string, code: string}} card
 */
export function captureDocument({ keyId, publicKey, merchantDetails }, card) {
  const fields = [
    ["card.cardData", card.number],
    ["card.expirationMonth", card.month],
    ["card.expirationYear", card.year],
    ["card.securityCode", card.code],
  ];
  const block = new TextEncoder().encode(fields.map(([, value]) => value).join(""));
  const encryptionBlock = toBase64(encrypt(publicKey, block));
  block.fill(0);
  return {
    source: {
      sourceType: "PaymentCard",
      encryptionData: {
        encryptionType: "RSA",
        encryptionTarget: "MANUAL",
        encryptionBlock,
        // How the other side cuts the decrypted block into fields again.
        encryptionBlockFields: fields.map(([name, value]) => `${name}:${value.length}`).join(","),
        keyId,
      },
    },
    merchantDetails,
  };
}

/**
 * Send a card to the payment system.
 * @param {object} session what the merchant's server was given, without what is the server's own
 * @param {object} card
 * @param {number} now milliseconds since the epoch, by the server's clock
 * @returns {Promise<Response>}
 */
export async function capture(session, card, now) {
  const body = JSON.stringify(captureDocument(session, card)); // written once: what is signed is what is sent
  const headers = { ...(await signedHeaders(session, body, now)), "Content-Type": "application/json" };
  return fetch(PATH, { method: "POST", headers, body, credentials: "omit", redirect: "error", cache: "no-store" });
}
