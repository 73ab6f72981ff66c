"use strict";
const DIM_AFTER_MS = 60000;

const clock = document.getElementById("clock");
function tick() {
  const now = new Date();
  if (clock) clock.textContent = `${now.getHours()}:${String(now.getMinutes()).padStart(2, "0")}`;
}
tick();
setInterval(tick, 5000);

let dimming;
function wake() {
  document.body.classList.remove("asleep");
  clearTimeout(dimming);
  dimming = setTimeout(() => document.body.classList.add("asleep"), DIM_AFTER_MS);
}
for (const kind of ["pointerdown", "keydown", "focusin"]) document.addEventListener(kind, wake);
wake();
