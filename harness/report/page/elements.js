// Elements from values. Words go in as text, never as markup.
function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const byId = (id) => document.getElementById(id);
const percent = (fraction, digits = 1) => (fraction === null ? "–" : number(100 * fraction, digits));
const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const hasWords = (text, wanted) => wanted.every((word) => text.includes(word));

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

// Fill a `select`; the choice stays where it is still to be had, else it is the first one.
function choices(select, options) {
  const before = select.value;
  const groups = new Map();
  select.replaceChildren();
  for (const [value, text, group] of options) {
    const option = el("option", { value }, text);
    if (!group) { select.append(option); continue; }
    if (!groups.has(group)) { groups.set(group, el("optgroup", { label: group })); select.append(groups.get(group)); }
    groups.get(group).append(option);
  }
  if (options.some(([value]) => String(value) === before)) select.value = before;
  else if (options.length) select.value = String(options[0][0]);
}

// A table of heads and rows; `classes` of its columns, the first cell of a row being its head.
function grid(label, heads, rows, classes = []) {
  return el("table", { "aria-label": label },
    el("thead", null, el("tr", null, heads.map((head, index) => el("th", { scope: "col", class: classes[index] || "" }, head)))),
    el("tbody", null, rows.map((row) => el("tr", null, row.map((item, index) =>
      index ? el("td", { class: classes[index] || "" }, item) : el("th", { scope: "row" }, item))))));
}
