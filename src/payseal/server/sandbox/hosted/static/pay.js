// The payment page: takes a card, has it captured, hands over to the merchant, shows what came of it.
//
// The card is in the form and, while it is being sent, in local variables. It is put nowhere else: not in storage, an address, an
// attribute or the console.

import { capture } from "./capture.js";
import { digitsOf, grouped, readCard } from "./card.js";

const FIELDS = ["number", "expiry", "code"];
const element = (id) => document.getElementById(id);
const session = JSON.parse(element("session").textContent);
const form = element("form");
const button = element("pay");
/** How far the server's clock is ahead (milliseconds): shoppers' clocks are often wrong, and a stale signature is refused. */
const ahead = session.now - Date.now();

let busy = false;
let captured = false;
let over = false;

/** An end that cannot be mended by pressing the button again. */
class Ended extends Error {}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!busy && !over) submit();
});
for (const field of FIELDS) element(field).addEventListener("input", () => complain(field, ""));
element("number").addEventListener("input", (event) => rewrite(event.target, (text) => grouped(digitsOf(text))));
element("expiry").addEventListener("input", (event) => rewrite(event.target, slashed));
for (const again of document.querySelectorAll("[data-again]")) again.addEventListener("click", () => location.reload());
window.addEventListener("pagehide", clear);
setTimeout(() => !busy && !over && end("expired"), session.timeToLive * 1000);
button.disabled = false;

async function submit() {
  const { card, wrong } = captured ? { wrong: {} } : readCard(typed(), new Date(Date.now() + ahead));
  for (const field of FIELDS) complain(field, wrong[field] ?? "");
  const first = FIELDS.find((field) => wrong[field]);
  say("problem", first ? "Nothing was sent: see what is marked." : "");
  if (first) {
    element(first).focus();
    return;
  }
  work(true);
  try {
    if (!captured) await send(card);
    captured = true;
    clear();
    element("card").hidden = true;
    await charge();
  } catch (error) {
    if (error instanceof Ended) end(error.message);
    else say("problem", error instanceof Trouble ? error.message : "The payment system cannot be reached. Nothing is lost: try again.");
  } finally {
    work(false);
  }
}

/** What went wrong, in a sentence for the shopper, who may try again. */
class Trouble extends Error {}

async function send(card) {
  const answer = await capture(session, card, Date.now() + ahead);
  if (answer.ok) return;
  if (answer.status === 401) throw new Ended("expired");
  const refused = answer.status < 500;
  throw new Trouble(refused ? "The card was not accepted: compare it with what you entered." : "The payment system has a problem. Try again.");
}

/** The merchant charges the session. Its request id is in the ticket: however often this is called, the card is charged once. */
async function charge() {
  const answer = await fetch(`/pay/${encodeURIComponent(session.sessionId)}/charge`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ticket: session.ticket }),
    credentials: "omit",
    redirect: "error",
    cache: "no-store",
  });
  if (!answer.ok) throw new Trouble("The shop has a problem. Your card is charged once at most: try again.");
  const outcome = await answer.json();
  if (outcome.status !== "paid") throw new Ended(outcome.status);
  for (const [part, value] of Object.entries(outcome.receipt)) element(`receipt-${part}`).textContent = value;
  end("paid");
}

/** Show how it ended, in place of the form. */
function end(how) {
  over = true;
  clear();
  form.hidden = true;
  const shown = element(how);
  shown.hidden = false;
  document.title = shown.dataset.title;
  shown.querySelector("h2").focus();
}

function typed() {
  return Object.fromEntries(FIELDS.map((field) => [field, element(field).value]));
}

function clear() {
  for (const field of FIELDS) element(field).value = "";
}

function work(begun) {
  busy = begun;
  button.setAttribute("aria-disabled", String(begun)); // not disabled: the focus would be lost
  say("progress", begun ? "Paying …" : "");
}

/** Tell what is wrong with a field, or that nothing is any more. */
function complain(field, sentence) {
  element(field).setAttribute("aria-invalid", String(sentence !== ""));
  say(`${field}-wrong`, sentence);
}

function say(id, sentence) {
  element(id).textContent = sentence;
}

/** Write what was typed more readably; only at the end of the text, where that moves nobody's caret. */
function rewrite(input, better) {
  if (input.selectionStart === input.value.length) input.value = better(input.value);
}

/** "1231" as "12/31", "1/" as "01/". */
function slashed(text) {
  const typedSlash = /^\D*(\d{1,2})\D*\/\D*(\d{0,4})/.exec(text);
  if (typedSlash) return `${typedSlash[1].padStart(2, "0")}/${typedSlash[2]}`;
  const digits = digitsOf(text).slice(0, 6);
  return digits.length > 2 ? `${digits.slice(0, 2)}/${digits.slice(2)}` : digits;
}
