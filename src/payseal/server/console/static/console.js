// What pages need beside htmx: copying, dialogs, a live table that can be held, and parts that are replaced without taking anything away.
"use strict";

const byId = (id) => document.getElementById(id);

// Said once, to those who listen: the place is there from the beginning, as live regions have to be.
const aloud = (text) => { byId("aloud").textContent = text; };

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy) copy(button, byId(button.dataset.copy));
  else if (button.dataset.dialog) byId(button.dataset.dialog).showModal();
  else if ("close" in button.dataset) button.closest("dialog").close();
  else if (button.dataset.fill) fill(byId(button.dataset.fill), button.dataset.value);
  else if (button.dataset.pause) hold(button, button.dataset.pause);
});

async function copy(button, source) {
  const label = button.firstChild;
  const before = button.dataset.label ??= label.data;
  try {
    await navigator.clipboard.writeText(source.textContent);
    label.data = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    label.data = "Press Ctrl-C";
  }
  aloud(label.data);
  setTimeout(() => { label.data = before; aloud(""); }, 2000);
}

function fill(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  field.focus();
}

// What changes by itself can be held still: a part's id, and the rows that came meanwhile.
const held = new Map();

function hold(button, part) {
  const rows = held.get(part);
  if (rows) held.delete(part);
  else held.set(part, []);
  button.textContent = rows ? "Pause" : "Go on";
  for (const row of rows ?? []) arrive(byId(part), row);
}
for (const button of document.querySelectorAll("button[data-pause]")) button.hidden = false;

// The live table. A stream that was cut begins again where the page began: what is there already is not shown twice.
const LONGEST = 500;

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  event.preventDefault();
  const {data, lastEventId} = event.detail;
  if (byId(`decision-${lastEventId}`)) return;
  const waiting = held.get(event.target.id);
  if (!waiting) return arrive(event.target, data);
  waiting.push(data);
  if (waiting.length > LONGEST) waiting.shift();
  document.querySelector(`button[data-pause="${event.target.id}"]`).textContent = `Go on (${waiting.length} new)`;
});

function arrive(body, row) {
  byId("empty")?.remove();
  body.insertAdjacentHTML("afterbegin", row);
  const most = Math.max(LONGEST, Number(body.dataset.most));
  while (body.rows.length > most && !body.lastElementChild.contains(document.activeElement)) body.lastElementChild.remove();
}

const live = byId("live");
const promise = live?.textContent;
document.addEventListener("htmx:sseError", () => { live.textContent = "The connection is interrupted. Trying again …"; });
document.addEventListener("htmx:sseOpen", () => { if (live.textContent !== promise) live.textContent = promise; });

// A part that htmx replaces. By itself (``every``) it does so only where nobody reads, selects or has the focus, and something is new.
const shown = new WeakMap();

document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target;
  if (!part.getAttribute("hx-trigger")?.startsWith("every")) return;
  const selection = getSelection();
  const busy = part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
  if (busy || document.hidden || held.has(part.id)) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const {target, serverResponse} = event.detail;
  if (shown.get(target)?.text === serverResponse) event.detail.shouldSwap = false;
  shown.set(target, {text: serverResponse, open: [...target.querySelectorAll("details[open][id]")].map((each) => each.id)});
});
document.addEventListener("htmx:afterSwap", (event) => {
  for (const id of shown.get(event.detail.target)?.open ?? []) {
    const again = byId(id);
    if (again) again.open = true;
  }
  if (event.detail.target.id === "answer") event.detail.target.firstElementChild.scrollIntoView({block: "nearest"});
});
// After an answer there is a new request id: what is shown beside the form is to be of that.
document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id === "nonce") byId("nonce").dispatchEvent(new Event("input", {bubbles: true}));
});

// A server that does not answer is said so, once, and taken back when it does.
const trouble = byId("trouble");
const failed = (event) => {
  const status = event.detail.xhr?.status;
  trouble.textContent = status ? `The server answered ${status}: load the page again.` : "The server does not answer. What is shown may be old.";
  trouble.hidden = false;
};
document.addEventListener("htmx:sendError", failed);
document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.xhr.status < 400) trouble.hidden = true; });

// A form that was sent is not sent again by a second click.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!event.defaultPrevented && button) setTimeout(() => { button.disabled = true; }, 0);
});

// A page that a browser kept for its back button is asked for again: who signed out sees nothing of it, and what is shown once stays gone.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  const once = document.querySelector("a[data-once]");
  if (once) location.replace(once.href);
  else location.reload();
});
