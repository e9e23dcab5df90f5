/* The screen locks in place after a time without a hand on it, in every tab at once; the server locks the session with it. */
"use strict";

(() => {
  const dialog = document.getElementById("lock-dialog");
  const body = document.body;
  const minutes = Number(body.dataset.idleMinutes);
  if (!dialog || !minutes || !body.dataset.lockUrl) {
    return;
  }

  const channel = new BroadcastChannel("kap-lock");
  const form = document.getElementById("lock-form");
  const password = document.getElementById("lock-password");
  const error = document.getElementById("lock-error");
  let lastTouch = Date.now();
  let locked = false;

  function post(url, data) {
    return fetch(url, {
      method: "POST",
      body: data,
      credentials: "same-origin",
      redirect: "manual",
      headers: { "X-CSRFToken": body.dataset.csrf },
    });
  }

  function show() {
    if (locked) {
      return;
    }
    locked = true;
    document.documentElement.classList.add("is-locked");
    if (!dialog.open) {
      dialog.showModal();
    }
    password.value = "";
    password.focus();
  }

  function open() {
    locked = false;
    lastTouch = Date.now();
    document.documentElement.classList.remove("is-locked");
    password.value = "";
    error.textContent = "";
    dialog.close();
  }

  async function lock() {
    if (locked) {
      return;
    }
    document.dispatchEvent(new CustomEvent("kap:keep-drafts"));
    show();
    channel.postMessage("locked");
    await post(body.dataset.lockUrl, new FormData());
  }

  channel.addEventListener("message", (event) => {
    if (event.data === "locked") {
      show();
    } else if (event.data === "open") {
      open();
    } else if (event.data === "touched") {
      lastTouch = Date.now();
    }
  });

  dialog.addEventListener("cancel", (event) => event.preventDefault());

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    const answer = await post(form.action, new FormData(form));
    if (answer.status === 204) {
      open();
      channel.postMessage("open");
    } else if (answer.status === 422) {
      error.textContent = await answer.text();
      password.select();
    } else {
      leave();
    }
  });

  function leave() {
    document.dispatchEvent(new CustomEvent("kap:leaving"));
    window.location.reload();
  }

  let told = 0;
  let noted = Date.now();
  let toldServer = Date.now();
  // Reading and moving send nothing by themselves: the server hears of it here, or it would lock under a person at work.
  async function tellServer() {
    if (!body.dataset.touchUrl) {
      return;
    }
    try {
      const answer = await post(body.dataset.touchUrl, new FormData());
      if (answer.status === 423) {
        show();
      } else if (answer.status === 401) {
        window.location.reload();
      }
    } catch {
      // No answer: the next touch tries again, and sending a form says so by itself.
      toldServer = 0;
    }
  }

  function touched() {
    if (locked) {
      return;
    }
    const now = Date.now();
    // A sleeping computer fires no timers: the first touch after waking must not count as activity.
    if (now - lastTouch >= minutes * 60000) {
      lock();
      return;
    }
    lastTouch = now;
    if (now - told > 5000) {
      told = now;
      channel.postMessage("touched");
    }
    // The server locks by itself when it hears nothing: reading without sending must count as a hand on the screen.
    if (now - noted > 45000) {
      noted = now;
      post(body.dataset.touchUrl, new FormData());
    }
    if (now - toldServer > 30000) {
      toldServer = now;
      tellServer();
    }
  }

  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, touched, { passive: true, capture: true });
  }

  setInterval(() => {
    if (Date.now() - lastTouch >= minutes * 60000) {
      lock();
    }
  }, 1000);

  document.addEventListener("kap:lock", lock);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-lock-now]")) {
      lock();
    }
  });
})();
