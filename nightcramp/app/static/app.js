"use strict";
// Every request of htmx carries the form token: no other page can know it.
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector('meta[name="csrf"]').content;
  event.detail.ctx.request.headers["X-CSRF-Token"] = token;
});

// Where nothing answers any more, what stands here may be old.
const lost = document.getElementById("lost");
document.addEventListener("htmx:error", () => { lost.hidden = false; });
document.addEventListener("htmx:after:request", () => { lost.hidden = true; });

// A button that was pressed says what it does, and takes no second press.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !button.dataset.busy) return;
  if (button.hasAttribute("aria-busy")) {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-busy", "true");
  button.lastChild.textContent = button.dataset.busy;
});

// A page that the browser kept from earlier does not know how it stands now.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
