// What a card must look like, so that a slip is told before anything is sent.

const BRANDS = [
  { name: "Visa", prefix: /^4/, code: 3 },
  { name: "Mastercard", prefix: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, code: 3 },
  { name: "American Express", prefix: /^3[47]/, code: 4 },
  { name: "Discover", prefix: /^(6011|65|64[4-9])/, code: 3 },
  { name: "JCB", prefix: /^35(2[89]|[3-8])/, code: 3 },
  { name: "Diners Club", prefix: /^3(0[0-5]|[689])/, code: 3 },
];
const LONGEST_VALIDITY = 20; // years

/** The digits of a text. */
export const digitsOf = (text) => text.replace(/\D/g, "");

/** The brand of a number or of its beginning, or undefined. */
export const brandOf = (digits) => BRANDS.find(({ prefix }) => prefix.test(digits));

/** Whether the last digit is the right check digit (ISO/IEC 7812-1): every second digit from the right is doubled. */
export function hasRightCheckDigit(digits) {
  let total = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const value = Number(digits[digits.length - 1 - place]) * (1 + (place % 2));
    total += value > 9 ? value - 9 : value;
  }
  return total % 10 === 0;
}

/** "12/31", "1 / 2031", "1231" as { month: "12", year: "2031" }; undefined for anything else. */
export function readExpiry(text) {
  const parts = /^\s*(\d{1,2})\s*[/-]\s*(\d{2}|\d{4})\s*$/.exec(text) ?? /^\s*(\d{2})\s*(\d{2}|\d{4})\s*$/.exec(text);
  if (!parts) return undefined;
  return { month: parts[1].padStart(2, "0"), year: parts[2].length === 2 ? `20${parts[2]}` : parts[2] };
}

/**
 * Read what was typed.
 * @param {{number: string, expiry: string, code: string}} typed
 * @param {Date} today
 * @returns {{card?: {number: string, month: string, year: string, code: string}, wrong: Record<string, string>}} the card, or what is
 *     wrong with which field
 */
export function readCard(typed, today) {
  const number = typed.number.replace(/[\s-]/g, "");
  const expiry = readExpiry(typed.expiry);
  const code = typed.code.trim();
  const wrong = {};
  const say = (field, sentence) => {
    if (sentence) wrong[field] = sentence;
  };
  say("number", wrongNumber(number));
  say("expiry", wrongExpiry(expiry, today));
  say("code", wrongCode(code, brandOf(number)));
  return Object.keys(wrong).length > 0 ? { wrong } : { card: { number, ...expiry, code }, wrong };
}

function wrongNumber(number) {
  if (!number) return "Enter the card number.";
  if (!/^[0-9]{12,19}$/.test(number)) return "A card number has 12 to 19 digits.";
  return hasRightCheckDigit(number) ? "" : "This card number has a typing error: compare it with the card.";
}

function wrongExpiry(expiry, today) {
  if (!expiry || expiry.month < "01" || expiry.month > "12") return "Enter the month and the year, such as 04/31.";
  const months = (Number(expiry.year) - today.getFullYear()) * 12 + Number(expiry.month) - (today.getMonth() + 1);
  if (months < 0) return "This card has expired.";
  return months > LONGEST_VALIDITY * 12 ? "No card is valid for so long: compare the year with the card." : "";
}

function wrongCode(code, brand) {
  const digits = brand?.code ?? 3;
  const known = brand ? code.length === digits : code.length === 3 || code.length === 4;
  return known && /^[0-9]+$/.test(code) ? "" : `Enter the ${digits} digits of the security code.`;
}

/** The number in groups, as it is printed on the card. */
export function grouped(digits) {
  const sizes = brandOf(digits)?.code === 4 ? [4, 6, 5, 4] : [4, 4, 4, 4, 3];
  const groups = [];
  for (let at = 0, group = 0; at < digits.length && group < sizes.length; at += sizes[group], group += 1) {
    groups.push(digits.slice(at, at + sizes[group]));
  }
  return groups.join(" ");
}
