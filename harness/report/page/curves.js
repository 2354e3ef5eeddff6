// The curves' controls, legend and numbers.
const curvesView = { hidden: new Map(), drawn: 0 };

function setCurves() {
  const groups = page.data.curves;
  byId("curves").hidden = !groups.length;
  if (!groups.length) return;
  choices(byId("curve-group"), groups.map((group, index) => [String(index), group.title]));
  byId("group-field").hidden = groups.length < 2;
  setPlaces();
}

function setPlaces() {
  const group = page.data.curves[Number(byId("curve-group").value)];
  const own = group.places.filter((place) => place.kind !== "elsewhere");
  const kinds = { own: "Own test images", elsewhere: "Evaluated elsewhere" };
  choices(byId("curve-place"), [
    ...(own.length > 1 ? [["", "All, side by side"]] : []),
    ...group.places.map((place, index) => [String(index), place.name, group.places.length > own.length ? kinds[place.kind] : ""]),
  ]);
  choices(byId("curve-metric"), group.metrics.map((metric, index) => [String(index), metric.name])
    .filter(([index]) => group.points.some((point) => point[1] === Number(index))));
  showCurves();
}

function showCurves() {
  const group = page.data.curves[Number(byId("curve-group").value)];
  const metricIndex = Number(byId("curve-metric").value), metric = group.metrics[metricIndex];
  const choice = byId("curve-place").value;
  const places = choice === "" ? group.places.filter((place) => place.kind !== "elsewhere").map((place) => place.name) : [group.places[Number(choice)]?.name];
  if (!curvesView.hidden.has(group.title)) curvesView.hidden.set(group.title, new Set());
  const hidden = curvesView.hidden.get(group.title);
  const points = group.points.map(([place, number, row, shots, mean, sd, n, expected, values, text]) =>
    ({ place: group.places[place].name, metric: number, row, shots, mean, sd, n, expected, values, text }))
    .filter((point) => point.metric === metricIndex && places.includes(point.place));
  const rows = group.rows.map((row, index) => ({ ...row, index }));
  const there = rows.filter((row) => points.some((point) => point.row === row.index));
  const shown = new Set(there.filter((row) => !hidden.has(row.label)).map((row) => row.index));
  const shots = group.shots.filter((count) => points.some((point) => point.shots === count));
  const place = byId("curve-chart");
  byId("curve-what").textContent = `${metric.name} (${metric.unit}) by shots per class. ${metric.what} Mean over seeds; bars are one ${page.data.sd}; a hollow marker means that seeds are missing.`;
  legend(there, hidden);
  numbers(group, points, there, shots, places, metric);
  const label = `${metric.name} by shots per class; ${places.join(", ")}. The numbers are in the table below.`;
  if (!points.length) { place.replaceChildren(el("p", { class: "empty" }, "No numbers yet.")); return; }
  if (!shown.size) { place.replaceChildren(el("p", { class: "empty" }, "All methods are switched off.")); return; }
  const turn = ++curvesView.drawn;
  const width = place.clientWidth;
  const canvas = el("div");
  draw(canvas, curvesSpec({ points, rows, shown, places, shots, metric, width, seeds: byId("curve-seeds").checked }), label, Object.fromEntries(rows.map((row) => [`s${row.index}`, row.label]))).then(() => {
    if (turn === curvesView.drawn) place.replaceChildren(canvas);
    place.dataset.drawn = turn;
  });
}

function legend(rows, hidden) {
  const box = byId("legend"), focused = box.contains(document.activeElement) ? document.activeElement.dataset.row : null;
  const only = rows.filter((row) => !hidden.has(row.label)).length < rows.length;
  box.replaceChildren(...rows.map((row) => {
    const button = el("button", { type: "button", "aria-pressed": String(!hidden.has(row.label)), "data-row": row.index, title: "Click to switch; with Shift to see it alone",
      onclick: (event) => {
        if (event.shiftKey) { hidden.clear(); for (const one of rows) if (one !== row) hidden.add(one.label); }
        else if (!hidden.delete(row.label)) hidden.add(row.label);
        showCurves();
      } });
    button.append(glyph(row), row.label);
    return button;
  }), ...(only ? [el("button", { type: "button", class: "link", "data-row": "all", onclick: () => { hidden.clear(); showCurves(); } }, "Show all")] : []));
  if (focused !== null) (box.querySelector(`[data-row="${focused}"]`) || box.querySelector("button"))?.focus();
}

function glyph(row) {
  const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
  for (const [name, value] of [["viewBox", "-14 -7 28 14"], ["width", "28"], ["height", "14"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  const add = (name, attributes) => { const one = document.createElementNS(space, name); for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value); svg.append(one); };
  if (row.line) add("path", { d: "M-14 0H14", stroke: row.css, "stroke-width": 1.8, "stroke-dasharray": DASHES[row.line].join(" ") });
  add("path", { d: path(row.marker), transform: "scale(4)", fill: row.css });
  return svg;
}

function numbers(group, points, rows, shots, places, metric) {
  const box = byId("curve-numbers").querySelector("div");
  box.replaceChildren(...places.filter((place) => points.some((point) => point.place === place)).map((place) => el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": place },
    el("h3", null, place), grid(`${metric.name}, ${place}`, [`${metric.name} (${metric.unit}), shots`, ...shots.map(String)], rows.map((row) => [row.label, ...shots.map((count) => {
      const point = points.find((one) => one.place === place && one.row === row.index && one.shots === count);
      return point ? summary(point) : "–";
    })])))));
}

function startCurves() {
  byId("curve-group").addEventListener("change", setPlaces);
  for (const id of ["curve-place", "curve-metric", "curve-seeds"]) byId(id).addEventListener("change", showCurves);
  let width = innerWidth, waiting = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // on a phone the height changes while scrolling
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (page.data.curves.length) showCurves(); if (drawer.id) drawHistory(page.cells.find((one) => one.id === drawer.id)); }, 150);
  });
}
