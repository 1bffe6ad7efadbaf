// The headers that authenticate a request with an access token: Commerce Hub's message digest.

import { toBase64 } from "./rsa.js";

/**
 * Sign a body. The body that is sent must be this very text: nothing may write it again in between.
 * @param {{apiKey: string, accessToken: string}} session
 * @param {string} body
 * @param {number} now milliseconds since the epoch
 * @param {string} id of this request; never used for another
 * @returns {Promise<Record<string, string>>} the headers to add
 */
export async function signedHeaders({ apiKey, accessToken }, body, now = Date.now(), id = crypto.randomUUID()) {
  const timestamp = String(now);
  return {
    "Api-Key": apiKey,
    "Client-Request-Id": id,
    Timestamp: timestamp,
    "Auth-Token-Type": "AccessToken",
    Authorization: `Bearer ${accessToken}`,
    "Message-Digest": await digest(accessToken, apiKey + id + timestamp + body),
  };
}

/** Base64 of the HMAC-SHA256 of a text, keyed with another, both as UTF-8. */
async function digest(key, text) {
  const encoder = new TextEncoder();
  const secret = await crypto.subtle.importKey("raw", encoder.encode(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return toBase64(new Uint8Array(await crypto.subtle.sign("HMAC", secret, encoder.encode(text))));
}
