// The matrix: a cell opens its page in a dialog over the table, arrows go from cell to cell, another make drops the model.
const cellsOf = (table) => [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("a.cell")]).filter((row) => row.length);

// Among five hundred links one is enough for the tab key; the arrows find the others.
function rove() {
  for (const table of document.querySelectorAll("[data-matrix]")) {
    const cells = cellsOf(table).flat();
    const current = cells.find((cell) => cell.tabIndex === 0 && cell.dataset.roving) ?? cells[0];
    for (const cell of cells) cell.tabIndex = cell === current ? 0 : -1;
    if (current) current.dataset.roving = "";
  }
}

function go(from, to) {
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("[data-matrix] a.cell");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!cell || !step) return;
  event.preventDefault();
  const rows = cellsOf(cell.closest("table"));
  const row = rows.findIndex((one) => one.includes(cell));
  go(cell, rows[row + step[0]]?.[rows[row].indexOf(cell) + step[1]]);
});

document.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-matrix] a.cell");
  const panel = document.getElementById("cell-panel");
  if (!cell || !panel || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  window.htmx.ajax("GET", cell.href, { target: "#car-part", swap: "outerHTML" });
  panel.showModal();
});

// Before htmx hears of it: a model of the make before would be a filter that makes no sense.
document.addEventListener(
  "change",
  (event) => {
    const model = event.target.matches("[data-matrix-filter] [name=make]") && event.target.form.elements.namedItem("model");
    if (model) model.value = "";
  },
  true,
);

rove();
document.addEventListener("fleetwell:swapped", rove);
