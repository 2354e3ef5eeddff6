// One cell with everything that its record says, in a drawer at the side.
const drawer = { id: null, sort: "accuracy" };

const about = (title, ...content) => el("section", null, el("h3", null, title), ...content);
const listing = (pairs) => el("dl", null, pairs.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, spelled(name, value)))));

function spelled(name, value) {
  if (Array.isArray(value)) return value.join(" × ");
  if (typeof value === "string" && /^[0-9a-f]{40,}$/.test(value)) return el("code", { title: value }, value);
  return String(value);
}

function openDrawer(id) {
  const cell = page.cells.find((one) => one.id === id);
  if (!cell) return;
  const isNew = drawer.id !== id;
  drawer.id = id;
  const dialog = byId("drawer");
  if (!dialog.open) dialog.showModal(); // first, since what is not shown has no width to draw into
  fillDrawer(cell);
  if (isNew) byId("drawer-body").scrollTop = 0;
  history.replaceState(null, "", `#cell=${id}`);
}

function fillDrawer(cell) {
  const place = cellsView.found.findIndex((one) => one.id === cell.id);
  const beside = (step) => (place < 0 ? undefined : cellsView.found[place + step]);
  const turn = (label, key, other) => el("button", { type: "button", "data-turn": key, disabled: !other, title: `${label} cell (${key})`,
    onclick: () => { openDrawer(other.id); byId("drawer").querySelector(`[data-turn="${key}"]:not(:disabled)`)?.focus(); } }, label);
  const body = byId("drawer-body"), scroll = body.scrollTop;
  const open = new Set([...body.querySelectorAll("details[open]")].map((one) => one.dataset.name));
  body.replaceChildren(
    el("header", null,
      el("div", { class: "turns" }, turn("Previous", "k", beside(-1)), turn("Next", "j", beside(1)),
        el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => byId("drawer").close() }, "×")),
      el("h2", { id: "drawer-title" }, cell.name),
      el("p", { class: "under" }, badge(cell), ` · ${cell.group} · `, el("code", null, cell.id))),
    ...[figures(cell), reason(cell), historyPart(cell), classesPart(cell), wordsPart(cell), configPart(cell), madePart(cell), logPart(cell)].filter(Boolean),
  );
  for (const one of body.querySelectorAll("details")) one.open = open.has(one.dataset.name) || one.open;
  body.scrollTop = scroll;
  drawHistory(cell);
}

function figures(cell) {
  if (cell.accuracy === null) return null;
  const zero = zeroShotOf(cell);
  const gain = zero && zero.accuracy !== null ? 100 * (cell.accuracy - zero.accuracy) : null;
  const tile = (value, unit, under) => el("li", null, el("b", null, value, el("small", null, unit)), el("span", null, under));
  const space = countsOf(cell);
  const shares = space ? space.rows.filter((row) => row.test).map((row) => row.right / row.test) : [];
  return el("ul", { class: "tiles" },
    tile(percent(cell.accuracy), " %", `accuracy, ${cell.right.toLocaleString("en")} of ${cell.test.toLocaleString("en")}`),
    tile(percent(cell.macroF1), " %", "macro-F1"),
    shares.length ? tile(percent(shares.reduce((a, b) => a + b, 0) / shares.length), " %", "mean class accuracy") : null,
    gain !== null && zero.id !== cell.id ? tile((gain > 0 ? "+" : "") + number(gain), " pp", "over zero-shot") : null,
    cell.trainedBy || cell.seconds === null || cell.seconds === undefined ? null : tile(duration(cell.seconds), "", "training"));
}

// The first zero-shot cell of the same images; its numbers are what a class gained is taken over.
function zeroShotOf(cell) {
  const method = (one) => Object.fromEntries(one.config()).method;
  const same = (one) => { const c = Object.fromEntries(one.config()); return `${c.backbone}|${c.precision}|${c.classes}`; };
  return page.cells.find((one) => one.place === cell.place && one.accuracy !== null && method(one) === "zero_shot" && same(one) === same(cell));
}

function reason(cell) {
  const parts = [];
  if (cell.why) parts.push(el("pre", { class: "why", tabindex: 0 }, cell.why));
  if (cell.state === "missing") parts.push(el("p", null, "This cell has no record yet; ", el("code", null, "harness run"), " makes it."));
  if (cell.fewer.length) parts.push(el("p", null, `Classes taken whole, because they have fewer images than asked for: ${cell.fewer.join(", ")}.`));
  const titles = { failed: "Why it failed", stale: "Why its record does not count", missing: "No record", done: "Remarks", running: "Running" };
  return parts.length ? about(titles[cell.state], ...parts) : null;
}

function historyOf(cell) {
  const packed = page.data.cells.history[cell.index];
  if (!packed) return null;
  const [epochs, losses, accuracies] = packed.map(stepped);
  return losses.map((loss, index) => ({ epoch: epochs[index] ?? index + 1, loss: loss / 1e4, accuracy: accuracies[index] / 10 }));
}

function historyPart(cell) {
  const rows = historyOf(cell);
  if (!rows) {
    const owner = cell.trainedBy && page.cells.find((one) => one.id === cell.trainedBy);
    if (!cell.trainedBy) return page.data.cells.without.includes("history") && cell.state === "done" ? about("Training", leftOut()) : null;
    return about("Training", el("p", null, "Only evaluated here; trained by ", owner
      ? el("button", { type: "button", class: "link", "data-cell": owner.id }, owner.name) : el("code", null, cell.trainedBy), "."));
  }
  const last = rows[rows.length - 1];
  const numbers = el("details", { "data-name": "epochs" }, el("summary", null, `All ${rows.length} epochs`));
  numbers.addEventListener("toggle", () => {
    if (numbers.open && numbers.children.length === 1) {
      numbers.append(el("div", { class: "scroll tall", tabindex: 0, role: "group", "aria-label": "Epochs" }, grid("Epochs", ["Epoch", "Loss", "Training accuracy (%)"], rows.map((row) => [String(row.epoch), row.loss.toFixed(4), row.accuracy.toFixed(1)]))));
    }
  });
  return about("Training", el("p", { class: "caption" }, `${rows.length} epochs; at the end a loss of ${last.loss.toFixed(4)} and ${last.accuracy.toFixed(1)} % of the training images right.`),
    el("div", { class: "chart", id: "history-chart" }), numbers);
}

function drawHistory(cell) {
  const place = byId("history-chart"), rows = historyOf(cell);
  if (place && rows) draw(place, historySpec(rows, place.clientWidth), `Loss and training accuracy over ${rows.length} epochs`);
}

const leftOut = () => el("p", { class: "caption" }, "Left out, so that this page stays small; the record has it.");

function countsOf(cell) {
  const packed = page.data.cells.counts[cell.index];
  if (!packed) return null;
  const space = page.data.cells.classes[packed[0]];
  const [test, right, predicted] = [space.test, packed[1], packed[2]].map(wholeNumbers);
  return { space: packed[0], rows: space.name.map((name, index) => ({ name, test: test[index], right: right[index], predicted: predicted[index] })) };
}

function classesPart(cell) {
  const counts = countsOf(cell);
  if (!counts) return page.data.cells.without.includes("counts") && cell.accuracy !== null ? about("Classes", leftOut()) : null;
  const other = zeroShotOf(cell), zero = other && other.id !== cell.id ? countsOf(other) : null;
  const rows = counts.rows.map((row, index) => ({
    ...row, accuracy: row.test ? row.right / row.test : null,
    gain: zero && zero.space === counts.space && row.test ? 100 * (row.right - zero.rows[index].right) / row.test : null,
  }));
  const hasGain = rows.some((row) => row.gain !== null);
  const orders = {
    accuracy: ["least accurate first", (a, b) => (a.accuracy ?? 2) - (b.accuracy ?? 2)],
    best: ["most accurate first", (a, b) => (b.accuracy ?? -1) - (a.accuracy ?? -1)],
    ...(hasGain ? { gain: ["largest gain first", (a, b) => b.gain - a.gain], loss: ["largest loss first", (a, b) => a.gain - b.gain] } : {}),
    label: ["as labelled", () => 0],
  };
  const pick = el("select", null, Object.entries(orders).map(([name, [text]]) => el("option", { value: name }, text)));
  const find = el("input", { type: "search", autocomplete: "off" });
  const place = el("div", { class: "scroll tall", tabindex: 0, role: "group", "aria-label": "Classes" });
  const fill = () => {
    drawer.sort = pick.value;
    const wanted = words(find.value);
    const shown = rows.filter((row) => hasWords(row.name.toLowerCase(), wanted)).sort(orders[pick.value][1]);
    place.replaceChildren(shown.length ? grid("Classes", ["Class", "Accuracy", "%", "Right", "Predicted", ...(hasGain ? ["Gain (pp)"] : [])], shown.map((row) => [
      row.name, meter(row.accuracy), percent(row.accuracy), `${row.right} of ${row.test}`, String(row.predicted),
      ...(hasGain ? [row.gain === null ? "–" : (row.gain > 0 ? "+" : "") + number(row.gain)] : []),
    ]), ["", "bars"]) : el("p", { class: "empty" }, "No class has these words."));
  };
  pick.value = drawer.sort in orders ? drawer.sort : "accuracy";
  pick.addEventListener("change", fill);
  find.addEventListener("input", fill);
  fill();
  return about(`Classes (${rows.length})`, el("div", { class: "controls" }, el("label", null, "Order ", pick), el("label", { class: "wide" }, "Find ", find)), place,
    hasGain ? el("p", { class: "caption" }, "Predicted: test images that were taken for this class. Gain: over zero-shot on the same images.")
      : el("p", { class: "caption" }, "Predicted: test images that were taken for this class."));
}

const meter = (share) => el("span", { class: "meter", "aria-hidden": "true" }, el("i", { style: `width:${(100 * (share || 0)).toFixed(1)}%` }));

function wordsPart(cell) {
  const packed = page.data.cells.words[cell.index];
  if (!packed) {
    const config = Object.fromEntries(cell.config());
    if (!config.n_ctx || cell.state !== "done" || cell.trainedBy) return null;
    return about("Nearest words", el("p", { class: "caption" }, "Not on this page, which has them for the largest shot count. ", el("code", null, `harness prompts show ${cell.id.slice(0, 8)}`), " prints them."));
  }
  const perClass = packed.shape.length > 1, length = packed.shape[packed.shape.length - 1];
  if (!packed.word.length) return about("Nearest words", el("p", { class: "caption" }, `${packed.shape[0]} classes with ${length} vectors each are too many for this page; `, el("code", null, `harness prompts show ${cell.id.slice(0, 8)} --class NAME`), " prints them."));
  const names = countsOf(cell)?.rows.map((row) => row.name) || [];
  const rows = packed.word.map((row, index) => {
    const distances = wholeNumbers(packed.distance[index]);
    const vector = String((index % length) + 1);
    return [perClass ? `${names[Math.floor(index / length)] ?? Math.floor(index / length)}, ${vector}` : vector,
      ...row.map((word, rank) => el("span", null, el("q", null, word), " ", el("small", null, (distances[rank] / 1e4).toFixed(4))))];
  });
  const most = Math.max(...packed.word.map((row) => row.length));
  const heads = [perClass ? "Class, vector" : "Vector", ...Array.from({ length: most }, (_, rank) => (rank ? `${rank + 1}.` : "Nearest"))];
  return about("Nearest words", el("p", { class: "caption" }, "Words of the vocabulary by Euclidean distance, some of them pieces of words."),
    el("div", { class: "scroll tall", tabindex: 0, role: "group", "aria-label": "Nearest words" }, grid("Nearest words", heads, rows, Array(most + 1).fill("text"))));
}

const configPart = (cell) => about("Configuration", listing(cell.config()));

function madePart(cell) {
  const made = cell.made(), timings = cell.timings(), details = cell.details();
  if (!made.length) return null;
  return about("Provenance", listing([...made, ...timings.map(([name, value]) => [`time.${name}`, value]), ...details.map(([name, value]) => [`found.${name}`, value])]));
}

function logPart(cell) {
  const log = page.data.logs[cell.job];
  if (!log) return null;
  const parts = [];
  if (cell.trace) parts.push(el("h4", null, "Traceback of this cell"), el("pre", { class: "log", tabindex: 0 }, cell.trace), el("h4", null, "End of the log"));
  if (log.tail) parts.push(el("pre", { class: "log", tabindex: 0 }, (log.cut ? "…\n" : "") + log.tail));
  else parts.push(el("p", { class: "caption" }, "The worker had nothing to tell."));
  return about("Log", el("p", { class: "caption" }, "Job ", el("code", null, log.job), "; other cells may have run in it."), ...parts);
}

function startDrawer() {
  const dialog = byId("drawer");
  dialog.addEventListener("close", () => {
    const id = drawer.id;
    drawer.id = null;
    history.replaceState(null, "", location.pathname + location.search);
    if (document.activeElement === document.body) document.querySelector(`[data-cell="${id}"]`)?.focus();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "k") dialog.querySelector(`[data-turn="${event.key}"]:not(:disabled)`)?.click();
  });
}
