// The list of all cells: found by words and choices, sorted by a column, opened in a drawer.
const STATES = ["failed", "running", "stale", "missing", "done"];
const FIRST_ROWS = 200;
const COLUMNS = [
  { name: "Data set", of: (cell) => cell.place, key: (cell) => cell.place },
  { name: "Method", of: (cell) => cell.row, key: (cell) => cell.row, class: "text" },
  { name: "Shots", of: (cell) => String(cell.shots), key: (cell) => (cell.shots === "all" ? Infinity : cell.shots) },
  { name: "Seed", of: (cell) => (cell.seed === null || cell.seed === undefined ? "–" : String(cell.seed)), key: (cell) => cell.seed ?? -1 },
  { name: "State", of: (cell) => badge(cell), key: (cell) => STATES.indexOf(cell.state), class: "text" },
  { name: "Accuracy", of: (cell) => percent(cell.accuracy), key: (cell) => cell.accuracy ?? -1, first: -1 },
  { name: "Macro-F1", of: (cell) => percent(cell.macroF1), key: (cell) => cell.macroF1 ?? -1, first: -1 },
  { name: "Training", of: (cell) => (cell.trainedBy ? "–" : duration(cell.seconds)), key: (cell) => (cell.trainedBy ? -1 : cell.seconds ?? -1), first: -1 },
];

function badge(cell) {
  const at = cell.state === "running" && cell.at ? ` ${cell.at[0]}/${cell.at[1]}` : "";
  return el("span", { class: `badge ${cell.state}` }, cell.state + at);
}

const cellsView = { list: [], found: [], sort: null, turn: 1, all: false, isGrouped: false };

function cellText(cell) {
  return [cell.id, cell.name, cell.group, cell.place, cell.row, cell.state, cell.why].join(" ").toLowerCase();
}

function setCells(list) {
  cellsView.list = list;
  const values = (name) => [...new Set(list.map((cell) => cell[name]))].filter((value) => value !== null && value !== undefined);
  const shotsKey = (value) => (value === "all" ? Infinity : value);
  const options = {
    state: STATES.filter((state) => list.some((cell) => cell.state === state)), place: values("place"), row: values("row"), group: values("group"),
    shots: values("shots").sort((a, b) => shotsKey(a) - shotsKey(b)), seed: values("seed").sort((a, b) => a - b),
  };
  for (const select of document.querySelectorAll("[data-filter]")) {
    choices(select, [["", "any"], ...options[select.dataset.filter].map((value) => [String(value), String(value)])]);
  }
  cellsView.isGrouped = options.group.length > 1;
  byId("cell-group-field").hidden = !cellsView.isGrouped;
  showCells();
}

function showCells() {
  const wanted = words(byId("cell-find").value);
  const filters = [...document.querySelectorAll("[data-filter]")].filter((select) => select.value)
    .map((select) => [select.dataset.filter, select.value]);
  const found = cellsView.list.filter((cell) =>
    filters.every(([name, value]) => String(cell[name]) === value) && (!wanted.length || hasWords(cellText(cell), wanted)));
  if (cellsView.sort !== null) {
    const { key } = COLUMNS[cellsView.sort];
    found.sort((a, b) => {
      const [one, other] = [key(a), key(b)];
      return (one < other ? -1 : one > other ? 1 : 0) * cellsView.turn || a.index - b.index;
    });
  }
  cellsView.found = found;
  const shown = cellsView.all ? found : found.slice(0, FIRST_ROWS);
  const focused = document.activeElement?.closest?.("#cell-table [data-cell]")?.dataset.cell;
  byId("cell-table").tBodies[0].replaceChildren(...shown.map(cellRow));
  if (focused) byId("cell-table").querySelector(`[data-cell="${focused}"]`)?.focus();
  const total = cellsView.list.length;
  byId("cell-count").textContent = found.length === total ? `${total.toLocaleString("en")} cells` : `${found.length.toLocaleString("en")} of ${total.toLocaleString("en")} cells`;
  byId("cell-reset").hidden = !wanted.length && !filters.length;
  byId("cell-more").hidden = shown.length === found.length;
  byId("cell-more").textContent = `Show all ${found.length.toLocaleString("en")} rows`;
  if (!found.length) {
    const why = total ? "No cell has all of these." : "This matrix has no cells.";
    byId("cell-table").tBodies[0].append(el("tr", null, el("td", { class: "empty", colspan: COLUMNS.length }, why)));
  }
}

function cellRow(cell) {
  return el("tr", { class: cell.state }, COLUMNS.map((column, index) => index
    ? el("td", { class: column.class || "" }, column.of(cell))
    : el("th", { scope: "row" }, el("button", { type: "button", class: "link", "data-cell": cell.id, "aria-label": `${cell.name}, ${cell.state}` }, column.of(cell)),
      cellsView.isGrouped ? el("small", null, cell.group) : null)));
}

function startCells() {
  const head = COLUMNS.map((column, index) => el("th", { scope: "col", class: column.class || "" },
    el("button", { type: "button", class: "sort", "data-sort": index }, column.name)));
  byId("cell-table").tHead.replaceChildren(el("tr", null, head));
  byId("cell-table").tHead.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-sort]");
    if (!chosen) return;
    const index = Number(chosen.dataset.sort), first = COLUMNS[index].first || 1;
    if (cellsView.sort !== index) Object.assign(cellsView, { sort: index, turn: first });
    else if (cellsView.turn === first) cellsView.turn = -first;
    else cellsView.sort = null;
    for (const button of document.querySelectorAll("[data-sort]")) {
      const isOn = cellsView.sort === Number(button.dataset.sort);
      button.parentElement.setAttribute("aria-sort", isOn ? (cellsView.turn > 0 ? "ascending" : "descending") : "none");
    }
    showCells();
  });
  byId("cell-table").tBodies[0].addEventListener("click", (event) => {
    if (event.target.closest("button, a")) return; // those are heard by the page
    const id = event.target.closest("tr")?.querySelector("[data-cell]")?.dataset.cell;
    if (id && !String(getSelection())) openDrawer(id);
  });
  byId("cell-find").addEventListener("input", showCells);
  byId("cell-controls").addEventListener("change", (event) => {
    // A search is heard while it is typed. Its own change comes with the next click, which would hit a row that is
    // just being replaced.
    if (event.target.matches("select")) showCells();
  });
  byId("cell-more").addEventListener("click", () => { cellsView.all = true; showCells(); });
  byId("cell-reset").addEventListener("click", () => filterCells({}));
}

// Show only the cells with these values; nothing else is filtered by.
function filterCells(values) {
  byId("cell-find").value = "";
  for (const select of document.querySelectorAll("[data-filter]")) {
    select.value = values[select.dataset.filter] ?? "";
  }
  showCells();
}
