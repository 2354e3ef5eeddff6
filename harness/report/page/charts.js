// The charts as Vega-Lite: what is drawn, never how. Colours are CSS, so that dark mode and print need no redrawing.
const DASHES = { "-": [1, 0], "--": [6, 3], ":": [1.5, 3], "-.": [6, 3, 1.5, 3], "": [1, 0] };
// matplotlib's markers as paths in a square from -1 to 1.
const MARKERS = {
  "o": "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z", "s": "M-.88,-.88H.88V.88H-.88Z", "D": "M0,-1.2L1.2,0L0,1.2L-1.2,0Z", "d": "M0,-1.3L.75,0L0,1.3L-.75,0Z",
  "^": "M0,-1.15L1.05,.85H-1.05Z", "v": "M0,1.15L1.05,-.85H-1.05Z", "<": "M-1.15,0L.85,-1.05V1.05Z",
  ">": "M1.15,0L-.85,-1.05V1.05Z", "P": "M-.38,-1.1H.38V-.38H1.1V.38H.38V1.1H-.38V.38H-1.1V-.38H-.38Z",
  "X": "M-1,-.5L-.5,-1L0,-.5L.5,-1L1,-.5L.5,0L1,.5L.5,1L0,.5L-.5,1L-1,.5L-.5,0Z",
  "*": "M0,-1.5L.36,-.49L1.43,-.46L.58,.19L.88,1.21L0,.6L-.88,1.21L-.58,.19L-1.43,-.46L-.36,-.49Z",
  "p": "M0,-1.1L1.05,-.34L.65,.89H-.65L-1.05,-.34Z", "h": "M0,-1.1L.95,-.55V.55L0,1.1L-.95,.55V-.55Z",
};
const path = (marker) => MARKERS[marker] || MARKERS.o;

// Letters grow with those of the page.
const em = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
const CONFIG = {
  background: null, font: "system-ui, sans-serif", view: { stroke: null },
  axis: {
    labelColor: "var(--muted)", titleColor: "var(--muted)", domainColor: "var(--strong-rule)", labelFontSize: 12.5 * em,
    tickColor: "var(--strong-rule)", gridColor: "var(--rule)", titleFontWeight: "normal", titleFontSize: 12.5 * em,
    labelPadding: 5,
  },
  header: { labelColor: "var(--ink)", labelFontSize: 13.5 * em, labelFontWeight: 600, labelPadding: 6, title: null },
  rule: { stroke: "var(--ink)" },
};

// Draw `spec` into `place`; resolves to the view. Expressions are interpreted, so that nothing needs eval.
// `names` is from field to what the tooltip calls it: names of other people stand in no expression of Vega's.
function draw(place, spec, label, names = {}) {
  const whole = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", config: CONFIG, ...spec };
  return vegaEmbed(place, whole, {
    ast: true, renderer: "svg", actions: false, logLevel: 1, defaultStyle: false,
    tooltip: { theme: "page", disableDefaultStyle: true, formatTooltip: (value, clean) => tip(value, clean, names) },
  }).then((embedded) => {
    place.finalize?.();
    place.finalize = embedded.finalize;
    const svg = place.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    for (const inner of svg.querySelectorAll("[role],[aria-label],[aria-roledescription]")) {
      for (const name of ["role", "aria-label", "aria-roledescription"]) inner.removeAttribute(name);
    }
    return embedded.view;
  });
}

// The HTML of a tooltip, from what `clean` has escaped; what has no number here is left out.
function tip(value, clean, names) {
  const rows = Object.entries(value).filter(([field, text]) => field !== "title" && text !== "–")
    .map(([field, text]) => `<tr><td class="key">${clean(names[field] ?? field)}</td><td class="value">${clean(text)}</td></tr>`);
  return (value.title ? `<h2>${clean(value.title)}</h2>` : "") + `<table><tbody>${rows.join("")}</tbody></table>`;
}

// A step a doubling, 0 a step before 1, `all` set apart: the axis of the figures.
function shotsPlace(shots, among) {
  if (shots === "all") {
    const last = Math.max(-0.5, ...among.filter((one) => one !== "all").map((one) => shotsPlace(one, [])));
    return last + 1.5;
  }
  return shots === 0 ? 0 : Math.log2(shots) + 1;
}

const number = (value, digits = 1) => value.toFixed(digits).replace("-", "−");

function summary(point) {
  if (point.mean === null) return `– (${point.n} of ${point.expected})`;
  const spread = point.sd === null ? "" : ` ± ${number(point.sd)}`;
  const count = point.n < point.expected ? `, ${point.n} of ${point.expected}` : `, n = ${point.n}`;
  return `${point.text ?? number(point.mean)}${spread}${count}`;
}

// The curves of `points`, one panel a place; `shown` are the rows that are switched on.
function curvesSpec({ points, rows, shown, places, shots, metric, width, seeds }) {
  const visible = points.filter((one) => shown.has(one.row));
  const at = shots.map((one) => shotsPlace(one, shots));
  // Beside each other by a little, so that bars of one shot count do not hide each other.
  const turns = [...new Set(visible.map((one) => one.row))].sort((a, b) => a - b);
  const aside = (row) => (turns.indexOf(row) - (turns.length - 1) / 2) * Math.min(0.05, 0.24 / turns.length);
  const values = visible.map((one) => ({
    ...one, x: shotsPlace(one.shots, shots) + (rows[one.row].method === "zero_shot" ? 0 : aside(one.row)), label: rows[one.row].label,
    low: one.sd === null ? null : one.mean - one.sd, high: one.sd === null ? null : one.mean + one.sd,
    whole: one.n === one.expected, zero: rows[one.row].method === "zero_shot", apart: one.shots === "all",
  }));
  const strips = [];
  for (const place of places) {
    shots.forEach((count, index) => {
      const here = values.filter((one) => one.place === place && one.shots === count);
      if (!here.length) return;
      const strip = {
        place, left: at[index] - 0.5, right: at[index] + 0.5, x: at[index],
        head: `${place} · ${count === "all" ? "all images" : `${count} shot${count === 1 ? "" : "s"}`}`,
      };
      // What reads no shots is the same everywhere; what has no number here has a dash.
      for (const row of turns) {
        const one = here.find((each) => each.row === row) || values.find((each) => each.row === row && each.place === place && each.zero);
        strip[`s${row}`] = one ? summary(one) : "–";
      }
      strips.push(strip);
    });
  }
  const dots = seeds ? values.flatMap((one) => one.values.map((value) => ({ ...one, value }))) : [];
  const used = rows.map((row, index) => index).filter((index) => shown.has(index));
  const scaleOf = (pick) => ({ domain: used.map((index) => rows[index].label), range: used.map((index) => pick(rows[index])) });
  const color = { field: "label", type: "nominal", legend: null, scale: scaleOf((row) => row.css) };
  const several = places.length > 1; // then the words of the axes stand once, over the panels
  const span = at.length ? [Math.min(...at) - 0.4, Math.max(...at) + 0.4] : [0, 1];
  const x = {
    field: "x", type: "quantitative", title: several ? null : "Shots per class", scale: { domain: span, nice: false, zero: false },
    axis: { values: at, grid: false, labelExpr: `${JSON.stringify(shots.map(String))}[indexof(${JSON.stringify(at)}, datum.value)]` },
  };
  const y = (field) => ({
    field, type: "quantitative", title: several ? null : `${metric.name} (${metric.unit})`, scale: { zero: false, nice: false, padding: 12 },
    axis: { tickCount: 5, domain: false, ticks: false },
  });
  const layer = [
    { transform: [{ filter: "datum.zero && datum.mean !== null" }], mark: { type: "rule", strokeDash: [1.5, 4], opacity: 0.8 }, encoding: { y: y("mean"), color } },
    { transform: [{ filter: "datum.low !== null" }], mark: { type: "rule", strokeWidth: 1.2, opacity: 0.65 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
    ...(dots.length ? [{ data: { values: dots }, mark: { type: "point", filled: true, size: 14, opacity: 0.5 }, encoding: { x, y: y("value"), color } }] : []),
    {
      transform: [{ filter: "!datum.zero && !datum.apart" }],
      mark: { type: "line", strokeWidth: several ? 1.6 : 2, invalid: "break-paths-filter-domains" },
      encoding: { x, y: y("mean"), color, strokeDash: { field: "label", type: "nominal", legend: null, scale: scaleOf((row) => DASHES[row.line]) } },
    },
    {
      transform: [{ filter: "datum.mean !== null" }],
      mark: { type: "point", filled: true, opacity: 1, strokeWidth: 1.4, size: several ? 38 : 64 },
      encoding: {
        x, y: y("mean"), stroke: color, fill: { condition: { test: "datum.whole", ...color }, value: "var(--surface)" },
        shape: { field: "label", type: "nominal", legend: null, scale: scaleOf((row) => path(row.marker)) },
      },
    },
    {
      data: { values: strips }, params: [{ name: "near", select: { type: "point", on: "pointerover", clear: "pointerout" } }],
      mark: { type: "rect", opacity: 0 },
      encoding: {
        x: { ...x, field: "left" }, x2: { field: "right" },
        tooltip: [{ field: "head", title: "title" }, ...used.map((index) => ({ field: `s${index}` }))],
      },
    },
    {
      data: { values: strips }, mark: { type: "rule", strokeWidth: 1, stroke: "var(--strong-rule)", tooltip: null },
      encoding: { x, opacity: { condition: { param: "near", value: 1, empty: false }, value: 0 } },
    },
  ];
  if (!several) return { data: { values }, width: width - 66 * em, height: Math.round(Math.min(430 * em, Math.max(260, width * 0.45))), layer };
  const across = Math.max(1, Math.min(6, Math.floor(width / (260 * em)), places.length));
  const inPanels = layer.map((one) => (one.data ? { ...one, data: undefined, transform: [{ filter: one.data.values === dots ? "datum.kind === 'dot'" : "datum.kind === 'strip'" }] } : { ...one, transform: [{ filter: "datum.kind === 'point'" }, ...one.transform] }));
  const all = [
    ...values.map((one) => ({ ...one, kind: "point" })), ...dots.map((one) => ({ ...one, kind: "dot" })),
    ...strips.map((one) => ({ ...one, kind: "strip" })),
  ];
  return {
    data: { values: all }, columns: across, spacing: { row: 54 * em, column: 48 * em }, bounds: "flush", align: "all",
    facet: { field: "place", type: "nominal", sort: places, header: {} },
    spec: { width: Math.floor((width - 36 * em - (across - 1) * 48 * em) / across) - 1, height: Math.round(150 * em), layer: inPanels },
    resolve: { scale: { y: "independent" }, axis: { x: "independent", y: "independent" } },
  };
}

// Loss and training accuracy by epoch, one over the other.
function historySpec(rows, width) {
  const one = (field, title, format) => ({
    width: Math.max(120, width - 62 * em), height: Math.round(110 * em), title: { text: title, anchor: "start", fontWeight: "normal", color: "var(--muted)", fontSize: 12.5 * em },
    encoding: { x: { field: "epoch", type: "quantitative", title: field === "loss" ? null : "Epoch", scale: { nice: false, zero: false }, axis: { grid: false, tickMinStep: 1, format: "d" } } },
    layer: [
      { mark: { type: "line", stroke: "var(--accent)", strokeWidth: 1.6 }, encoding: { y: { field, type: "quantitative", title: null, scale: { zero: field === "loss" }, axis: { tickCount: 4, domain: false, ticks: false } } } },
      {
        params: [{ name: `near_${field}`, select: { type: "point", on: "pointerover", clear: "pointerout", nearest: true, encodings: ["x"] } }],
        mark: { type: "point", filled: true, fill: "var(--accent)", size: 46 },
        encoding: {
          y: { field, type: "quantitative" },
          opacity: { condition: { param: `near_${field}`, value: 1, empty: false }, value: 0 },
          tooltip: [{ field: "epoch", title: "Epoch" }, { field, title, type: "quantitative", format }],
        },
      },
    ],
  });
  return { data: { values: rows }, vconcat: [one("loss", "Mean loss of a batch", ".4f"), one("accuracy", "Training accuracy (%)", ".1f")], spacing: 14 };
}
