/* Small habits of every page: keyboard, dialogs, confirmations, the guard against double sending, leaving a form half done, dim mode. */
"use strict";

(() => {
  const body = document.body;

  /* ---- Dialogs ---- */

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      document.getElementById(opener.dataset.dialogOpen)?.showModal();
      return;
    }
    if (event.target.closest("[data-dialog-close]")) {
      event.target.closest("dialog")?.close();
      return;
    }
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) {
      dismiss.closest(".notice")?.remove();
      document.getElementById("main")?.focus({ preventScroll: true });
      return;
    }
    if (event.target.closest("[data-print]")) {
      window.print();
    }
  });

  /* ---- Sending: ask first where asked to, and never twice ---- */

  const confirmDialog = document.getElementById("confirm-dialog");
  let waiting = null;

  function askFirst(form, submitter) {
    const question = submitter?.dataset.confirm || form.dataset.confirm;
    if (!question || !confirmDialog || form.dataset.confirmed === "yes") {
      return false;
    }
    waiting = { form, submitter };
    document.getElementById("confirm-text").textContent = question;
    const yes = document.getElementById("confirm-yes");
    yes.textContent = submitter?.dataset.confirmAction || form.dataset.confirmAction || submitter?.textContent.trim() || "Yes";
    confirmDialog.showModal();
    return true;
  }

  document.getElementById("confirm-yes")?.addEventListener("click", () => {
    const { form, submitter } = waiting;
    confirmDialog.close();
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter && submitter.isConnected ? submitter : undefined);
    delete form.dataset.confirmed;
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    // A search that takes seconds is guarded like a change (data-busy).
    const isGuarded = form.method === "post" || "busy" in form.dataset;
    if (event.defaultPrevented || !isGuarded || "noGuard" in form.dataset || form.hasAttribute("hx-post")) {
      return;
    }
    if (form.dataset.sending === "yes" || askFirst(form, event.submitter)) {
      event.preventDefault();
      return;
    }
    form.dataset.sending = "yes";
    dirty.delete(form);
    // A disabled button would not send its own name and value, so it is marked after the form has been read.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button:not([type=button]), input[type=submit]")) {
        button.setAttribute("aria-busy", "true");
        button.disabled = true;
      }
    });
  });

  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) {
      return;
    }
    // Clinical pages are no-store, but a browser may still bring one back: it must be usable and current.
    for (const form of document.querySelectorAll("form[data-sending]")) {
      delete form.dataset.sending;
      for (const button of form.querySelectorAll("[aria-busy]")) {
        button.removeAttribute("aria-busy");
        button.disabled = false;
      }
    }
  });

  /* ---- Leaving with something typed ---- */

  const dirty = new Set();

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form && (form.dataset.draftKey || "guard" in form.dataset)) {
      dirty.add(form);
    }
  });

  document.addEventListener("kap:draft-saved", (event) => dirty.delete(event.target));
  document.addEventListener("kap:leaving", () => dirty.clear());

  window.addEventListener("beforeunload", (event) => {
    if ([...dirty].some((form) => form.isConnected)) {
      event.preventDefault();
    }
  });

  /* ---- After a refusal the reader starts at the reasons ---- */

  (document.querySelector("[data-focus]") || document.querySelector(".is-invalid"))?.focus();

  /* ---- Filters send themselves; without script they have a button ---- */

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form) {
      form.requestSubmit();
    }
  });

  for (const button of document.querySelectorAll("form[data-autosubmit] [data-without-script]")) {
    button.hidden = true;
  }

  /* ---- Dim-room mode: at once here, kept by the server ---- */

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-theme-form]");
    if (!form) {
      return;
    }
    event.preventDefault();
    const root = document.documentElement;
    const dim = root.dataset.bsTheme !== "dark";
    const field = form.elements.namedItem("theme");
    field.value = dim ? "dim" : "light";
    root.dataset.bsTheme = dim ? "dark" : "light";
    form.querySelector("button").textContent = dim ? "Light mode" : "Dim-room mode";
    await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin", redirect: "manual" });
  });

  /* ---- Keyboard ---- */

  const keysOn = document.getElementById("keys-on");
  if (keysOn) {
    // A cookie, for signing out empties the browser's other storage; the prefix as for the others, where there is TLS.
    const isSecure = location.protocol === "https:";
    const cookie = isSecure ? "__Host-keys" : "keys";
    keysOn.checked = !document.cookie.split("; ").includes(`${cookie}=off`);
    keysOn.addEventListener("change", () => {
      const forYears = keysOn.checked ? 0 : 400 * 24 * 3600;
      document.cookie = `${cookie}=off; path=/; max-age=${forYears}; samesite=lax${isSecure ? "; secure" : ""}`;
    });
  }

  let first = "";
  let firstAt = 0;

  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search-input");
    if (event.key === "Escape" && search && search.closest(".search").contains(event.target)) {
      document.getElementById("search-results").replaceChildren();
      search.focus();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    if ((keysOn && !keysOn.checked) || document.querySelector("dialog[open]")) {
      return;
    }
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "?") {
      event.preventDefault();
      document.getElementById("help-dialog")?.showModal();
    } else if (first === "g" && Date.now() - firstAt < 1200) {
      document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
      first = "";
    } else if (first === "l" && event.key === "l" && Date.now() - firstAt < 1200) {
      document.dispatchEvent(new CustomEvent("kap:lock"));
      first = "";
    } else {
      first = event.key;
      firstAt = Date.now();
    }
  });

  /* Down and up walk through the search results. */
  document.addEventListener("keydown", (event) => {
    const box = event.target.closest(".search");
    if (!box || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) {
      return;
    }
    const stops = [document.getElementById("search-input"), ...box.querySelectorAll("#search-results a")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) {
      document.getElementById("search-results")?.replaceChildren();
    }
  });

  /* ---- Live parts: an answer that is no success says so; a session that ended goes to sign-in ---- */

  /* A part that is drawn anew by itself waits for the next time while somebody is in it with the keyboard. */
  body.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    if (part.matches("[data-live]") && part.contains(document.activeElement)) {
      event.detail.shouldSwap = false;
    }
  });

  body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401 || event.detail.xhr.status === 423) {
      window.location.reload();
      return;
    }
    tell("This part of the page could not be loaded. Reload the page.");
  });

  body.addEventListener("htmx:sendError", () => tell("No answer from the server. Check the connection; what you typed is still here."));

  function tell(text) {
    const box = document.getElementById("messages");
    if (!box || [...box.children].some((note) => note.textContent.includes(text))) {
      return;
    }
    const note = document.createElement("div");
    note.className = "notice notice-red";
    note.setAttribute("role", "alert");
    const words = document.createElement("p");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "close";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "Close this message");
    close.textContent = "×";
    note.append(words, close);
    box.append(note);
  }

  document.addEventListener("kap:tell", (event) => tell(event.detail));
})();
