// SPDX-License-Identifier: Apache-2.0
// Colours of a terminal (ECMA-48, SGR) as names of classes; every other control sequence is left out.

// CSI …, OSC … up to its end, other two-character escapes, and control characters but the tab.
const CONTROL = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

export function plain() {
  return { fg: -1, bg: -1, bold: false, italic: false, underline: false, inverse: false };
}

// The shown part of a line: what a carriage return overwrites is gone.
function shown(line) {
  const end = line.endsWith("\r") ? line.slice(0, -1) : line;
  return end.slice(end.lastIndexOf("\r") + 1);
}

// Splits a line into [text, classes]; changes state, which goes on in the next line.
export function segments(line, state) {
  const text = shown(line);
  const found = [];
  let from = 0;
  for (const match of text.matchAll(CONTROL)) {
    if (match.index > from) {
      found.push([text.slice(from, match.index), classes(state)]);
    }
    from = match.index + match[0].length;
    if (match[2] === "m") {
      apply(match[1], state);
    }
  }
  if (from < text.length) {
    found.push([text.slice(from), classes(state)]);
  }
  return found;
}

function classes(state) {
  const names = [];
  const turned = state.inverse || state.bg >= 0;
  const colour = state.bg >= 0 ? state.bg : state.fg;
  if (turned) {
    names.push("turned", `fg-${colour >= 0 ? colour : 7}`);
  } else if (colour >= 0) {
    names.push(`fg-${colour}`);
  }
  for (const name of ["bold", "italic", "underline"]) {
    if (state[name]) {
      names.push(name);
    }
  }
  return names.join(" ");
}

function apply(parameters, state) {
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      state[code === 38 ? "fg" : "bg"] = colour;
      at += used;
    } else {
      single(code, state);
    }
  }
}

function single(code, state) {
  if (code === 0 || Number.isNaN(code)) Object.assign(state, plain());
  else if (code === 1) state.bold = true;
  else if (code === 3) state.italic = true;
  else if (code === 4) state.underline = true;
  else if (code === 7) state.inverse = true;
  else if (code === 22) state.bold = false;
  else if (code === 23) state.italic = false;
  else if (code === 24) state.underline = false;
  else if (code === 27) state.inverse = false;
  else if (code >= 30 && code <= 37) state.fg = code - 30;
  else if (code === 39) state.fg = -1;
  else if (code >= 40 && code <= 47) state.bg = code - 40;
  else if (code === 49) state.bg = -1;
  else if (code >= 90 && code <= 97) state.fg = code - 82;
  else if (code >= 100 && code <= 107) state.bg = code - 92;
}

// 256 colours and true colour become the nearest of sixteen, which are readable in both themes.
function extended(codes, at) {
  if (codes[at] === 5) {
    return [indexed(codes[at + 1]), 2];
  }
  return codes[at] === 2 ? [nearest(codes[at + 1], codes[at + 2], codes[at + 3]), 4] : [-1, 0];
}

function indexed(index) {
  if (!(index >= 0 && index <= 255)) return -1;
  if (index < 16) return index;
  if (index >= 232) return index < 244 ? 8 : 7;
  const cube = index - 16;
  const level = (value) => (value ? 55 + 40 * value : 0);
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red, green, blue) {
  const most = Math.max(red, green, blue);
  if (!(most >= 0)) return -1;
  const on = (value) => value > most / 2 && value > 40;
  const colour = (on(red) ? 1 : 0) + (on(green) ? 2 : 0) + (on(blue) ? 4 : 0);
  return colour + (most > 200 ? 8 : 0);
}
