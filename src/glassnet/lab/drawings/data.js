// The data: points over two axes, and behind them what the network answers everywhere.
// For one input the second axis is the target, and the answer is a line.

import { Pace, Picture, Tooltip, aroundCentre, bytes, component, finite, fit, full, html, onTheme, segmentPath, set, shapePath, share, short, svg, theme, tickWords, ticks, trace, words } from "glassnet-ink";

const MODES = [
  ["look", "Look", "click a point: it becomes the current sample"],
  ["add", "Add", "click anywhere: a new training point"],
  ["move", "Move", "drag a training point"],
  ["delete", "Delete", "click a training point: it goes"],
];
const REACH = 22; // px: the nearest point within this is meant

let groups = 0;

class DataDrawing {
  constructor(host, emit) {
    this.host = host;
    this.emit = emit;
    this.mode = host.dataset.mode = "look";
    this.plot = html("div", { class: "gn-plot" }, host);
    this.mapCanvas = html("canvas", { "aria-hidden": "true" }, this.plot);
    this.pointCanvas = html("canvas", { "aria-hidden": "true" }, this.plot);
    this.svg = svg("svg", { class: "gn-svg", role: "group" }, this.plot);
    this.axes = svg("g", { class: "gn-axes", "aria-hidden": "true" }, this.svg);
    this.window = svg("svg", { class: "gn-window" }, this.svg);
    this.answers = svg("path", { class: "gn-answer-line" }, this.window);
    this.proxy = svg("g", { class: "gn-item gn-point", role: "button", tabindex: 0 }, this.svg);
    this.proxyRing = svg("circle", { class: "gn-point-focus", r: 12 }, this.proxy);
    this.proxyCross = svg("path", { class: "gn-point-cross", d: "M-16,0H-4M4,0H16M0,-16V-4M0,4V16" }, this.proxy);
    this.makeTools();
    this.legend = html("div", { class: "gn-legend" }, host);
    this.voice = words(html("div", { class: "gn-unseen", role: "status" }, host));
    this.tip = new Tooltip(host);
    this.pace = new Pace((frame) => this.draw(frame));
    this.endTheme = onTheme(() => {
      if (!this.s) return;
      this.makeLegend();
      this.redraw();
      this.drawPoints();
    });
    this.sizes = new ResizeObserver(() => this.place());
    this.sizes.observe(this.plot);
    this.resized = () => this.place();
    addEventListener("resize", this.resized);
    this.svg.addEventListener("pointerdown", (e) => this.down(e));
    this.svg.addEventListener("pointermove", (e) => this.hover(e));
    this.svg.addEventListener("pointerup", (e) => this.up(e));
    this.svg.addEventListener("pointercancel", () => this.letGo());
    this.svg.addEventListener("pointerleave", () => this.tip.hide());
    this.proxy.addEventListener("keydown", (e) => this.key(e));
    this.proxy.addEventListener("focus", () => this.stand(this.spot ?? this.current ?? 0, false));
    this.proxy.addEventListener("blur", () => {
      this.letGo();
      this.tip.hide();
    });
  }

  end() {
    this.pace.end();
    this.sizes.disconnect();
    removeEventListener("resize", this.resized);
    this.endTheme();
  }

  makeTools() {
    this.tools = html("div", { class: "gn-tools" }, this.host);
    const group = html("div", { class: "gn-modes", role: "radiogroup", "aria-label": "what a click on the data does" }, this.tools);
    const name = `gn-mode-${++groups}`;
    this.radios = {};
    for (const [mode, text, hint] of MODES) {
      const label = html("label", { title: hint }, group);
      const input = html("input", { type: "radio", name, value: mode }, label);
      html("span", {}, label, text);
      input.checked = mode === "look";
      input.addEventListener("change", () => this.setMode(mode));
      this.radios[mode] = input;
    }
    this.which = html("label", { class: "gn-which" }, this.tools);
    this.which.hidden = true;
    this.whichText = words(html("span", {}, this.which));
    this.classes = html("select", {}, this.which);
    this.target = html("input", { type: "number", step: "any" }, this.which);
    this.hint = words(html("p", { class: "gn-hint" }, this.host), MODES[0][2]);
  }

  // Over more than two inputs a place in the picture is no point: nothing to add or to move there.
  allow(editable) {
    for (const mode of ["add", "move"]) this.radios[mode].disabled = !editable;
    if (editable || !["add", "move"].includes(this.mode)) return;
    this.radios.look.checked = true;
    this.setMode("look");
  }

  setMode(mode) {
    this.letGo();
    this.mode = mode;
    this.hint(MODES.find(([m]) => m === mode)[2]);
    this.which.hidden = mode !== "add" || Boolean(this.s?.line);
    this.host.dataset.mode = mode;
    if (mode === "add") this.place2(0.5, 0.5);
    else this.stand(this.current ?? 0, false);
  }

  // -------------------------------------------------------------- structure

  structure(s) {
    this.s = s;
    const p = s.points;
    this.n = p.x.length;
    this.px = Float64Array.from(p.x);
    this.py = Float64Array.from(p.y);
    this.rows = new Map();
    p.row.forEach((row, i) => this.rows.set(`${p.held[i] ? 1 : 0} ${row}`, i));
    this.numbers = s.kind !== "classes";
    const known = p.c.filter(finite);
    this.range = this.numbers ? [Math.min(...known), Math.max(...known)] : null;
    this.picture = new Picture(s.grid);
    [this.grabbed, this.pressed] = [undefined, null]; // a point held in the hand is another one now
    this.allow(s.editable !== false);
    this.spot = Math.min(this.spot ?? 0, Math.max(0, this.n - 1));
    this.whichText(this.numbers ? "target" : "class");
    this.classes.hidden = this.numbers;
    this.target.hidden = !this.numbers;
    const chosen = this.classes.value;
    this.classes.replaceChildren();
    (s.labels ?? []).forEach((label, k) => html("option", { value: k }, this.classes, String(label)));
    if (chosen && chosen < (s.labels ?? []).length) this.classes.value = chosen;
    if (this.numbers && !this.target.value) this.target.value = short((this.range[0] + this.range[1]) / 2, 2).replace("−", "-");
    const held = p.held.filter(Boolean).length;
    const [a, b] = s.axis_names;
    this.svg.setAttribute("aria-label", `${this.n - held} training points and ${held} validation points over ${a} and ${b}, with the network's answer behind them`);
    this.which.hidden = this.mode !== "add" || Boolean(s.line);
    this.makeLegend();
    this.place(true);
  }

  makeLegend() {
    const s = this.s;
    const { classes, ink } = theme();
    this.legend.replaceChildren();
    const entry = (text, draw) => {
      const el = html("span", { class: "gn-entry" }, this.legend);
      if (draw) draw(svg("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, el));
      html("span", {}, el, text);
      return el;
    };
    if (!this.numbers) {
      (s.labels ?? []).forEach((label, k) =>
        entry(String(label), (parent) => svg("path", { d: shapePath(k, 8, 8, 5), fill: classes[k % 10] }, parent)),
      );
    }
    const circle = (fill, extra = {}) => (parent) => svg("circle", { cx: 8, cy: 8, r: 4.5, fill, stroke: ink, "stroke-width": 1.6, ...extra }, parent);
    if (this.n) entry("training", circle(ink));
    if (s.points.held.some(Boolean)) entry("validation", circle("none"));
    entry("current sample", (parent) => {
      circle(ink, { r: 2.5 })(parent);
      circle("none", { r: 6.5 })(parent);
    });
    if (s.line) {
      entry("the network's answer", (parent) => svg("line", { class: "gn-answer-line", x1: 0, y1: 8, x2: 16, y2: 8 }, parent));
      return;
    }
    const bar = html("span", { class: "gn-entry gn-wide" }, this.legend);
    const many = !this.numbers && s.labels.length > 2;
    const what = this.numbers ? `answer${s.standardised ? ", standardised" : ""}` : many ? "behind: the class answered, the fuller the surer" : `probability of ${s.labels[1] ?? "1"}`;
    html("span", {}, bar, what);
    if (!many) {
      this.barLow = words(html("span", { class: "gn-number" }, bar), "0");
      html("span", { class: "gn-ramp", "aria-hidden": "true" }, bar);
      this.barHigh = words(html("span", { class: "gn-number" }, bar), "1");
    }
  }

  // -------------------------------------------------------------- where things stand

  place(anew = false) {
    if (!this.s) return;
    const u = parseFloat(getComputedStyle(this.host).fontSize) / 16 || 1;
    const W = this.plot.clientWidth;
    // where the page is as high as the window, what stands below the picture is to be seen too
    const most = matchMedia("(min-width: 1200px)").matches ? Math.max(190 * u, 0.27 * innerHeight) : 560 * u;
    if (!W || (!anew && W === this.W && u === this.u && most === this.most)) return;
    Object.assign(this, { W, u, most });
    const long = Math.max(...this.upward().map(([, text]) => text.length));
    this.m = { left: Math.max(40, 12 + 7.2 * long) * u, right: 8 * u, top: 20 * u, bottom: 36 * u };
    this.side = Math.max(120, Math.min(W - this.m.left - this.m.right, most, 560 * u));
    this.H = this.side + this.m.top + this.m.bottom;
    this.plot.style.height = `${this.H}px`;
    for (const [name, value] of [["viewBox", `0 0 ${W} ${this.H}`], ["width", W], ["height", this.H]]) this.svg.setAttribute(name, value);
    this.mapContext = fit(this.mapCanvas, W, this.H);
    this.pointContext = fit(this.pointCanvas, W, this.H);
    const { left, top } = this.m;
    for (const [name, value] of [["x", left], ["y", top], ["width", this.side], ["height", this.side]]) this.window.setAttribute(name, value);
    this.drawAxes();
    this.redraw();
    this.drawPoints();
    this.stand(this.spot ?? 0, false);
  }

  drawAxes() {
    const { s, m, side, u } = this;
    this.axes.replaceChildren();
    const [[x0, x1], [y0, y1]] = s.range;
    svg("rect", { class: "gn-frame", x: m.left, y: m.top, width: side, height: side }, this.axes);
    const count = Math.max(3, Math.round(side / (80 * u)));
    const across = ticks(x0, x1, count);
    const texts = tickWords(across);
    const few = Math.max(...texts.map((t) => t.length)) > 9; // else long ones run into each other
    across.forEach((v, k) => {
      const x = this.sx(v);
      svg("line", { class: "gn-tick", x1: x, x2: x, y1: m.top + side, y2: m.top + side + 5 * u }, this.axes);
      svg("text", { class: "gn-number", x, y: m.top + side + 18 * u, "text-anchor": "middle" }, this.axes).textContent = few && k % (texts.length - 1) ? "" : texts[k];
    });
    this.upward().forEach(([v, text]) => {
      const y = this.sy(v);
      svg("line", { class: "gn-tick", x1: m.left - 5 * u, x2: m.left, y1: y, y2: y }, this.axes);
      svg("text", { class: "gn-number", x: m.left - 8 * u, y: y + 4 * u, "text-anchor": "end" }, this.axes).textContent = text;
    });
    const [a, b] = s.axis_names.map(String);
    const most = Math.floor(side / (7.5 * u));
    const cut = (t) => (t.length > most ? `${t.slice(0, most - 1)}…` : t);
    svg("text", { class: "gn-axis", x: m.left + side / 2, y: m.top + side + 32 * u, "text-anchor": "middle" }, this.axes).textContent = cut(a);
    svg("text", { class: "gn-axis", x: m.left, y: 13 * u, "text-anchor": "start" }, this.axes).textContent = cut(b);
  }

  // The numbers beside the picture.
  upward() {
    const [lo, hi] = this.s.range[1];
    const all = ticks(lo, hi, 4);
    const texts = tickWords(all);
    return all.map((v, k) => [v, texts[k]]);
  }

  sx(v) {
    const [lo, hi] = this.s.range[0];
    return this.m.left + this.side * share(v, lo, hi);
  }
  sy(v) {
    const [lo, hi] = this.s.range[1];
    return this.m.top + this.side * (1 - share(v, lo, hi));
  }
  // from the screen to the data, never outside the picture
  data(x, y) {
    const within = (t) => Math.max(0, Math.min(1, t));
    const [[x0, x1], [y0, y1]] = this.s.range;
    const value = (t, lo, hi) => {
      const v = (1 - within(t)) * lo + within(t) * hi;
      const digits = 3 - Math.floor(Math.log10(hi - lo || 1));
      return digits > 100 ? v : Number(v.toFixed(Math.max(0, digits)));
    };
    return [value((x - this.m.left) / this.side, x0, x1), value((this.m.top + this.side - y) / this.side, y0, y1)];
  }
  // a point outside the range stands at the edge
  spotOf(i) {
    const { m, side } = this;
    const x = Math.max(m.left, Math.min(m.left + side, this.sx(this.px[i])));
    const y = Math.max(m.top, Math.min(m.top + side, this.sy(this.py[i])));
    return [x, y];
  }
  outside(i) {
    const [[x0, x1], [y0, y1]] = this.s.range;
    return this.px[i] < x0 || this.px[i] > x1 || this.py[i] < y0 || this.py[i] > y1;
  }

  // -------------------------------------------------------------- a frame

  frame(f) {
    this.pace.push(f);
  }

  redraw() {
    if (this.f) this.draw(this.f);
  }

  draw(f) {
    this.f = f;
    if (!this.s || !this.mapContext) return;
    if (this.s.line) this.drawLine(f);
    else this.drawMap(f);
    const current = this.rows.get(`${f.sample?.held ? 1 : 0} ${f.sample?.row}`);
    if (current !== this.current) {
      this.current = current;
      this.drawPoints();
    }
  }

  drawMap(f) {
    const { m, side, mapContext: pen, picture, s } = this;
    const { ramp, shades } = theme();
    set(this.answers, "d", "");
    pen.clearRect(0, 0, this.W, this.H);
    if (!f.map && !f.classes) return;
    const map = f.map ? bytes(f.map) : null;
    const cells = s.grid ** 2;
    if (f.classes) {
      const classes = bytes(f.classes);
      const sure = map && s.labels.length > 2;
      for (let i = 0; i < cells; i++) picture.pixels[i] = shades[classes[i] % 10][sure ? map[i] : 150];
    } else {
      const [lo, hi] = f.map_range ?? [0, 1];
      const table = this.numbers ? this.tableFor(lo, hi) : null;
      for (let i = 0; i < cells; i++) picture.pixels[i] = ramp[table ? table[map[i]] : map[i]];
      if (this.numbers) {
        this.barLow?.(short(lo, 2));
        this.barHigh?.(short(hi, 2));
      }
    }
    picture.show(pen, m.left, m.top, side);
  }

  tableFor(lo, hi) {
    const key = `${lo} ${hi}`;
    if (this.tableKey !== key) {
      this.tableKey = key;
      this.numberTable = finite(lo) && finite(hi) ? aroundCentre(lo, hi, (lo + hi) / 2) : new Uint8Array(256).fill(128);
    }
    return this.numberTable;
  }

  drawLine(f) {
    const { m, side } = this;
    this.mapContext.clearRect(0, 0, this.W, this.H);
    const line = f.line ?? [];
    const n = line.length;
    const far = side; // far outside is drawn as just outside, where the window cuts it
    const points = line.map((v, k) => [
      (side * (k + 0.5)) / n,
      finite(v) ? Math.max(-far, Math.min(side + far, this.sy(v) - m.top)) : null,
    ]);
    set(this.answers, "d", segmentPath(points));
  }

  drawPoints() {
    if (!this.pointContext) return;
    const { pointContext: pen, s, u } = this;
    const { classes, halo, ink, ramp } = theme();
    const r = (this.n > 800 ? 2.8 : this.n > 300 ? 3.8 : 4.8) * u;
    this.r = r;
    pen.clearRect(0, 0, this.W, this.H);
    const order = [...s.points.held.keys()].sort((a, b) => s.points.held[b] - s.points.held[a]); // training on top
    for (const i of order) {
      const [x, y] = this.spotOf(i);
      const c = s.points.c[i];
      const shape = this.numbers || !finite(c) ? 0 : c;
      let colour = ink;
      if (!this.numbers && finite(c)) colour = classes[c % 10];
      else if (!s.line && finite(c)) colour = css(ramp[aroundByte(c, this.range)]);
      pen.globalAlpha = this.outside(i) ? 0.45 : 1;
      trace(pen, shape, x, y, r);
      pen.lineJoin = "round";
      if (s.points.held[i]) {
        pen.lineWidth = 4 * u;
        pen.strokeStyle = halo;
        pen.stroke();
        pen.fillStyle = halo;
        if (this.numbers && !s.line) pen.fillStyle = colour;
        pen.fill();
        pen.lineWidth = 2 * u;
        pen.strokeStyle = this.numbers ? ink : colour;
        pen.stroke();
        if (this.numbers && !s.line) dot(pen, x, y, r * 0.45, halo);
      } else {
        pen.lineWidth = 2 * u;
        pen.strokeStyle = this.numbers && !s.line ? ink : halo;
        pen.stroke();
        pen.fillStyle = colour;
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
    if (this.current !== undefined && this.current < this.n) {
      const [x, y] = this.spotOf(this.current);
      for (const [width, colour] of [[5, halo], [2.2, ink]]) {
        pen.beginPath();
        pen.arc(x, y, r + 5.5 * u, 0, 2 * Math.PI);
        pen.lineWidth = width * u;
        pen.strokeStyle = colour;
        pen.stroke();
      }
    }
  }

  // -------------------------------------------------------------- pointer

  position(e) {
    const frame = this.svg.getBoundingClientRect();
    return [e.clientX - frame.left, e.clientY - frame.top];
  }

  nearest(x, y, trainingOnly = false) {
    let [best, least] = [null, REACH];
    for (let i = 0; i < this.n; i++) {
      if (trainingOnly && this.s.points.held[i]) continue;
      const [px, py] = this.spotOf(i);
      const d = Math.hypot(px - x, py - y);
      if (d < least) [best, least] = [i, d];
    }
    return best;
  }

  inside(x, y) {
    const { m, side } = this;
    return x >= m.left && x <= m.left + side && y >= m.top && y <= m.top + side;
  }

  down(e) {
    if (e.button !== 0 || !this.s) return;
    const [x, y] = this.position(e);
    this.pressed = [x, y];
    if (this.mode !== "move") return;
    const i = this.nearest(x, y, true);
    if (i === null) return;
    this.grab(i);
    this.svg.setPointerCapture(e.pointerId);
    e.preventDefault();
  }

  hover(e) {
    if (!this.s) return;
    const [x, y] = this.position(e);
    if (this.grabbed !== undefined && this.pressed) {
      this.drag(...this.data(x, y));
      this.tip.show(this.tellOf(this.grabbed), e.clientX, e.clientY);
      return;
    }
    const i = this.nearest(x, y, this.mode === "move" || this.mode === "delete");
    this.svg.style.cursor = this.mode === "add" ? "crosshair" : i === null ? "" : this.mode === "move" ? "grab" : "pointer";
    if (i !== null && this.mode !== "add") this.tip.show(this.tellOf(i), e.clientX, e.clientY);
    else if (this.inside(x, y)) this.tip.show(this.here(x, y), e.clientX, e.clientY);
    else this.tip.hide();
  }

  up(e) {
    if (!this.pressed) return;
    const [x, y] = this.position(e);
    this.pressed = null;
    if (this.mode === "move") {
      if (this.grabbed !== undefined) this.drop();
      return;
    }
    if (this.mode === "add") {
      if (this.inside(x, y)) this.add(...this.data(x, y));
      return;
    }
    const i = this.nearest(x, y, this.mode === "delete");
    if (i === null) return;
    this.spot = i;
    if (this.mode === "delete") this.remove(i);
    else this.pick(i);
  }

  // -------------------------------------------------------------- what one can do

  pick(i) {
    this.emit("sample", { row: this.s.points.row[i], held: this.s.points.held[i] ? 1 : 0 });
  }
  add(x, y) {
    const c = this.s.line ? y : this.numbers ? Number(this.target.value) : Number(this.classes.value);
    this.emit("point", { op: "add", x, y, c: finite(c) ? c : 0 });
  }
  remove(i) {
    if (this.s.points.held[i]) {
      this.voice("Only training points can be deleted");
      return;
    }
    this.emit("point", { op: "delete", row: this.s.points.row[i] });
  }
  grab(i) {
    this.grabbed = i;
    this.before = [this.px[i], this.py[i]];
  }
  drag(x, y) {
    [this.px[this.grabbed], this.py[this.grabbed]] = [x, y];
    this.drawPoints();
    this.stand(this.grabbed, false);
  }
  drop() {
    const i = this.grabbed;
    this.grabbed = undefined;
    const [x, y] = [this.px[i], this.py[i]];
    if (x === this.before[0] && y === this.before[1]) return;
    this.emit("point", { op: "move", row: this.s.points.row[i], x, y });
  }
  letGo() {
    this.pressed = null;
    if (this.grabbed === undefined) return;
    const i = this.grabbed;
    this.grabbed = undefined;
    [this.px[i], this.py[i]] = this.before;
    this.drawPoints();
  }

  // -------------------------------------------------------------- keys

  // The one focusable thing stands on a point and walks from point to point.
  stand(i, speak = true) {
    if (!this.s || !this.m) return;
    if (this.mode === "add") return this.place2(...(this.cross ?? [0.5, 0.5]));
    if (!this.n) return;
    this.spot = Math.max(0, Math.min(this.n - 1, i));
    const [x, y] = this.spotOf(this.spot);
    this.proxy.setAttribute("transform", `translate(${x},${y})`);
    const lines = this.tellOf(this.spot);
    const what = { look: "Enter makes it the current sample, Delete deletes it", move: this.grabbed === undefined ? "Enter takes it, then arrows move it" : "arrows move it, Enter drops it", delete: "Enter or Delete deletes it" }[this.mode];
    set(this.proxy, "aria-label", `${lines.join(", ")}; ${what}`);
    if (speak) this.voice(lines.join(", "));
    if (document.activeElement === this.proxy && this.proxy.matches(":focus-visible")) {
      const r = this.proxyRing.getBoundingClientRect();
      this.tip.show(lines, r.right, r.top + r.height / 2);
    }
  }

  place2(a, b) {
    if (!this.m || !this.s) return;
    this.cross = [Math.max(0, Math.min(1, a)), Math.max(0, Math.min(1, b))];
    const x = this.m.left + this.cross[0] * this.side;
    const y = this.m.top + (1 - this.cross[1]) * this.side;
    this.proxy.setAttribute("transform", `translate(${x},${y})`);
    const [dx, dy] = this.data(x, y);
    set(this.proxy, "aria-label", `${this.s.axis_names[0]} ${short(dx)}, ${this.s.axis_names[1]} ${short(dy)}; arrows move the cross, Enter adds a point`);
    return [dx, dy];
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.s) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const by = arrows[e.key];
    const step = e.shiftKey ? 0.1 : 0.02;
    if (by && this.mode === "add") this.place2(this.cross[0] + by[0] * step, this.cross[1] + by[1] * step);
    else if (by && this.grabbed !== undefined) {
      const [x, y] = this.spotOf(this.grabbed);
      this.drag(...this.data(x + by[0] * step * this.side, y - by[1] * step * this.side));
    } else if (by) this.stand(this.spot + (by[0] || -by[1]));
    else if (e.key === "Home") this.stand(0);
    else if (e.key === "End") this.stand(this.n - 1);
    else if (e.key === "Delete" || e.key === "Backspace") this.remove(this.spot);
    else if (e.key === "Escape") {
      this.tip.hide();
      if (this.grabbed === undefined) return;
      this.letGo();
      this.stand(this.spot);
    } else if (e.key === "Enter" || e.key === " ") this.enter();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  enter() {
    if (this.mode === "add") this.add(...this.place2(...this.cross));
    else if (!this.n) return;
    else if (this.mode === "look") this.pick(this.spot);
    else if (this.mode === "delete") this.remove(this.spot);
    else if (this.grabbed !== undefined) {
      this.drop();
      this.stand(this.spot);
    }
    else if (this.s.points.held[this.spot]) this.voice("Only training points can be moved");
    else {
      this.grab(this.spot);
      this.stand(this.spot);
    }
  }

  // -------------------------------------------------------------- words

  tellOf(i) {
    const { s } = this;
    const p = s.points;
    const lines = [`${p.held[i] ? "validation" : "training"} sample ${p.row[i] + 1}`];
    lines.push(`${s.axis_names[0]} = ${full(this.px[i])}`, `${s.axis_names[1]} = ${full(this.py[i])}`);
    if (!this.numbers) lines.push(String(s.labels?.[p.c[i]] ?? p.c[i]));
    else if (!s.line) lines.push(`target ${full(p.c[i])}`);
    if (this.outside(i)) lines.push("outside the picture, drawn at its edge");
    return lines;
  }

  // What the map says under the pointer: a byte knows 256 answers, so it is said as 'about'.
  here(x, y) {
    const { s, f, m, side } = this;
    const [dx, dy] = this.data(x, y);
    const lines = [`${s.axis_names[0]} ${short(dx)}, ${s.axis_names[1]} ${short(dy)}`];
    const cell = (t) => Math.max(0, Math.min(s.grid - 1, Math.floor((t * s.grid) / side)));
    const at = cell(y - m.top) * s.grid + cell(x - m.left);
    if (s.line) {
      const v = f?.line?.[cell(x - m.left)];
      if (v !== undefined) lines.push(`answer about ${short(v)}`);
      return lines;
    }
    if (f?.classes) lines.push(`answer: ${s.labels?.[bytes(f.classes)[at]] ?? ""}`);
    if (f?.map) {
      const [lo, hi] = f.map_range ?? [0, 1];
      lines.push(`${f.classes ? "sure" : "answer"}: about ${short(lo + ((hi - lo) * bytes(f.map)[at]) / 255, 2)}`);
    }
    return lines;
  }
}

const css = (packed) => `rgb(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255})`;

const aroundByte = (v, [lo, hi]) => Math.max(0, Math.min(255, Math.round((255 * (v - lo)) / (hi - lo || 1))));

function dot(pen, x, y, r, colour) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
}

export default component("gn-data", ["sample", "point"], DataDrawing);
