"use strict";
// The page reads without this: it switches the theme, sorts the tables and tells a chart's values.
(() => {
  const root = document.documentElement;
  const KEY = "costspan-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");

  const kept = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a browser may refuse a file its storage
    }
  };

  const keep = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // likewise: it lasts as long as the page
    }
  };

  const theme = () => root.dataset.theme ?? (system.matches ? "dark" : "light");
  const other = () => (theme() === "dark" ? "light" : "dark");

  if (["light", "dark"].includes(kept())) root.dataset.theme = kept();

  function startTools() {
    const button = document.getElementById("theme");
    const name = () => {
      button.textContent = other() === "dark" ? "Dark theme" : "Light theme";
    };
    button.addEventListener("click", () => {
      root.dataset.theme = other();
      keep(root.dataset.theme);
      name();
    });
    system.addEventListener("change", name);
    document.getElementById("print").addEventListener("click", () => print());
    name();
    document.querySelector(".tools").hidden = false;
  }

  // Tables: what is not known stays below, whichever way it is sorted.
  const compare = (one, two, isName) =>
    isName ? one.localeCompare(two, undefined, { numeric: true }) : Number(one) - Number(two);

  function sort(table, column, isName, direction) {
    const body = table.tBodies[0];
    const value = (row) => row.cells[column].dataset.value;
    const rows = [...body.rows].sort((one, two) => {
      const [a, b] = [value(one), value(two)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return direction * compare(a, b, isName);
    });
    body.append(...rows);
  }

  function startTable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      const values = [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.value);
      const isName = values.some((value) => value !== undefined && (value === "" || isNaN(value)));
      button.disabled = false;
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const next = now ? (now === "ascending" ? "descending" : "ascending") : isName ? "ascending" : "descending";
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        sort(table, column, isName, next === "ascending" ? 1 : -1);
      });
    });
  }

  // Charts: one stop of the tab key each, the arrow keys go from mark to mark.
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

  function startChart(chart) {
    const marks = [...chart.querySelectorAll(".mark")];
    const readout = chart.querySelector(".readout");
    const resting = readout.textContent;
    const tell = (mark) => {
      readout.textContent = mark ? mark.getAttribute("aria-label") : resting;
    };
    const stop = (mark) => marks.forEach((one) => one.setAttribute("tabindex", one === mark ? "0" : "-1"));
    marks.forEach((mark, place) => {
      mark.addEventListener("pointerenter", () => tell(mark));
      mark.addEventListener("pointerleave", () => tell(marks.find((one) => one === document.activeElement)));
      mark.addEventListener("focus", () => {
        stop(mark);
        tell(mark);
      });
      mark.addEventListener("blur", () => tell(null));
      mark.addEventListener("keydown", (event) => {
        if (!(event.key in STEPS)) return;
        event.preventDefault();
        const wanted = Math.min(Math.max(place + STEPS[event.key], 0), marks.length - 1);
        marks[wanted].focus();
      });
    });
    if (marks.length) stop(marks[0]);
  }

  document.addEventListener("DOMContentLoaded", () => {
    startTools();
    document.querySelectorAll("table").forEach(startTable);
    document.querySelectorAll(".chart:has(.mark)").forEach(startChart);
  });
})();
