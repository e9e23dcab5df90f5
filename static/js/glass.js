/* Counts the minutes of an emergency access down; when it is over, the page is asked for anew and is not shown any more. */
(() => {
  "use strict";
  const banner = document.querySelector("[data-glass-until]");
  if (!banner) {
    return;
  }
  const until = Date.parse(banner.dataset.glassUntil);
  const minutes = banner.querySelector("[data-glass-minutes]");

  function show() {
    const left = Math.ceil((until - Date.now()) / 60000);
    if (left <= 0) {
      window.location.reload();
      return;
    }
    if (minutes.textContent !== String(left)) {
      minutes.textContent = String(left);
    }
    window.setTimeout(show, Math.min(15000, Math.max(500, until - Date.now() + 500)));
  }

  show();
})();
