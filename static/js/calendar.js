/* The calendar by keyboard and pointer: one place in the grid is chosen at a time, and leads to what is there or to a booking. */
"use strict";

(() => {
  const grid = document.querySelector("[data-cal]");
  if (!grid) {
    return;
  }
  const region = grid.closest(".cal-scroll");
  const said = document.getElementById("cal-said");
  const bodies = [...grid.querySelectorAll(".cal-column .cal-body")];
  const rows = Number(grid.dataset.rows);
  const firstMinute = Number(grid.dataset.firstHour) * 60;
  const book = grid.dataset.book || "";
  const HOUR = 4;
  const MARK = "#at=";

  const place = document.createElement("li");
  place.className = "cal-place";
  const link = document.createElement("a");
  link.tabIndex = 0;
  place.append(link);
  let column = 0;
  let row = 0;
  let chosen = null;

  function clock(at) {
    const minute = firstMinute + at * 15;
    return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  }

  function numberIn(element, prefix) {
    const name = [...element.classList].find((each) => each.startsWith(prefix) && /\d$/.test(each));
    return Number(name.slice(prefix.length));
  }

  function from(element) {
    return numberIn(element, "from-");
  }

  function until(element) {
    return from(element) + numberIn(element, "rows-");
  }

  function covering(elements) {
    return elements.filter((element) => from(element) <= row && row < until(element));
  }

  function itemsOf(body) {
    return [...body.querySelectorAll(".cal-item:not(.cal-place)")].sort((one, other) => from(one) - from(other));
  }

  /* A session is one stop however long it is; several at once are stops one after the other. */
  function below() {
    const items = itemsOf(bodies[column]);
    const next = items[items.indexOf(chosen) + 1];
    if (chosen && next && from(next) < until(chosen)) {
      show(column, from(next), next);
    } else {
      show(column, chosen ? until(chosen) : row + 1);
    }
  }

  function above() {
    const items = itemsOf(bodies[column]);
    const before = items[items.indexOf(chosen) - 1];
    if (chosen && before && until(before) > from(chosen)) {
      show(column, from(before), before);
    } else {
      show(column, (chosen ? from(chosen) : row) - 1);
    }
  }

  function show(toColumn, toRow, item) {
    column = Math.min(Math.max(toColumn, 0), bodies.length - 1);
    row = Math.min(Math.max(toRow, 0), rows - 1);
    const body = bodies[column];
    chosen = item || covering(itemsOf(body))[0] || null;
    const isClosed = covering([...body.querySelectorAll(".cal-closed")]).length > 0;
    let words = `${body.dataset.words}, ${clock(row)}`;
    link.removeAttribute("href");
    link.textContent = "";
    if (chosen) {
      place.className = `${chosen.className} cal-place is-taken`;
      words = `${body.dataset.words}, ${chosen.textContent.trim().replace(/\s+/g, " ")}`;
      const target = chosen.querySelector("a");
      if (target) {
        link.href = target.href;
        words = `Open ${words}`;
      }
    } else {
      place.className = `cal-place from-${row} rows-${Math.min(HOUR, rows - row)}`;
      link.textContent = clock(row);
      if (isClosed) {
        words += ", no working hours";
      }
      if (book) {
        const query = new URLSearchParams({ day: body.dataset.day, starts: clock(row) });
        for (const whose of ["person", "room"]) {
          if (body.dataset[whose]) {
            query.set(whose, body.dataset[whose]);
          }
        }
        link.href = `${book}?${query}`;
        link.textContent = `Book ${clock(row)}`;
        words = `Book ${words}`;
      }
    }
    link.setAttribute("aria-label", words);
    body.append(place);
    link.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest", inline: "nearest" });
    said.textContent = words;
  }

  function leave(rel, toColumn) {
    const way = rel === "today" ? document.querySelector("[data-cal-today]") : document.querySelector(`.toolbar a[rel="${rel}"]`);
    if (way) {
      window.location.assign(`${way.href}${MARK}${toColumn}.${row}`);
    }
  }

  function begin() {
    const today = bodies.findIndex((body) => body.previousElementSibling.classList.contains("is-today"));
    show(Math.max(today, 0), Math.min(HOUR, rows - 1));
  }

  region.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const isChosen = document.activeElement === link && place.isConnected;
    const steps = {
      ArrowUp: () => (event.shiftKey ? show(column, row - HOUR) : above()),
      ArrowDown: () => (event.shiftKey ? show(column, row + HOUR) : below()),
      ArrowLeft: () => (column === 0 ? leave("prev", bodies.length - 1) : show(column - 1, row)),
      ArrowRight: () => (column === bodies.length - 1 ? leave("next", 0) : show(column + 1, row)),
      PageUp: () => leave("prev", column),
      PageDown: () => leave("next", column),
      Home: () => leave("today", column),
      Escape: () => {
        place.remove();
        region.focus();
      },
    };
    const step = steps[event.key];
    if (!step || (event.key === "Escape" && !isChosen)) {
      return;
    }
    event.preventDefault();
    // The first arrow chooses where to begin: beside the session that has the focus, else on today.
    const item = document.activeElement.closest(".cal-item");
    if (!isChosen && event.key.startsWith("Arrow")) {
      if (!item) {
        begin();
        return;
      }
      column = bodies.indexOf(item.parentElement);
      row = from(item);
      chosen = item;
    }
    step();
  });

  grid.addEventListener("click", (event) => {
    const body = event.target.closest(".cal-column .cal-body");
    if (!book || !body || event.target.closest(".cal-item, .cal-place")) {
      return;
    }
    const box = body.getBoundingClientRect();
    show(bodies.indexOf(body), Math.floor(((event.clientY - box.top) / box.height) * rows));
  });

  // Coming from the week before or after, the same hour is chosen.
  if (window.location.hash.startsWith(MARK)) {
    const [toColumn, toRow] = window.location.hash.slice(MARK.length).split(".").map(Number);
    history.replaceState(history.state, "", window.location.pathname + window.location.search);
    if (Number.isInteger(toColumn) && Number.isInteger(toRow) && bodies.length) {
      show(toColumn, toRow);
    }
  }
})();
