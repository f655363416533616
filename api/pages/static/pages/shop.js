/* What pages do beyond plain HTML: hold-to-start, ticks that free a button, times in the
   reader's zone.  Every page works without this file. */
"use strict";

const HOLD_MS = 1000;

/** Dangerous starts are held for a second, by finger or by key. */
function holdToStart(button) {
  const form = button.form;
  let timer = 0;
  const cancel = () => {
    clearTimeout(timer);
    timer = 0;
    button.classList.remove("holding");
  };
  const begin = () => {
    if (timer || button.disabled || !form.reportValidity()) return;
    button.classList.add("holding");
    timer = setTimeout(() => { cancel(); form.requestSubmit(button); }, HOLD_MS);
  };
  const isPress = (event) => event.key === " " || event.key === "Enter";
  button.addEventListener("pointerdown", (event) => { if (event.button === 0) begin(); });
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(name, cancel);
  button.addEventListener("keydown", (event) => { if (isPress(event)) { event.preventDefault(); if (!event.repeat) begin(); } });
  button.addEventListener("keyup", (event) => { if (isPress(event)) { event.preventDefault(); cancel(); } });
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => {
    // A screen reader activates without pointer or key: it is asked instead of timed.
    const bySpeech = event.detail === 0 && event.pointerType === "";
    if (!(bySpeech && window.confirm(button.textContent.trim() + "?"))) event.preventDefault();
  });
}

/** The button waits for every tick and says how many are left. */
function freeByTicks(form) {
  const button = form.querySelector("[data-hold]");
  const reason = form.querySelector("[data-reason]");
  if (!button || button.disabled) return;
  const ready = reason.textContent;
  const update = () => {
    const left = form.querySelectorAll("input[type=checkbox][required]:not(:checked)").length;
    button.disabled = left > 0;
    reason.textContent = left === 0 ? ready : left === 1 ? "One line is left to tick." : `${left} lines are left to tick.`;
  };
  form.addEventListener("change", update);
  update();
}

function lengthInWords(seconds) {
  if (seconds < 60) return `${Math.round(seconds)}\u202fs`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}\u202fmin`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours}\u202fh ${minutes % 60}\u202fmin` : `${hours}\u202fh`;
  return `${Math.floor(hours / 24)} days`;
}

/** "06:02 today, 12 min ago", in the reader's own zone. */
function showTime(element) {
  const at = new Date(element.dateTime), now = new Date();
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const days = Math.round((midnight(now) - midnight(at)) / 86400000);
  const day = { "0": "today", "1": "yesterday", "-1": "tomorrow" }[days]
    || at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const clock = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const age = (now - at) / 1000;
  element.textContent = `${clock} ${day}, ` + (age < 0 ? `in ${lengthInWords(-age)}` : `${lengthInWords(age)} ago`);
}

function dress(root) {
  root.querySelectorAll("time[data-when]").forEach(showTime);
  root.querySelectorAll("[data-zone]").forEach(tellZone);
}

/** Minutes behind UTC at the moment that its form names: the clocks may change before it. */
function tellZone(field) {
  const typed = [...field.form.querySelectorAll("[type=datetime-local]")].map((input) => input.value).find(Boolean);
  field.value = (typed ? new Date(typed) : new Date()).getTimezoneOffset();
}

document.addEventListener("input", (event) => event.target.form?.querySelectorAll("[data-zone]").forEach(tellZone));

const UNHEARD_MS = 4000;

/** Polled figures that cannot be renewed fade, and the page says since when. */
function watchSilence(note) {
  let heard = Date.now();
  document.body.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) heard = Date.now(); });
  document.addEventListener("visibilitychange", () => { heard = Math.max(heard, Date.now() - UNHEARD_MS / 2); });
  setInterval(() => {
    const silent = Date.now() - heard, lost = silent > UNHEARD_MS && !document.hidden;
    note.hidden = !lost;
    document.body.classList.toggle("is-unheard", lost);
    if (lost) note.textContent = `The shop does not answer. Figures as last seen ${lengthInWords(silent / 1000)} ago; the bench goes on by itself.`;
  }, 1000);
}

document.querySelectorAll("[data-unheard]").forEach(watchSilence);
document.querySelectorAll("[data-hold]").forEach(holdToStart);
document.querySelectorAll("[data-start]").forEach(freeByTicks);
dress(document);
setInterval(() => dress(document), 30000);
document.body.addEventListener("htmx:afterSwap", (event) => dress(event.target));
