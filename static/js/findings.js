// Screening: "none of these" for a body system, Y / N / U on the question in focus, a suggested name taken by a click.
(() => {
  "use strict";

  const KEYS = { y: "yes", n: "no", u: "unknown" };

  const isAnswered = (question) => question.querySelector("input[type=radio]:checked") !== null;

  function count(system) {
    const open = [...system.querySelectorAll("[data-question]")].filter((question) => !isAnswered(question)).length;
    const pill = system.querySelector("[data-open-count]");
    if (!pill) return;
    pill.textContent = open ? `${open} open` : "all answered";
    pill.classList.toggle("pill-amber", open > 0);
    pill.classList.toggle("pill-green", open === 0);
  }

  function countAll(form) {
    const questions = [...form.querySelectorAll("[data-question]")];
    const shown = form.querySelector("[data-answered]");
    if (shown) shown.textContent = `${questions.filter(isAnswered).length} of ${questions.length} answered`;
  }

  function choose(input) {
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.querySelectorAll("form[data-history]").forEach((form) => {
    countAll(form);
    form.addEventListener("change", (event) => {
      const system = event.target.closest("[data-system]");
      if (system) count(system);
      countAll(form);
    });
    form.addEventListener("click", (event) => {
      const button = event.target.closest("[data-none-of-these]");
      if (!button) return;
      button
        .closest("[data-system]")
        .querySelectorAll("[data-question]")
        .forEach((question) => {
          if (!isAnswered(question)) choose(question.querySelector("input[value=no]"));
        });
    });
    form.addEventListener("keydown", (event) => {
      const question = event.target.closest("[data-question]");
      const value = KEYS[event.key.toLowerCase()];
      if (!question || !value || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      choose(question.querySelector(`input[value=${value}]`));
      const questions = [...form.querySelectorAll("[data-question]")];
      const next = questions[questions.indexOf(question) + 1];
      if (next) (next.querySelector("input:checked") || next.querySelector("input")).focus();
    });
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-suggest]");
    const name = document.getElementById("id_name");
    if (!button || !name) return;
    name.value = button.dataset.suggest;
    name.dispatchEvent(new Event("input", { bubbles: true }));
    name.focus();
  });
})();
