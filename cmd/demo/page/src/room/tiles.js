// The tiles of the fleet on their canvas: one small square a server, one block
// a kind. Only what changes is drawn again, and frames are asked for only while
// something changes. Lengths are CSS pixels; tiles lie on whole device pixels.

import { kindOf, stateOf } from "./state.js";
import { palette } from "./palette.js";

const ease = 300; // ms that a tile takes to its new colours
const breath = 1800; // ms of one pulse
const between = 5; // between two kinds
const label = 14; // a kind is at least as high as its label
const faded = 0.82; // how much of a tile goes when others are looked for

const calm = matchMedia("(prefers-reduced-motion: reduce)");

const colour = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const mix = (a, b, k) => a.map((v, i) => v + (b[i] - v) * k);
const css = (c) => `rgb(${c.map(Math.round).join(" ")})`;

export class Tiles {
  kinds = []; // {name, tiles, y}
  rows = []; // tiles, row by row
  height = 0;
  gutter = 0; // on the left, for the labels
  size = 0; // of a tile

  #canvas;
  #pen;
  #byID = new Map();
  #colours = {};
  #width = 0;
  #most = 0;
  #ratio = 1; // device pixels in a CSS pixel
  #pitch = 1; // from tile to tile
  #found = null; // ids that are looked for; null: nobody looks
  #moving = new Set();
  #whole = false; // everything has to be drawn again
  #frame = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
  }

  // sync takes over what the servers are now. It tells whether tiles came or
  // went, so that the kinds are others.
  sync(servers) {
    const same = servers.size === this.#byID.size && [...servers.values()].every((s) => this.#byID.get(s.id)?.server.name === s.name);
    if (!same) this.#gather(servers);
    for (const t of this.#byID.values()) {
      const s = servers.get(t.server.id);
      if (s === t.server) continue;
      const state = stateOf(s);
      if (state !== t.state) Object.assign(t, { from: this.#shade(t, performance.now()), since: performance.now(), state });
      t.server = s;
      this.#moving.add(t);
    }
    this.#wake();
    return !same;
  }

  // fit lays the tiles into a width, as large as a height allows.
  fit(width, most) {
    const ratio = devicePixelRatio || 1;
    if (width === this.#width && most === this.#most && ratio === this.#ratio) return;
    this.gutter = width < 480 ? 76 : 84;
    [this.#width, this.#most, this.#ratio] = [width, most, ratio];
    this.#lay();
  }

  // dress gives the tiles the colours of a theme.
  dress(theme) {
    this.#colours = Object.fromEntries(Object.entries(palette(theme)).map(([name, hex]) => [name, colour(hex)]));
    for (const t of this.#byID.values()) t.from = null;
    this.#drawAll();
  }

  // light fades all tiles but those of these ids; null lights all.
  light(ids) {
    this.#found = ids;
    this.#drawAll();
  }

  tile(id) {
    return this.#byID.get(id);
  }

  named(name) {
    return [...this.#byID.values()].find((t) => t.server.name === name);
  }

  // at is the tile at a point of the canvas, if there is one.
  at(x, y) {
    const row = this.rows.find((r) => y >= r[0].y && y < r[0].y + this.#pitch);
    return row?.[Math.floor((x - this.gutter) / this.#pitch)];
  }

  // beside is the tile to which an arrow key leads.
  beside(t, key) {
    const row = this.rows[t.row];
    switch (key) {
      case "ArrowLeft":
        return row[t.col - 1] ?? this.rows[t.row - 1]?.at(-1) ?? t;
      case "ArrowRight":
        return row[t.col + 1] ?? this.rows[t.row + 1]?.[0] ?? t;
      case "ArrowUp":
      case "ArrowDown": {
        const next = this.rows[t.row + (key === "ArrowUp" ? -1 : 1)];
        return next ? next[Math.min(t.col, next.length - 1)] : t;
      }
      case "Home":
        return this.rows[0][0];
      case "End":
        return this.rows.at(-1).at(-1);
    }
  }

  // colourOf is a tile's colour as it is drawn now.
  colourOf(t) {
    return css(this.#shade(t, performance.now()).edge);
  }

  close() {
    cancelAnimationFrame(this.#frame);
  }

  #gather(servers) {
    const old = this.#byID;
    const kinds = new Map();
    this.#byID = new Map();
    this.#moving.clear();
    for (const s of servers.values()) {
      const t = old.get(s.id) ?? { server: s, state: stateOf(s), from: null, since: 0 };
      const kind = kindOf(s.name);
      if (!kinds.has(kind)) kinds.set(kind, { name: kind, tiles: [], y: 0 });
      kinds.get(kind).tiles.push(t);
      this.#byID.set(s.id, t);
      this.#moving.add(t);
    }
    this.kinds = [...kinds.values()].sort((a, b) => b.tiles.length - a.tiles.length || (a.name < b.name ? -1 : 1));
    this.#lay();
  }

  // #lay finds the largest tiles that fit, and gives each its place.
  #lay() {
    const ratio = this.#ratio;
    if (!this.#width) return;
    let pitch = Math.round(18 * ratio); // device pixels
    let cols, height;
    for (; ; pitch--) {
      cols = Math.max(1, Math.floor(((this.#width - this.gutter) * ratio) / pitch));
      const heights = this.kinds.map((k) => Math.max(label, (Math.ceil(k.tiles.length / cols) * pitch) / ratio));
      height = heights.reduce((sum, h) => sum + h + between, 0);
      if (height <= this.#most || pitch <= 4 * ratio) break;
    }
    this.#pitch = pitch / ratio;
    this.size = this.#pitch - Math.max(1, Math.round(ratio)) / ratio;
    this.rows = [];
    let y = 0;
    for (const k of this.kinds) {
      k.y = y;
      k.tiles.forEach((t, i) => {
        t.col = i % cols;
        if (t.col === 0) this.rows.push([]);
        t.row = this.rows.length - 1;
        this.rows[t.row].push(t);
        t.x = this.gutter + t.col * this.#pitch;
        t.y = y + Math.floor(i / cols) * this.#pitch;
      });
      const high = Math.max(label, Math.ceil(k.tiles.length / cols) * this.#pitch);
      y = Math.ceil((y + high + between) * ratio) / ratio;
    }
    this.height = Math.ceil(y);
    this.#canvas.width = Math.round(this.#width * ratio);
    this.#canvas.height = Math.round(this.height * ratio);
    Object.assign(this.#canvas.style, { width: this.#width + "px", height: this.height + "px" });
    this.#drawAll();
  }

  #drawAll() {
    this.#whole = true;
    this.#wake();
  }

  #wake() {
    if (!this.#frame && (this.#whole || this.#moving.size > 0)) this.#frame = requestAnimationFrame(this.#turn);
  }

  #turn = (at) => {
    this.#frame = 0;
    if (!this.#width || !this.#colours.bed) return;
    if (this.#whole) {
      this.#whole = false;
      this.#pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
      for (const t of this.#byID.values()) this.#moving.add(t);
    }
    for (const t of this.#moving) {
      this.#draw(t, at);
      const pulses = !calm.matches && (t.state === "stopping" || t.state === "starting");
      if (!pulses && (calm.matches || !t.from || at - t.since > ease)) this.#moving.delete(t);
    }
    this.#wake();
  };

  #draw(t, at) {
    const { edge, fill } = this.#shade(t, at);
    const [x, y, s] = [t.x, t.y, this.size].map((v) => Math.round(v * this.#ratio));
    const one = Math.max(1, Math.round(s / 6));
    const rect = (c, dx, dy, w, h) => {
      this.#pen.fillStyle = css(c);
      this.#pen.fillRect(x + dx, y + dy, w, h);
    };
    rect(edge, 0, 0, s, s);
    if (fill !== edge) rect(fill, one, one, s - 2 * one, s - 2 * one);
    if (t.server.locked) rect(this.#colours.lock, 2 * one, 2 * one, s - 4 * one, s - 4 * one);
    if (t.server.fails) rect(this.#colours.failing, 0, s - 2 * one, s, 2 * one);
  }

  // #shade is what a tile looks like at a moment: an edge and what it holds. A
  // tile that is off is hollow, one that starts begins to fill.
  #shade(t, at) {
    const c = this.#colours;
    if (!c.bed) return { edge: [0, 0, 0], fill: [0, 0, 0] };
    const edge = c[t.state === "rebooting" ? "starting" : t.state];
    let fill = { off: c.hollow, starting: c.dawn, rebooting: c.dawn }[t.state] ?? edge;
    let shown = edge;
    if (!calm.matches && (t.state === "stopping" || t.state === "starting")) {
      // The pulse runs over the fleet as a slow wave.
      const wave = 0.5 - 0.5 * Math.cos(2 * Math.PI * (at / breath - (t.col + t.row) / 90));
      if (t.state === "stopping") shown = fill = mix(edge, c.bed, 0.5 * wave);
      else fill = mix(c.dawn, edge, wave);
    }
    if (this.#found && !this.#found.has(t.server.id)) {
      const one = fill === shown;
      shown = mix(shown, c.bed, faded);
      fill = one ? shown : mix(fill, c.bed, faded);
    }
    const k = calm.matches || !t.from ? 1 : (at - t.since) / ease;
    if (k >= 1) return { edge: shown, fill };
    const slow = k <= 0 ? 0 : k * k * (3 - 2 * k);
    return { edge: mix(t.from.edge, shown, slow), fill: mix(t.from.fill, fill, slow) };
  }
}
