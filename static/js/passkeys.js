/* Says on the page that a passkey was not used, where the library would only write it to the console. */
(() => {
  "use strict";
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const error = document.getElementById("passkey-error");
    if (error) {
      error.hidden = false;
    }
  });
})();
