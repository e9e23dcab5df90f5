/* A questionnaire by keyboard: a digit answers and moves on, arrows move between questions; the score is shown as it stands.
   The rules come from the page (data-rules), made from the same definition that the server scores with. */
"use strict";

const KapQuestionnaire = (() => {
  /* answers: item number -> points or null. Out: the values with skipped items, the missing items, the total or null. */
  function score(rules, answers) {
    const values = new Map();
    for (const { number, skip } of rules.items) {
      const given = answers[number] ?? null;
      const isSkipped = given === null && skip !== null && answers[skip.item] === skip.value;
      values.set(number, isSkipped ? skip.countsAs : given);
    }
    const missing = [...values].filter(([, value]) => value === null).map(([number]) => number);
    const total = missing.length ? null : [...values.values()].reduce((sum, value) => sum + value, 0);
    const band = total === null ? null : rules.bands.find(({ min, max }) => min <= total && total <= max)?.label ?? null;
    return { total, band, missing };
  }

  function words(rules, result) {
    if (result.total === null) {
      const left = result.missing.length;
      return `${left} question${left === 1 ? "" : "s"} open: no total yet`;
    }
    const parts = [`${result.total} of ${rules.maximum}`];
    if (result.band) {
      parts.push(result.band);
    }
    if (rules.cutOff !== null) {
      parts.push(`${result.total >= rules.cutOff ? "at or above" : "below"} the cut-off of ${rules.cutOff}`);
    }
    if (rules.cutPoint !== null) {
      parts.push(`${result.total >= rules.cutPoint ? "at or above" : "below"} the cut-point of ${rules.cutPoint}`);
    }
    return parts.join(" · ");
  }

  function start(form) {
    const rules = JSON.parse(form.dataset.rules);
    const questions = [...form.querySelectorAll("[data-question]")];
    const standing = form.querySelector("[data-standing]");
    const progress = form.querySelector("progress");
    const crisis = form.querySelector("[data-crisis]");

    function answered(question) {
      const chosen = question.querySelector("input:checked");
      return chosen === null ? null : Number(chosen.value);
    }

    function show() {
      const answers = {};
      for (const question of questions) {
        if (question.dataset.question !== "functional") {
          answers[question.dataset.question] = answered(question);
        }
      }
      const result = score(rules, answers);
      progress.max = rules.items.length;
      progress.value = rules.items.length - result.missing.length;
      standing.textContent = rules.showsScore ? words(rules, result) : `${progress.value} of ${progress.max} answered`;
      if (crisis) {
        crisis.hidden = !(answers[rules.safetyItem] >= 1);
      }
    }

    function go(index) {
      const question = questions[index];
      if (question) {
        (question.querySelector("input:checked") || question.querySelector("input")).focus();
        question.scrollIntoView({ block: "center" });
      } else if (index >= questions.length) {
        form.querySelector("[type=submit]").focus();
      }
    }

    form.addEventListener("keydown", (event) => {
      const question = event.target.closest?.("[data-question]");
      if (!question || event.ctrlKey || event.altKey || event.metaKey) {
        return;
      }
      const index = questions.indexOf(question);
      if (/^[0-9]$/.test(event.key)) {
        const input = question.querySelector(`input[value="${event.key}"]`);
        if (input) {
          event.preventDefault();
          input.checked = true;
          input.dispatchEvent(new Event("input", { bubbles: true }));
          input.dispatchEvent(new Event("change", { bubbles: true }));
          go(index + 1);
        }
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        go(Math.max(index + (event.key === "ArrowDown" ? 1 : -1), 0));
      } else if (event.key === "Backspace" || event.key === "Delete") {
        event.preventDefault();
        for (const input of question.querySelectorAll("input")) {
          input.checked = false;
        }
        question.dispatchEvent(new Event("change", { bubbles: true }));
        question.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    form.addEventListener("change", show);
    show();
    if (!document.querySelector("[data-focus], .is-invalid")) {
      questions[0]?.querySelector("input").focus({ preventScroll: true });
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("form[data-rules]")) {
      start(form);
    }
  });

  return { score, words };
})();
