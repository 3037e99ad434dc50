"use strict";
// Rows lie in the page as compressed blocks. A block is expanded when it comes into view. A search reads it without that.
const ROW_HEIGHT = 32;
const blocks = [...document.querySelectorAll(".block")];
const scripts = [...document.querySelectorAll(".data")];
const byId = (id) => document.getElementById(id);
const filters = { text: byId("text"), code: byId("code"), fields: [...document.querySelectorAll(".by-field")] };
let index = [];

async function unpack(script) {
  const bytes = Uint8Array.from(atob(script.textContent), (char) => char.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function rowsOf(block) {
  const html = await unpack(scripts[blocks.indexOf(block)]);
  return [...new DOMParser().parseFromString(html, "text/html").querySelectorAll(".row")];
}

const texts = new Map();
function textOf(row) {
  for (const explanation of row.querySelectorAll(".findings details")) explanation.remove(); // the same in many rows
  return row.textContent.toLowerCase();
}
function textsOf(block) {
  if (!texts.has(block)) texts.set(block, rowsOf(block).then((rows) => rows.map(textOf)));
  return texts.get(block);
}

const expanded = new Map();
function expand(block) {
  if (!expanded.has(block)) {
    expanded.set(block, rowsOf(block).then((rows) => {
      block.replaceChildren(...rows);
      block.style.minHeight = "";
      rows.forEach((row, at) => { row.hidden = !matches(Number(block.dataset.first) + at); });
    }));
  }
  return expanded.get(block);
}

let admitted = null; // the rows that the text filter admits, or null for all
function matches(number) {
  const [codes, values] = index[number];
  const code = filters.code.value;
  if (code === "any" && !codes.length) return false;
  if (code === "none" && codes.length) return false;
  if (/^\d/.test(code) && !codes.includes(Number(code))) return false;
  for (const select of filters.fields)
    if (select.value && !(values[select.dataset.field] || []).includes(Number(select.value))) return false;
  return !admitted || admitted.has(number);
}

let round = 0;
async function filter() {
  const current = ++round;
  const wanted = filters.text.value.toLowerCase();
  admitted = null;
  if (wanted) {
    const found = new Set();
    for (const block of blocks) {
      const held = await textsOf(block);
      if (current !== round) return;
      held.forEach((text, at) => { if (text.includes(wanted)) found.add(Number(block.dataset.first) + at); });
    }
    admitted = found;
  }
  let shown = 0;
  for (const block of blocks) {
    const first = Number(block.dataset.first);
    let count = 0;
    for (let at = 0; at < Number(block.dataset.rows); at++) {
      const fits = matches(first + at);
      count += fits;
      const row = block.children[at];
      if (row && row.classList.contains("row")) row.hidden = !fits;
    }
    if (!expanded.has(block)) block.style.minHeight = `${count * ROW_HEIGHT}px`;
    block.hidden = !count;
    shown += count;
  }
  byId("shown").textContent = shown === index.length ? "" : `${shown.toLocaleString("en")} shown.`;
}

function showTokens(root) {
  for (const pre of root.querySelectorAll("pre[data-tokens]")) {
    if (byId("tokens").checked === Boolean(pre.original)) continue;
    if (pre.original) {
      pre.replaceChildren(...pre.original);
      pre.original = null;
      continue;
    }
    const points = [...pre.textContent];
    pre.original = [...pre.childNodes];
    let at = 0;
    pre.replaceChildren(...pre.dataset.tokens.trim().split(" ").flatMap((token) => {
      const [id, length] = token.split(",").map(Number);
      const span = document.createElement("span");
      span.className = "token";
      span.dataset.id = id;
      span.title = `token ${id}`;
      const [, text, breaks] = points.slice(at, at += length).join("").match(/^([^]*?)(\n*)$/);
      span.textContent = text;
      return [span, breaks]; // the id follows the text, not the line break
    }));
  }
}

function addButtons(row) {
  if (row.dataset.ready) return;
  row.dataset.ready = "yes";
  row.querySelectorAll(".card").forEach((card, at) => {
    const contents = [...card.querySelectorAll("pre.content")]; // several, if training learns some of the content
    if (!contents.length) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy the content of part ${at + 1}`);
    button.addEventListener("click", async () => {
      const nodes = contents.flatMap((content) => content.original || [...content.childNodes]);
      try {
        await navigator.clipboard.writeText(nodes.map((node) => node.textContent).join(""));
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(contents[0]); // the browser allows no access to the clipboard
        button.textContent = "Selected";
      }
    });
    card.querySelector("h2").append(button);
  });
}

document.addEventListener("toggle", (event) => {
  const row = event.target.closest && event.target.closest(".row");
  if (!row || event.target.parentElement !== row || !event.target.open) return;
  addButtons(row);
  showTokens(row);
}, true);

byId("tokens").addEventListener("change", () => {
  document.querySelectorAll(".row > details[open]").forEach(showTokens);
});
byId("raw").addEventListener("change", () => document.body.classList.toggle("raw", byId("raw").checked));
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", (event) => { if (!["tokens", "raw"].includes(event.target.id)) filter(); });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "/") {
    event.preventDefault();
    filters.text.focus();
  } else if (event.key === "t" || event.key === "r") {
    byId(event.key === "t" ? "tokens" : "raw").click();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll(".row:not([hidden]) > details > summary")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[at < 0 ? 0 : at + (event.key === "j" ? 1 : -1)];
    if (next) next.focus();
  }
});

unpack(byId("index")).then(async (text) => {
  index = JSON.parse(text);
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) expand(entry.target);
  }, { rootMargin: "600px" });
  for (const block of blocks) {
    block.style.minHeight = `${Number(block.dataset.rows) * ROW_HEIGHT}px`;
    watcher.observe(block);
  }
  if (index.length === 1) {
    await expand(blocks[0]);
    blocks[0].querySelector("details").open = true;
  }
  document.body.dataset.ready = "yes";
});
