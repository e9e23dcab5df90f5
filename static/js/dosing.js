/* The clocks of the dosing room: minutes since the start and until the next reading. Without it the times stand there all the same. */
"use strict";

(() => {
  const pad = (value) => String(value).padStart(2, "0");
  const clock = (seconds) => `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}`;

  function tick() {
    const now = Date.now();
    for (const element of document.querySelectorAll("[data-since]")) {
      element.textContent = clock(Math.max(0, (now - Date.parse(element.dataset.since)) / 1000));
    }
    for (const element of document.querySelectorAll("[data-until]")) {
      const minutes = Math.ceil((Date.parse(element.dataset.until) - now) / 60000);
      element.textContent = minutes > 0 ? `in ${minutes} min` : "due now";
    }
  }

  tick();
  setInterval(tick, 5000);
})();
