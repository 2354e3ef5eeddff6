// The page: its data, its tables' filter, what a click anywhere means, and news while a run is going.
const page = { data: null, cells: [], tag: null };

function setData(data) {
  page.data = data;
  page.cells = unpackCells(data.cells);
  setCells(page.cells);
  setCurves();
  setTables();
}

// --- tables ---------------------------------------------------------------------------------------------------

function setTables() {
  const tables = [...document.querySelectorAll("#table-parts section.table")];
  choices(byId("table-choice"), [["", `all ${tables.length}`], ...tables.map((one) => [one.id, one.dataset.title, one.closest("[data-group]").dataset.group])]);
  showTables();
}

function showTables() {
  const wanted = words(byId("table-find").value), choice = byId("table-choice").value;
  let nRows = 0, nShown = 0;
  for (const table of document.querySelectorAll("#table-parts section.table")) {
    const title = table.dataset.title.toLowerCase(), rows = [...table.querySelectorAll("tbody tr:not(.block)")];
    let here = 0;
    for (const row of rows) {
      row.hidden = wanted.length > 0 && !hasWords(`${title} ${row.cells[0].textContent.toLowerCase()}`, wanted);
      here += !row.hidden;
    }
    for (const block of table.querySelectorAll("tbody")) block.hidden = ![...block.rows].some((row) => !row.hidden && !row.classList.contains("block"));
    const isOut = choice !== "" && table.id !== choice;
    table.hidden = isOut || (wanted.length > 0 && !here && !(rows.length === 0 && hasWords(title, wanted)));
    nRows += isOut ? 0 : rows.length;
    nShown += table.hidden ? 0 : here;
  }
  for (const group of document.querySelectorAll("#table-parts [data-group]")) group.hidden = ![...group.querySelectorAll("section.table")].some((one) => !one.hidden);
  byId("table-count").textContent = wanted.length ? `${nShown} of ${nRows} rows` : "";
  byId("table-none").hidden = nShown > 0 || !wanted.length;
}

// --- news -----------------------------------------------------------------------------------------------------

// Put the new parts in the place of those that changed; the reader's place on the page stays where it is.
function replaceParts(box, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html; // written by the harness, every word of it escaped
  const shape = (root) => [...root.querySelectorAll("[data-part]")].map((one) => one.dataset.part).join("\n");
  if (shape(box) !== shape(fresh.content)) { box.replaceChildren(fresh.content); remember(box); return; }
  for (const part of [...fresh.content.querySelectorAll("[data-part]")]) {
    const old = box.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (sources.get(part.dataset.part) === part.innerHTML) continue;
    const scrolls = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    sources.set(part.dataset.part, part.innerHTML);
    old.replaceWith(part);
    part.querySelectorAll(".scroll").forEach((one, index) => { one.scrollLeft = scrolls[index] || 0; });
  }
}

// What each part looked like when it came: filters change it afterwards.
const sources = new Map();

function remember(box) {
  for (const part of box.querySelectorAll("[data-part]")) sources.set(part.dataset.part, part.innerHTML);
}

function keepPlace(change) {
  const focused = document.activeElement?.dataset?.show || document.activeElement?.dataset?.cell;
  const name = document.activeElement?.dataset?.show ? "show" : "cell";
  const anchor = [...document.querySelectorAll("main > section, #table-parts section.table")].filter((one) => !one.hidden)
    .findLast((one) => one.getBoundingClientRect().top <= 80);
  const before = anchor?.getBoundingClientRect().top, id = anchor?.id;
  change();
  if (id && byId(id)) scrollBy(0, byId(id).getBoundingClientRect().top - before);
  if (focused && document.activeElement === document.body) {
    [...document.querySelectorAll(`[data-${name}]`)].find((one) => one.dataset[name] === focused)?.focus({ preventScroll: true });
  }
}

function takeNews(news) {
  keepPlace(() => {
    replaceParts(byId("overview-parts"), news.overview);
    replaceParts(byId("table-parts"), news.tables);
    document.querySelector(".lead").textContent = news.lead;
    setData(news.data);
  });
  if (drawer.id) {
    const cell = page.cells.find((one) => one.id === drawer.id);
    if (cell) fillDrawer(cell); else byId("drawer").close();
  }
}

async function listen() {
  const live = byId("live");
  live.hidden = false;
  const say = (state, text) => { if (live.textContent !== text) { live.className = `live ${state}`; live.textContent = text; } };
  say("on", "Live");
  for (;;) {
    await new Promise((done) => setTimeout(done, 2000));
    if (document.hidden) continue;
    try {
      const answer = await fetch("news.json", { cache: "no-store", headers: page.tag ? { "If-None-Match": page.tag } : {} });
      if (answer.status === 200) {
        const news = await answer.json();
        page.tag = answer.headers.get("ETag");
        takeNews(news);
      } else if (answer.status === 304) await answer.text(); // nothing, read so that the request ends well
      else throw new Error(String(answer.status));
      say("on", "Live");
    } catch { say("off", "Server not reached"); }
  }
}

// --- start ----------------------------------------------------------------------------------------------------

function start() {
  const theme = byId("theme"), root = document.documentElement;
  const paint = () => { if (theme.value) root.dataset.theme = theme.value; else delete root.dataset.theme; };
  try { theme.value = localStorage.getItem("harness-theme") || ""; } catch { /* a browser may forbid it for files */ }
  paint();
  theme.addEventListener("change", () => { paint(); try { localStorage.setItem("harness-theme", theme.value); } catch { /* as above */ } });
  root.classList.add("scripted");
  startCells(); startDrawer(); startCurves();
  byId("table-find").addEventListener("input", showTables);
  byId("table-choice").addEventListener("change", showTables);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-cell]"), shower = event.target.closest("[data-show]");
    if (opener) openDrawer(opener.dataset.cell);
    else if (shower) {
      filterCells(JSON.parse(shower.dataset.show));
      byId("cells").scrollIntoView();
      byId("cell-scroll").focus({ preventScroll: true });
    }
  });
  const data = JSON.parse(byId("data").textContent);
  page.tag = data.tag;
  remember(byId("overview-parts"));
  remember(byId("table-parts"));
  setData(data);
  const linked = () => { const id = /^#cell=(\w+)$/.exec(location.hash)?.[1]; if (id) openDrawer(id); };
  addEventListener("hashchange", linked);
  linked();
  if (data.live) listen();
}

start();
