// SPDX-License-Identifier: Apache-2.0
// The live log: batches of lines come as events and are put into blocks, of which the browser lays out only those
// that are seen. Lines only ever become text nodes.

import { plain, segments } from "./ansi.js";

const BLOCK = 500;
const MOST = 500_000;
const box = document.getElementById("log");
const follow = document.getElementById("log-follow");
const search = document.getElementById("log-search");
const found = document.getElementById("log-found");
const lineField = document.getElementById("log-line");
const news = document.getElementById("log-news");

const log = { attempt: 0, lines: [], blocks: [], colours: plain(), stripes: {} };
const hits = { text: "", upTo: 0, lines: [], at: -1 };

function lineHeight() {
  return parseFloat(getComputedStyle(box).getPropertyValue("--line"));
}

function element(tag, name, parent) {
  const made = document.createElement(tag);
  made.className = name;
  parent.append(made);
  return made;
}

function clear(attempt) {
  Object.assign(log, { attempt, lines: [], blocks: [], colours: plain(), stripes: {} });
  Object.assign(hits, { upTo: 0, lines: [], at: -1 });
  box.replaceChildren();
}

function blockFor(index) {
  const number = Math.floor(index / BLOCK);
  if (!log.blocks[number]) {
    const whole = element("div", "block", box);
    log.blocks[number] = { whole, numbers: element("pre", "numbers", whole), text: element("pre", "text", whole) };
    log.blocks[number].numbers.ariaHidden = "true";
    log.blocks[number].numbers.addEventListener("click", (event) => {
      const line = number * BLOCK + Math.floor(event.offsetY / lineHeight());
      history.replaceState(null, "", `#L${line + 1}`);
      showLine(line, false);
    });
  }
  return log.blocks[number];
}

function draw(line, target) {
  let words = "";
  for (const [text, names] of segments(line, log.colours)) {
    words += text;
    if (names) {
      const span = document.createElement("span");
      span.className = names;
      span.textContent = text;
      target.append(span);
    } else {
      target.append(text);
    }
  }
  target.append("\n");
  return words;
}

function add(lines) {
  const height = lineHeight();
  for (let at = 0; at < lines.length; ) {
    const index = log.lines.length;
    const room = Math.min(BLOCK - (index % BLOCK), lines.length - at);
    const block = blockFor(index);
    const text = document.createDocumentFragment();
    let numbers = "";
    for (let each = 0; each < room; each += 1) {
      log.lines.push(draw(lines[at + each], text));
      numbers += `${index + each + 1}\n`;
    }
    block.text.append(text);
    block.numbers.append(numbers);
    block.whole.style.containIntrinsicSize = `auto 100px auto ${((index % BLOCK) + room) * height}px`;
    at += room;
  }
}

function stripe(line, name) {
  log.stripes[name]?.remove();
  const block = log.blocks[Math.floor(line / BLOCK)];
  const made = element("div", `stripe ${name}`, block.whole);
  made.style.top = `${(line % BLOCK) * lineHeight()}px`;
  log.stripes[name] = made;
}

function showLine(line, scroll = true, name = "chosen") {
  if (line < 0 || line >= log.lines.length) {
    return false;
  }
  stripe(line, name);
  lineField.value = line + 1;
  if (scroll) {
    follow.checked = false;
    const block = log.blocks[Math.floor(line / BLOCK)].whole;
    box.scrollTop = block.offsetTop + (line % BLOCK) * lineHeight() - box.clientHeight / 2;
  }
  return true;
}

let wanted = Number((/^#L([0-9]{1,9})$/.exec(location.hash) || [])[1]) - 1;

function arrived(piece) {
  if (piece.attempt !== log.attempt) {
    clear(piece.attempt);
  }
  const known = log.lines.length - piece.first;
  if (known >= 0 && known < piece.lines.length) {
    add(known ? piece.lines.slice(known) : piece.lines);
  }
  if (wanted >= 0 && showLine(wanted)) {
    box.scrollIntoView();
    wanted = -1;
  }
  if (follow.checked) {
    box.scrollTop = box.scrollHeight;
  }
  if (log.lines.length >= MOST) {
    source.close();
    news.textContent = `Only the first ${log.lines.length} lines are shown here; all are in the plain text.`;
  }
}

function look() {
  const text = search.value.toLowerCase();
  if (text !== hits.text) {
    Object.assign(hits, { text, upTo: 0, lines: [], at: -1 });
  }
  for (; text && hits.upTo < log.lines.length; hits.upTo += 1) {
    if (log.lines[hits.upTo].toLowerCase().includes(text)) {
      hits.lines.push(hits.upTo);
    }
  }
}

function go(step) {
  look();
  if (!hits.lines.length) {
    found.textContent = hits.text ? "not found" : "";
    return;
  }
  hits.at = (hits.at + step + hits.lines.length) % hits.lines.length;
  showLine(hits.lines[hits.at], true, "found");
  found.textContent = `${hits.at + 1} of ${hits.lines.length}`;
}

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    hits.text = "";
    go(1);
  }, 250);
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    clearTimeout(typing);
    go(event.shiftKey ? -1 : 1);
  }
});
document.getElementById("log-next").addEventListener("click", () => go(1));
document.getElementById("log-previous").addEventListener("click", () => go(hits.at < 0 ? 0 : -1));
lineField.addEventListener("change", () => {
  if (showLine(Number(lineField.value) - 1)) {
    history.replaceState(null, "", `#L${lineField.value}`);
  }
});
window.addEventListener("hashchange", () => {
  showLine(Number((/^#L([0-9]{1,9})$/.exec(location.hash) || [])[1]) - 1);
});
follow.addEventListener("change", () => follow.checked && (box.scrollTop = box.scrollHeight));
box.addEventListener("wheel", (event) => event.deltaY < 0 && (follow.checked = false), { passive: true });
box.addEventListener("keydown", (event) => ["ArrowUp", "PageUp", "Home"].includes(event.key) && (follow.checked = false));

const source = new EventSource(box.dataset.events);
const state = document.querySelector("#job-state .state");
const jobNews = document.getElementById("job-news");
const wasOpen = ["queued", "running"].includes(state.textContent);
source.addEventListener("log", (event) => arrived(JSON.parse(event.data)));
source.addEventListener("job", (event) => {
  const job = JSON.parse(event.data);
  if (job.state === "running" || job.state === "queued") {
    state.textContent = job.state;
    state.className = `state ${job.state}`;
    jobNews.textContent = job.phase ? `Now: ${job.phase}` : job.reason;
  }
});
source.addEventListener("end", (event) => {
  source.close();
  const job = JSON.parse(event.data);
  news.textContent = "This is the end of the log.";
  if (wasOpen && !["queued", "running"].includes(job.state)) {
    state.textContent = job.state;
    state.className = `state ${job.state}`;
    jobNews.textContent = `The job has ended: ${job.state}. Load the page anew to see what came of it.`;
  }
});
source.addEventListener("open", () => (news.textContent = ""));
source.addEventListener("error", () => {
  news.textContent = source.readyState === EventSource.CLOSED ? "The log cannot be had." : "The connection is lost; trying again …";
});
