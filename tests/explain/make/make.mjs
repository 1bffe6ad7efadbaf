// Mistaken requests as Node.js programs make them. Writes ../corpus/node.json. Node.js 18 or newer, no packages.
import { createHash, createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const file = (name) => readFileSync(new URL(`bodies/${name}.json`, here), "utf8");
const cases = [];

// Made-up values that look like real ones, the same in each run: drawn from a hash of the case's name.
const ALPHANUMERIC = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789";
function drawn(seed, length, alphabet = ALPHANUMERIC) {
  let text = "";
  for (let block = 0; text.length < length; block++)
    for (const byte of createHash("sha512").update(`node:${seed}:${block}`).digest()) text += alphabet[byte % alphabet.length];
  return text.slice(0, length);
}
function uuid(seed) {
  const h = drawn(seed, 32, "0123456789abcdef");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
}
const two = (n) => String(n).padStart(2, "0");
function minute(ms) {
  const d = new Date(ms);
  return `${d.getUTCFullYear()}${two(d.getUTCMonth() + 1)}${two(d.getUTCDate())}${two(d.getUTCHours())}${two(d.getUTCMinutes())}`;
}

const base64 = (mac) => mac.toString("base64");
const hex = (mac) => mac.toString("hex");
const base64OfHex = (mac) => Buffer.from(hex(mac)).toString("base64");

const chained = ["keyid", "nonce", "created", "body"];
const SCHEMES = {
  "fiserv-payments": {
    order: chained, encode: base64, body: "sale", target: "/gateway/v2/payments", host: "payments.example",
    headers: (c) => [["Api-Key", c.keyid], ["Client-Request-Id", c.nonce], ["Timestamp", c.created], ["Message-Signature", c.signature]],
  },
  "commercehub-hmac": {
    order: chained, encode: base64, body: "charge", target: "/payments/v1/charges", host: "connect.example",
    headers: (c) => [["Api-Key", c.keyid], ["Client-Request-Id", c.nonce], ["Timestamp", c.created], ["Auth-Token-Type", "HMAC"],
      ["Authorization", c.signature]],
  },
  "commercehub-digest": {
    order: chained, encode: base64, body: "card-capture", target: "/payments-vas/v1/card-capture", host: "connect.example", token: true,
    headers: (c) => [["Api-Key", c.keyid], ["Client-Request-Id", c.nonce], ["Timestamp", c.created], ["Auth-Token-Type", "AccessToken"],
      ["Authorization", `Bearer ${c.token}`], ["Message-Digest", c.signature]],
  },
  "startbutton-transfer": {
    order: ["created", "body"], encode: hex, body: "transfer-bank", target: "/transaction/transfer", host: "transfers.example",
    headers: (c) => [...(c.token ? [["Authorization", `Bearer ${c.token}`]] : []), ["x-request-id", c.signature]],
  },
  "startbutton-webhook": {
    order: ["body"], encode: hex, body: "webhook", target: "/hooks/startbutton", host: "shop.example", hash: "sha512",
    headers: (c) => [["x-startbutton-signature", c.signature]],
  },
};
SCHEMES["commercehub-digest-sha256"] = { ...SCHEMES["commercehub-digest"], encode: hex, unkeyed: true };

// One request. `change(c)` gives what this caller does otherwise than the scheme says; c holds the true values.
function request(scheme, name, expected, change = () => ({})) {
  const rule = SCHEMES[scheme];
  const c = { keyid: drawn(`${name}/keyid`, 32), secret: drawn(`${name}/secret`, 44), nonce: uuid(name), rule };
  c.token = rule.token ? drawn(`${name}/token`, 28) : undefined;
  c.ms = Date.UTC(2024, 9, 22, 18, 7, 0) + parseInt(createHash("md5").update(name).digest("hex").slice(0, 9), 16) % (600 * 86400e3);
  c.body = file(rule.body);
  const asked = change(c);
  const o = typeof asked === "object" ? asked : {};
  for (const key of ["keyid", "secret", "nonce", "token", "ms", "body"]) if (key in o) c[key] = o[key];
  const unit = o.overrides?.created?.format;
  c.created = o.created ?? (scheme === "startbutton-transfer" ? minute(c.ms) : unit === "unix" ? String(Math.floor(c.ms / 1000)) : String(c.ms));
  const signed = { keyid: c.keyid, nonce: c.nonce, created: c.created, body: c.body, ...(o.signed ?? {}) };
  const asBytes = (value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value)));
  const base = o.base ? asBytes(o.base(signed)) : Buffer.concat(rule.order.map((part) => asBytes(signed[part])));
  const key = asBytes(o.key ?? (rule.token ? c.token : c.secret));
  const unkeyed = o.unkeyed ?? rule.unkeyed ?? false;
  const hash = o.hash ?? rule.hash ?? "sha256";
  const mac = (unkeyed ? createHash(hash) : createHmac(hash, key)).update(base).digest();
  c.signature = (o.encode ?? rule.encode)(mac);
  let headers = [["Host", rule.host], ["User-Agent", "node"], ["Accept", "*/*"], ["Content-Type", "application/json"], ...rule.headers(c)];
  if (o.headers) headers = o.headers(headers, c);
  const credential = { keyid: c.keyid, secret: o.secrets ?? c.secret };
  if (c.token) credential.token = c.token;
  Object.assign(credential, o.credential ?? {});
  cases.push({
    name: `node-${name}`, made_with: "node", scheme, ...(o.overrides ? { overrides: o.overrides } : {}), credential,
    ...(o.others ? { others: o.others } : {}),
    request: { method: o.method ?? "POST", target: o.target ?? rule.target, headers, body_base64: asBytes(c.body).toString("base64") },
    now: o.now ?? (c.ms + 350 + (c.ms % 1700)) / 1000,
    expected: [expected].flat(), ...(o.also ? { also: o.also } : {}),
    signed: { algorithm: (unkeyed ? "" : "hmac-") + hash, key_base64: unkeyed ? null : key.toString("base64"),
      base_base64: base.toString("base64"), mac_text: c.signature },
  });
}
const ipg = (...rest) => request("fiserv-payments", ...rest);
const hub = (...rest) => request("commercehub-hmac", ...rest);
const digest = (...rest) => request("commercehub-digest", ...rest);
const plain = (...rest) => request("commercehub-digest-sha256", ...rest);
const transfer = (...rest) => request("startbutton-transfer", ...rest);
const webhook = (...rest) => request("startbutton-webhook", ...rest);
const SECONDS = { created: { format: "unix" } };
const again = (text) => JSON.stringify(JSON.parse(text)); // what a JSON middleware hands on
const renamed = (headers, from, to) => headers.map(([n, v]) => [n === from ? to : n, v]);
const revalued = (headers, name, value) => headers.map(([n, v]) => [n, n === name ? value(v) : v]);
const without = (headers, name) => headers.filter(([n]) => n !== name);
const exchanged = (headers, a, b) => {
  const of = Object.fromEntries(headers);
  return headers.map(([n, v]) => [n, n === a ? of[b] : n === b ? of[a] : v]);
};
// Keys in order, at every depth, as "stable stringify" packages write them.
const stable = (value) => Array.isArray(value) ? value.map(stable)
  : value && typeof value === "object" ? Object.fromEntries(Object.keys(value).sort().map((k) => [k, stable(value[k])])) : value;

// ---- right, for comparison
ipg("right-sale", []);
webhook("right-webhook", []);
ipg("right-seconds", [], () => ({ overrides: SECONDS }));

// ---- the body
ipg("body-sent-indented", "body-compacted", () => ({ body: JSON.stringify(JSON.parse(file("sale")), null, 2), signed: { body: file("sale") } }));
hub("body-sent-with-tabs", "body-compacted", () => ({ body: JSON.stringify(JSON.parse(file("session")), null, "\t"), signed: { body: file("session") }, target: "/payments-vas/v1/security/credentials" }));
webhook("body-parsed-by-express", ["body-number-format"], () => ({ body: file("webhook-floats"), signed: { body: again(file("webhook-floats")) } }));
ipg("body-signed-indented", "body-indented", (c) => ({ signed: { body: JSON.stringify(JSON.parse(c.body), null, 2) } }));
transfer("body-signed-indented-four", "body-indented", (c) => ({ signed: { body: JSON.stringify(JSON.parse(c.body), null, 4) } }));
hub("body-signed-tabbed", "body-indented", (c) => ({ signed: { body: JSON.stringify(JSON.parse(c.body), null, "\t") } }));
hub("body-stable-stringify", "body-key-order", (c) => ({ signed: { body: JSON.stringify(stable(JSON.parse(c.body))) } }));
digest("body-top-keys-sorted", "body-key-order", (c) => {
  const given = JSON.parse(c.body);
  const body = JSON.stringify({ merchantDetails: given.merchantDetails, source: given.source });
  return { body: c.body, signed: { body } };
});
transfer("body-sorted-by-replacer", "body-key-order", (c) => ({ signed: { body: JSON.stringify(JSON.parse(c.body), Object.keys(JSON.parse(c.body)).sort()) } }));
// The published JavaScript sample: the object itself in a template literal.
transfer("published-sample", "body-object-object", () => {
  const samplePayload = JSON.parse(file("transfer-momo"));
  return { body: JSON.stringify(samplePayload), signed: { body: `${samplePayload}` } };
});
ipg("body-object-concatenated", "body-object-object", (c) => ({ signed: { body: "" + JSON.parse(c.body) } }));
ipg("body-floats-reparsed", "body-number-format", () => ({ body: file("sale-floats"), signed: { body: again(file("sale-floats")) } }));
hub("body-floats-charge", "body-number-format", () => ({ body: file("charge-floats"), signed: { body: again(file("charge-floats")) } }));
hub("body-large-id-rounded", "body-number-format", () => ({ body: file("charge-bignumber"), signed: { body: again(file("charge-bignumber")) } }));
ipg("body-amount-with-cents", "body-number-format", () => {
  const text = again(file("capture-later")); // sent as 12.1, signed as the amount is shown
  return { body: text, signed: { body: text.replace("12.1", (12.1).toFixed(2)) } };
});
ipg("get-signed-undefined", "body-null-signed", () => ({ method: "GET", target: "/gateway/v2/payments/84533125890", body: "", signed: { body: `${JSON.stringify(undefined)}` } }));
ipg("get-signed-braces", "body-null-signed", () => ({ method: "GET", target: "/gateway/v2/orders/R-77120", body: "", signed: { body: JSON.stringify({}) } }));
hub("get-signed-empty-string", "body-null-signed", () => ({ method: "GET", target: "/payments/v1/transaction-inquiry", body: "", signed: { body: JSON.stringify("") }, also: ["body-double-encoded"] }));
ipg("get-signed-null", "body-null-signed", () => ({ method: "GET", target: "/ipp/payments-gateway/v2/payments/84533125890", body: "", signed: { body: JSON.stringify(null) } }));
transfer("post-signed-undefined", "body-null-signed", () => { let data; return { signed: { body: `${data}` } }; });
hub("post-signed-before-body", "body-empty-signed", () => ({ signed: { body: "" }, also: ["component-missing"] }));
ipg("body-stringified-twice", "body-double-encoded", (c) => ({ signed: { body: JSON.stringify(c.body) } }));
transfer("body-sent-stringified-twice", "body-double-encoded", (c) => ({ body: JSON.stringify(c.body), signed: { body: c.body } }));
hub("body-base64-signed", "body-base64", (c) => ({ signed: { body: Buffer.from(c.body).toString("base64") } }));
ipg("body-hash-hex", "body-hash-signed", (c) => ({ signed: { body: createHash("sha256").update(c.body).digest("hex") } }));
hub("body-hash-base64", "body-hash-signed", (c) => ({ signed: { body: createHash("sha256").update(c.body).digest("base64") } }));
transfer("body-search-params", "body-form-encoded", () => ({ body: file("transfer-flat"), signed: { body: new URLSearchParams(JSON.parse(file("transfer-flat"))).toString() } }));
ipg("body-latin1", "body-charset", () => ({ body: file("order-latin"), signed: { body: Buffer.from(file("order-latin"), "latin1") } }));
ipg("body-utf16", "body-charset", (c) => ({ signed: { body: Buffer.from(c.body, "utf16le") } }));
hub("body-file-with-bom", "body-bom", (c) => ({ signed: { body: `\ufeff${c.body}` } }));
webhook("body-sent-with-bom", "body-bom", (c) => ({ body: `\ufeff${c.body}`, signed: { body: c.body } }));
ipg("body-trimmed", "body-trimmed", (c) => ({ body: `  ${c.body}\r\n `, signed: { body: `  ${c.body}\r\n `.trim() }, also: ["body-compacted"] }));
ipg("body-crlf-template", "body-crlf", (c) => {
  const text = JSON.stringify(JSON.parse(c.body), null, 2);
  return { body: text, signed: { body: text.replaceAll("\n", "\r\n") } };
});
webhook("body-parsed-unescaped", "body-unescaped-unicode", () => {
  const text = file("webhook-unicode").replace(/[^\x00-\x7f]/g, (ch) => "\\u" + ch.charCodeAt(0).toString(16).padStart(4, "0"));
  return { body: text, signed: { body: again(text) } };
});
hub("body-html-safe", "body-escaped-unicode", () => ({ // "<", ">" and "&" escaped, for a page
  body: file("sale-html"),
  signed: { body: file("sale-html").replace(/[<>&]/g, (ch) => "\\u" + ch.charCodeAt(0).toString(16).padStart(4, "0")) },
}));
ipg("body-re-spaced-file", "body-compacted", () => ({ body: file("sale-null").replaceAll('":', '": ').replaceAll(',"', ', "'), signed: { body: again(file("sale-null")) } }));

// ---- the time
ipg("time-signed-seconds", "created-unit", (c) => ({ signed: { created: Math.floor(c.ms / 1000) } }));
hub("time-all-seconds", "created-unit", (c) => ({ created: String(Math.floor(c.ms / 1000)) }));
ipg("time-milliseconds-for-seconds", "created-unit", (c) => ({ overrides: SECONDS, created: String(c.ms) }));
ipg("time-sent-seconds-signed-milliseconds", "created-unit", (c) => ({ overrides: SECONDS, signed: { created: c.ms } }));
ipg("time-fraction", "created-fraction", () => ({ ms: 1733310125347, created: String(1733310125347 / 1000) }));
hub("time-signed-fraction", "created-fraction", () => ({ ms: 1741959602871, signed: { created: String(1741959602871 / 1000) } }));
ipg("time-high-resolution", "created-fraction", () => ({ ms: 1752671388204, created: "1752671388204.3125" }));
ipg("time-iso", "created-iso", (c) => ({ created: new Date(c.ms).toISOString() }));
hub("time-signed-iso", "created-iso", (c) => ({ signed: { created: new Date(c.ms).toISOString() } }));
transfer("time-iso-minute", "created-iso", (c) => ({ signed: { created: new Date(c.ms).toISOString().slice(0, 16) } }));
for (const [n, late] of [["one", 1], ["seventeen", 17], ["some-hundred", 342], ["seconds", 4310], ["before", -2]])
  (late === 17 ? hub : ipg)(`time-taken-twice-${n}`, "created-differs", (c) => ({ signed: { created: c.ms - late } }));
ipg("time-seconds-taken-twice", "created-differs", (c) => ({ overrides: SECONDS, signed: { created: Math.floor(c.ms / 1000) - 1 } }));
ipg("time-queued", "created-outside-window", (c) => ({ now: (c.ms + 11 * 60e3) / 1000 }));
hub("time-ahead", "created-clock-skew", (c) => ({ now: (c.ms - 372e3) / 1000 }));
transfer("time-unpadded", "created-part-missing", () => {
  const ms = Date.UTC(2025, 2, 5, 9, 7, 12), d = new Date(ms);
  return { ms, signed: { created: `${d.getUTCFullYear()}${d.getUTCMonth() + 1}${d.getUTCDate()}${d.getUTCHours()}${d.getUTCMinutes()}` } };
});
transfer("time-minutes-unpadded", "created-part-missing", () => ({ ms: Date.UTC(2024, 9, 22, 18, 7, 31), signed: { created: "20241022187" } }));
transfer("time-lagos", "created-timezone", (c) => ({ ms: Date.UTC(2025, 10, 3, 14, 22, 9), signed: { created: minute(Date.UTC(2025, 10, 3, 15, 22)) }, also: ["created-clock-skew"] }));
transfer("time-kolkata", "created-timezone", () => ({ ms: Date.UTC(2025, 5, 30, 21, 45, 50), signed: { created: minute(Date.UTC(2025, 6, 1, 3, 15)) }, also: ["created-clock-skew"] }));

// ---- the id and the key's name
ipg("nonce-signed-upper", "nonce-case", (c) => ({ signed: { nonce: c.nonce.toUpperCase() } }));
hub("nonce-signed-bare", "nonce-dashes", (c) => ({ signed: { nonce: c.nonce.replaceAll("-", "") } }));
ipg("nonce-left-out", "nonce-not-signed", () => ({ signed: { nonce: "" }, also: ["component-missing"] }));
digest("keyid-left-out", "keyid-not-signed", () => ({ signed: { keyid: "" }, also: ["component-missing"] }));
ipg("keyid-signed-lower", "keyid-case", (c) => ({ signed: { keyid: c.keyid.toLowerCase() } }));
ipg("nonce-made-twice", "unproven", () => ({ signed: { nonce: uuid("another") } }));

// ---- the key
ipg("key-with-newline", "key-whitespace", (c) => ({ key: `${c.secret}\n` }));
transfer("key-quoted-env", "key-quotes", (c) => ({ key: `"${c.secret}"` }));
ipg("key-from-base64", "key-base64-decoded", (c) => ({ key: Buffer.from(c.secret, "base64") }));
webhook("key-from-hex", "key-hex-decoded", () => { const secret = drawn("hexsecret", 64, "0123456789abcdef"); return { secret, key: Buffer.from(secret, "hex") }; });
hub("key-to-base64", "key-base64-encoded", (c) => ({ key: Buffer.from(c.secret).toString("base64") }));
ipg("key-and-secret-exchanged", "key-swapped", (c) => ({ key: c.keyid }));
digest("key-secret-for-token", "key-token", (c) => ({ key: c.secret }));
transfer("key-bearer-for-signkey", "key-token", () => { const token = drawn("bearer", 40); return { token, key: token }; });
ipg("key-of-sandbox", "key-other-environment", () => {
  const secret = drawn("sandbox-secret", 44);
  return { key: secret, credential: { account: "store-120995000" }, others: [{ keyid: drawn("sandbox-keyid", 32), secret, account: "store-120995000" }] };
});
hub("key-of-other-store", "key-other-account", () => {
  const secret = drawn("store-b-secret", 44);
  return { key: secret, credential: { account: "100008000003683" }, others: [
    { keyid: drawn("store-c-keyid", 32), secret: drawn("store-c-secret", 44), account: "100008000003690" },
    { keyid: drawn("store-b-keyid", 32), secret, account: "100008000003684" }] };
});
ipg("key-of-nobody", "unproven", () => ({ key: drawn("a stranger", 44) }));

// ---- order and shape
ipg("order-by-header-table", "order", () => ({ base: (s) => s.keyid + s.created + s.nonce + s.body }));
transfer("order-body-first", "order", () => ({ base: (s) => s.body + s.created }));
hub("order-nonce-first", "order", () => ({ base: (s) => s.nonce + s.keyid + s.created + s.body }));
for (const [n, mark] of [["dot", "."], ["colon", ":"], ["newline", "\n"], ["ampersand", "&"]])
  ipg(`joined-by-${n}`, "separator", () => ({ base: (s) => [s.keyid, s.nonce, s.created, s.body].join(mark) }));
transfer("joined-by-one-dot", "separator", () => ({ base: (s) => `${s.created}.${s.body}` }));
hub("time-not-signed", "component-missing", () => ({ signed: { created: "" } }));
ipg("method-first", "component-extra", () => ({ base: (s) => `POST${s.keyid}${s.nonce}${s.created}${s.body}` }));
hub("path-last", "component-extra", (c) => ({ base: (s) => s.keyid + s.nonce + s.created + s.body + c.rule.target }));
webhook("url-first", "component-extra", (c) => ({ base: (s) => `https://${c.rule.host}${c.rule.target}${s.body}` }));

// ---- algorithm, encoding
ipg("algorithm-512", "algorithm-sha512", () => ({ hash: "sha512" }));
transfer("algorithm-512-as-webhook", "algorithm-sha512", () => ({ hash: "sha512" }));
webhook("algorithm-256-as-transfer", "algorithm-sha256", () => ({ hash: "sha256" }));
hub("algorithm-1", "algorithm-sha1", () => ({ hash: "sha1" }));
ipg("algorithm-none", "algorithm-unkeyed", () => ({ unkeyed: true }));
plain("algorithm-sha1", "algorithm-sha1", () => ({ hash: "sha1" }));
hub("algorithm-secret-first", "algorithm-secret-prefixed", (c) => ({ unkeyed: true, base: (s) => c.secret + s.keyid + s.nonce + s.created + s.body }));
ipg("encoding-hex", "encoding-hex", () => ({ encode: hex }));
transfer("encoding-base64", "encoding-base64", () => ({ encode: base64 }));
ipg("encoding-url-safe", "encoding-base64url", () => ({ nonce: uuid("7"), encode: (mac) => mac.toString("base64url"), also: ["encoding-unpadded"] }));
hub("encoding-uri-component", "encoding-percent", () => ({ encode: (mac) => encodeURIComponent(base64(mac)) }));
digest("encoding-base64-of-hex", "encoding-base64-of-hex", () => ({ encode: base64OfHex }));
plain("encoding-base64-plain", "encoding-base64", () => ({ encode: base64 }));
webhook("encoding-cut", "encoding-truncated", () => ({ encode: (mac) => hex(mac).slice(0, 64) }));

// ---- headers
ipg("header-x-api-key", "header-renamed", () => ({ headers: (h) => renamed(h, "Api-Key", "x-api-key") }));
ipg("header-camel", "header-renamed", () => ({ headers: (h) => renamed(h, "Message-Signature", "messageSignature") }));
hub("header-scheme-word", "header-prefix", () => ({ headers: (h) => revalued(h, "Authorization", (v) => `HMAC ${v}`) }));
transfer("header-algorithm-label", "header-prefix", () => ({ headers: (h) => revalued(h, "x-request-id", (v) => `sha256=${v}`) }));
ipg("header-id-twice", "header-repeated", () => ({ headers: (h) => [...h, ["Client-Request-Id", uuid("gateway")]] }));
ipg("header-id-and-time-exchanged", "header-swapped", () => ({ headers: (h) => exchanged(h, "Client-Request-Id", "Timestamp") }));
hub("header-no-time", "header-missing", () => ({ headers: (h) => without(h, "Timestamp") }));

// ---- two and three at once
transfer("published-sample-unpadded", ["body-object-object", "created-part-missing"], () => ({
  ms: Date.UTC(2025, 0, 9, 8, 30, 4), body: file("transfer-momo"), signed: { created: "2025198" + "30", body: "[object Object]" } }));
transfer("published-sample-local", ["body-object-object", "created-timezone"], () => ({
  ms: Date.UTC(2025, 3, 14, 11, 5, 44), body: file("transfer-momo"), signed: { created: "202504141405", body: "[object Object]" } }));
ipg("indented-floats", ["body-compacted", "body-number-format"], () => {
  const text = '{\n  "requestType": "PostAuthTransaction",\n  "transactionAmount": {\n    "total": 12.10,\n    "currency": "EUR"\n  }\n}';
  return { body: text, signed: { body: again(text) } };
});
ipg("seconds-and-hex", ["created-unit", "encoding-hex"], (c) => ({ signed: { created: Math.floor(c.ms / 1000) }, encode: hex }));
hub("indented-and-seconds", ["body-indented", "created-unit"], (c) => ({ created: String(Math.floor(c.ms / 1000)), signed: { body: JSON.stringify(JSON.parse(c.body), null, 2) } }));
ipg("twice-and-compacted", ["created-differs", "body-compacted"], (c) => ({ body: JSON.stringify(JSON.parse(c.body), null, 2), signed: { created: c.ms - 3, body: c.body } }));
ipg("dots-and-hex", ["separator", "encoding-hex"], () => ({ base: (s) => [s.keyid, s.nonce, s.created, s.body].join("."), encode: hex }));
webhook("reparsed-and-256", ["body-number-format", "algorithm-sha256"], () => ({ body: file("webhook-floats"), signed: { body: again(file("webhook-floats")) }, hash: "sha256" }));
hub("order-and-scheme-word", ["order", "header-prefix"], () => ({ base: (s) => s.keyid + s.created + s.nonce + s.body, headers: (h) => revalued(h, "Authorization", (v) => `HMAC ${v}`) }));
ipg("bare-id-and-base64-key", ["nonce-dashes", "key-base64-decoded"], (c) => ({ signed: { nonce: c.nonce.replaceAll("-", "") }, key: Buffer.from(c.secret, "base64") }));
ipg("get-undefined-seconds-hex", ["body-null-signed", "created-unit", "encoding-hex"], (c) => ({
  method: "GET", target: "/gateway/v2/payments/84533125891", body: "", signed: { body: "undefined", created: Math.floor(c.ms / 1000) }, encode: hex }));
transfer("sample-unpadded-base64", ["body-object-object", "created-part-missing", "encoding-base64"], () => ({
  ms: Date.UTC(2025, 1, 4, 12, 41, 4), body: file("transfer-flat"), signed: { created: "2025241241", body: "[object Object]" }, encode: base64 }));
hub("colons-order-hex", ["separator", "order", "encoding-hex"], () => ({ base: (s) => [s.keyid, s.created, s.nonce, s.body].join(":"), encode: hex }));

writeFileSync(new URL("../corpus/node.json", here), JSON.stringify(cases, null, 1) + "\n");
console.log(`node: ${cases.length}`);
