/* SPDX-License-Identifier: Apache-2.0 */
"use strict";
(() => {
  // Columns of numbers are sorted by value, others by text; what has none comes last
  // either way.
  const value = (cell, numeric) => {
    if (numeric) return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
    return cell.textContent.trim() || null;
  };
  const compare = (a, b) =>
    typeof a === "number"
      ? a < b ? -1 : a > b ? 1 : 0
      : a.localeCompare(b, "en", { numeric: true });
  const sort = (head) => {
    const table = head.closest("table");
    const body = table.tBodies[0];
    const numeric = head.classList.contains("n");
    const now = head.getAttribute("aria-sort");
    // Numbers begin with the largest, texts with the first.
    const next = now
      ? now === "ascending" ? "descending" : "ascending"
      : numeric ? "descending" : "ascending";
    const sign = next === "ascending" ? 1 : -1;
    const rows = Array.from(body.rows, (row) => [
      value(row.cells[head.cellIndex], numeric),
      row,
    ]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", next);
    body.append(...rows.map(([, row]) => row));
  };
  for (const head of document.querySelectorAll("thead th")) {
    const name = head.textContent;
    if (name === "") continue;
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Sort by ${name}`;
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }

  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  const label = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
  });
  dark.addEventListener("change", label);
  label();
  button.hidden = false;
})();
