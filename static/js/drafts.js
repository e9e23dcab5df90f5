/* Drafts: what is typed into a form with data-draft-key is kept on the server, encrypted and for this person alone, never in the browser. */
"use strict";

(() => {
  const url = document.body.dataset.draftsUrl;
  const PENDING = "kap-draft-sent";
  const forms = [...document.querySelectorAll("form[data-draft-key]")];

  function call(action, values) {
    const data = new FormData();
    data.set("action", action);
    for (const [name, value] of Object.entries(values)) {
      data.set(name, value);
    }
    return fetch(url, {
      method: "POST",
      body: data,
      credentials: "same-origin",
      headers: { "X-CSRFToken": document.body.dataset.csrf },
    });
  }

  function isKept(field) {
    return (
      field.name &&
      !field.disabled &&
      field.name !== "csrfmiddlewaretoken" &&
      field.name !== "request_key" &&
      !["password", "file", "submit", "button", "hidden"].includes(field.type)
    );
  }

  function read(form) {
    const values = {};
    for (const field of form.elements) {
      if (!isKept(field)) {
        continue;
      }
      if (field.type === "checkbox" || field.type === "radio") {
        values[field.name] ??= [];
        if (field.checked) {
          values[field.name].push(field.value);
        }
      } else if (field.type === "select-multiple") {
        values[field.name] = [...field.selectedOptions].map((option) => option.value);
      } else {
        (values[field.name] ??= []).push(field.value);
      }
    }
    return values;
  }

  function write(form, values) {
    const seen = {};
    for (const field of form.elements) {
      if (!isKept(field) || !(field.name in values)) {
        continue;
      }
      const kept = values[field.name];
      if (field.type === "checkbox" || field.type === "radio") {
        field.checked = kept.includes(field.value);
      } else if (field.type === "select-multiple") {
        for (const option of field.options) {
          option.selected = kept.includes(option.value);
        }
      } else {
        const place = seen[field.name] ?? 0;
        seen[field.name] = place + 1;
        if (kept[place] !== undefined) {
          field.value = kept[place];
        }
      }
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  function note(form, text, withDiscard) {
    let line = form.querySelector(".draft-note");
    if (!line) {
      line = document.createElement("p");
      line.className = "draft-note";
      line.setAttribute("role", "status");
      form.prepend(line);
    }
    line.replaceChildren(text);
    if (withDiscard) {
      const discard = document.createElement("button");
      discard.type = "button";
      discard.className = "link-button";
      discard.textContent = "Start empty";
      discard.addEventListener("click", async () => {
        await call("discard", { key: form.dataset.draftKey });
        form.reset();
        line.replaceChildren("Draft dropped.");
      });
      line.append(" ", discard);
    }
  }

  function keep(form) {
    let timer = 0;
    let last = "";
    const save = async () => {
      const values = JSON.stringify(read(form));
      if (values === last || form.dataset.sending === "yes") {
        return;
      }
      try {
        const answer = await call("save", { key: form.dataset.draftKey, body: values });
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        last = values;
        const at = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
        note(form, `Draft kept ${at}.`, false);
        form.dispatchEvent(new CustomEvent("kap:draft-saved", { bubbles: true }));
      } catch {
        note(form, "The draft could not be kept: check the connection before you leave this page.", false);
      }
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(save, 1200);
    });
    document.addEventListener("kap:keep-drafts", save);
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      sessionStorage.setItem(PENDING, form.dataset.draftKey);
    });
  }

  async function restore(form) {
    if (form.querySelector(".is-invalid, .alert-danger, [role=alert]")) {
      return;
    }
    const answer = await call("load", { key: form.dataset.draftKey });
    if (answer.status !== 200) {
      return;
    }
    const draft = await answer.json();
    write(form, draft.values);
    note(form, `Your draft of ${draft.saved} is back.`, true);
  }

  (async () => {
    // A form that was sent and answered by a redirect was accepted: only then is its draft dropped.
    const sent = sessionStorage.getItem(PENDING);
    const [navigation] = performance.getEntriesByType("navigation");
    if (sent && url) {
      sessionStorage.removeItem(PENDING);
      if (navigation && navigation.redirectCount > 0) {
        await call("discard", { key: sent });
      }
    }
    for (const form of forms) {
      keep(form);
      await restore(form);
    }
  })();
})();
