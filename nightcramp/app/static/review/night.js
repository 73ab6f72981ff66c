"use strict";
// One night under review: what is seen, which episode is selected, and what is done to it.
import { MARKS, Plots, fill } from "./plots.js";

const home = document.getElementById("night");
const words = JSON.parse(home.dataset.words);
const { mode } = home.dataset;
const place = location.pathname;
const said = document.getElementById("said");
const reason = document.getElementById("reason");
const LEAST_S = 0.5, STEP_S = 0.5, LONG_STEP_S = 5, NEW_S = 20, AROUND = 3;

let facts, state, plots;
let span = [0, 0], selected = null, draft = null, asking = null;

const say = (key, values = {}) => { said.textContent = fill(words[key], values); };

async function told(path) {
  const answer = await fetch(`${place}/${path}`);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.problem);
  return content;
}

async function open() {
  [facts, state] = await Promise.all([told("facts.json"), told("state.json")]);
  plots = new Plots(document.getElementById("plots"), facts, words, { zoomed: look, picked: pick });
  show();
  await look(0, facts.duration_s);
  said.textContent = "";
  if (state.done) say(state.final ? "final" : "done");
  home.dataset.ready = "yes";
}

// What is seen

async function look(from, to) {
  const length = Math.min(Math.max(to - from, LEAST_S), facts.duration_s);
  const first = Math.min(Math.max(0, from), facts.duration_s - length);
  span = [first, first + length];
  asking?.abort();
  asking = new AbortController();
  const query = (extra) => new URLSearchParams({ from: span[0], to: span[1], width: plots.columns, ...extra });
  try {
    const answer = await fetch(`${place}/view.json?${query()}`, { signal: asking.signal });
    const view = await answer.json();
    if (!answer.ok) throw new Error(view.problem);
    const shown = [...span];
    plots.draw(view, shown, (channel) => `${place}/spectrogram.png?${query({ channel })}`);
    home.dataset.shown = shown.map((second) => second.toFixed(1)).join(" ");
  } catch (error) {
    if (error.name !== "AbortError") said.textContent = error.message;
  }
}

function pan(share) {
  const length = span[1] - span[0];
  return look(span[0] + share * length, span[1] + share * length);
}

function zoom(factor) {
  const middle = draft ? edgeTime() : (span[0] + span[1]) / 2;
  const half = (span[1] - span[0]) * factor / 2;
  return look(middle - half, middle + half);
}

// Which episode

const chosen = () => state.episodes.find((one) => one.id === selected);

function describe(one) {
  return {
    id: one.id, time: plots.clock(one.onset), seconds: one.duration.toFixed(1),
    status: words[one.status], kind: words[one.kind], source: one.source,
  };
}

function select(id, { near = true } = {}) {
  selected = id;
  draft = null;
  show();
  const one = chosen();
  if (!one) return;
  say("selected", describe(one));
  reveal(document.querySelector("#episodes [aria-current]"));
  if (near) {
    const around = Math.max(one.duration, 10) * AROUND;
    look(one.onset - around, one.onset + one.duration + around);
  }
}

// Within the list only: where it stands below the signals, these must not leave the screen.
function reveal(button) {
  const list = document.getElementById("episodes");
  const [outer, inner] = [list, button].map((element) => element.getBoundingClientRect());
  list.scrollTop += Math.min(0, inner.top - outer.top) + Math.max(0, inner.bottom - outer.bottom);
}

function step(by) {
  const { episodes } = state;
  if (!episodes.length) return say("no_episodes");
  const at = episodes.findIndex((one) => one.id === selected);
  const next = at < 0 ? (by > 0 ? 0 : episodes.length - 1) : (at + by + episodes.length) % episodes.length;
  select(episodes[next].id);
}

function pick(second) {
  if (draft) return setEdge(second);
  const there = state.episodes.filter((one) => one.onset <= second && second <= one.onset + one.duration);
  if (there.length) select(there[0].id, { near: false });
}

// Edges

const edgeTime = () => (draft.edge === "onset" ? draft.onset : draft.onset + draft.duration);

function begin(from) {
  draft = { ...from, edge: "onset" };
  document.getElementById("edges").hidden = false;
  tellDraft();
}

function move() {
  const one = chosen();
  if (!one) return say("nothing");
  begin({ id: one.id, onset: one.onset, duration: one.duration });
}

function add() {
  const length = Math.min(NEW_S, (span[1] - span[0]) / 2);
  selected = null;
  begin({ id: null, onset: (span[0] + span[1] - length) / 2, duration: length });
}

function setEdge(second) {
  const end = draft.onset + draft.duration;
  const at = Math.min(Math.max(second, 0), facts.duration_s);
  if (draft.edge === "onset") draft.onset = Math.min(at, end - 1);
  draft.duration = draft.edge === "onset" ? end - draft.onset : Math.max(at - draft.onset, 1);
  tellDraft();
}

function otherEdge() {
  draft.edge = draft.edge === "onset" ? "offset" : "onset";
  tellDraft();
}

function cancel() {
  draft = null;
  said.textContent = "";
  show();
}

function tellDraft() {
  show();
  const values = { edge: words[draft.edge], id: draft.id ?? words.new, time: plots.clock(edgeTime(), 1), seconds: draft.duration.toFixed(1) };
  say("moving", values);
}

function save() {
  const action = draft.id ? "moved" : "added";
  return act({ action, episode: draft.id, onset_s: draft.onset, duration_s: draft.duration });
}

// What is done

async function act(change) {
  const token = document.querySelector('meta[name="csrf"]').content;
  const note = change.reason ?? reason.value.trim();
  const body = JSON.stringify({ ...change, reason: note, seen: state.seen });
  const known = new Set(state.episodes.map((one) => one.id));
  let answer, content;
  try {
    answer = await fetch(`${place}/change`, { method: "POST", body, headers: { "X-CSRF-Token": token, "Content-Type": "application/json" } });
    content = await answer.json();
  } catch {
    return say("offline");
  }
  if (!answer.ok) return refused(content);
  state = content;
  draft = null;
  reason.value = "";
  after(change, known);
}

async function refused(content) {
  if (content.stale) {
    state = await told("state.json");
    draft = null;
    show();
  }
  said.textContent = fill(words[content.stale ? "stale" : "problem"], content);
}

function after(change, known) {
  const fresh = state.episodes.find((one) => !known.has(one.id));
  if (change.action === "added" && fresh) selected = fresh.id;
  if (!chosen()) selected = null;
  if (change.action === "confirmed" || change.action === "rejected") advance();
  show();
  const left = state.episodes.filter((one) => one.status === "auto").length;
  if (change.action === "done") say(state.final ? "final" : "done");
  else say("saved", { left });
}

// To the next undecided episode after the one just decided, from the start if there is none.
function advance() {
  const from = chosen()?.onset ?? 0;
  const open = state.episodes.filter((one) => one.status === "auto");
  const next = open.find((one) => one.onset >= from) ?? open[0];
  if (next) select(next.id);
}

function decide(action) {
  return chosen() ? act({ action, episode: selected }) : say("nothing");
}

function comment() {
  if (!reason.value.trim()) return say("empty");
  return act({ action: "commented", episode: selected, reason: reason.value.trim() });
}

function done() {
  const dialog = document.getElementById("ending");
  dialog.returnValue = "no";
  dialog.showModal();
}

document.getElementById("ending").addEventListener("close", (event) => {
  if (event.target.returnValue === "yes") act({ action: "done" });
});

// What stands

function show() {
  document.getElementById("edges").hidden = !draft;
  document.getElementById("episodes").replaceChildren(...state.episodes.map(entry));
  document.getElementById("comments").replaceChildren(...state.comments.map(item));
  plots.mark(state.episodes, selected, draft);
}

function entry(one) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.status = one.status;
  button.dataset.id = one.id;
  if (one.id === selected) button.setAttribute("aria-current", "true");
  button.textContent = `${MARKS[one.status]} ${fill(words.episode, describe(one))}`;
  button.addEventListener("click", () => select(one.id));
  const line = document.createElement("li");
  line.append(button, ...one.comments.map((note) => {
    const small = document.createElement("small");
    small.textContent = note;
    return small;
  }));
  return line;
}

function item(content) {
  const line = document.createElement("li");
  line.textContent = content;
  return line;
}

// Keys and buttons lead to the same

const DEEDS = {
  previous: () => step(-1), next: () => step(1),
  confirm: () => decide("confirmed"), reject: () => decide("rejected"),
  move, add, undo: () => act({ action: "undone", reason: "" }), done,
  zoom_in: () => zoom(0.5), zoom_out: () => zoom(2), whole: () => look(0, facts.duration_s),
  left: () => pan(-0.25), right: () => pan(0.25),
  edge: otherEdge, save, cancel,
  earlier: () => setEdge(edgeTime() - STEP_S), later: () => setEdge(edgeTime() + STEP_S),
  much_earlier: () => setEdge(edgeTime() - LONG_STEP_S), much_later: () => setEdge(edgeTime() + LONG_STEP_S),
  remark: () => reason.focus(),
};
const KEYS = {
  p: "previous", n: "next", c: "confirm", r: "reject", m: "move", a: "add", u: "undo", d: "done",
  k: "remark", "+": "zoom_in", "=": "zoom_in", "-": "zoom_out", 0: "whole",
  ArrowLeft: "left", ArrowRight: "right",
};
const EDGE_KEYS = { e: "edge", Enter: "save", Escape: "cancel", ArrowLeft: "earlier", ArrowRight: "later" };
const LONG_KEYS = { ArrowLeft: "much_earlier", ArrowRight: "much_later" };

function deedOf(event) {
  if (draft && event.shiftKey && LONG_KEYS[event.key]) return LONG_KEYS[event.key];
  return (draft && EDGE_KEYS[event.key]) || KEYS[event.key];
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target === reason) {
    if (event.key === "Escape") reason.blur();
    return;
  }
  const onControl = event.key === "Enter" && event.target.closest("button, a, input");
  const deed = deedOf(event);
  if (!deed || onControl || !document.getElementById("keys").checked || !offered(deed)) return;
  event.preventDefault();
  DEEDS[deed]();
});

const offered = (deed) => deed === "remark" || home.querySelector(`[data-do="${deed}"]`) !== null;

home.addEventListener("click", (event) => {
  const deed = event.target.closest("[data-do]")?.dataset.do;
  if (deed) DEEDS[deed]();
});

document.getElementById("remark").addEventListener("submit", (event) => {
  event.preventDefault();
  comment();
  reason.blur();
});

open().catch((error) => { said.textContent = error.message; });
