// The loss curve, which is also the slider of time: the line at the shown epoch can be dragged.

import { Pace, Tooltip, component, finite, full, html, segmentPath, set, short, svg, throttled, tickWords, ticks, words } from "glassnet-ink";

const EMPTY = "No epoch trained yet. Press Next or Play: every epoch becomes a point here, and a click on it brings you back to it.";

class Curve {
  constructor(host, emit) {
    this.host = host;
    this.emit = emit;
    this.legend = html("div", { class: "gn-legend" }, host);
    this.plot = html("div", { class: "gn-plot" }, host);
    this.slider = html("input", { type: "range", class: "gn-slider", min: 0, max: 0, step: 1, "aria-label": "shown epoch" }, this.plot);
    this.svg = svg("svg", { class: "gn-svg", "aria-hidden": "true" }, this.plot);
    this.grid = svg("g", { class: "gn-axes" }, this.svg);
    this.pins = svg("g", {}, this.svg);
    this.future = svg("rect", { class: "gn-future" }, this.svg);
    this.val = svg("path", { class: "gn-curve gn-curve-val" }, this.svg);
    this.loss = svg("path", { class: "gn-curve gn-curve-loss" }, this.svg);
    this.guide = svg("line", { class: "gn-guide" }, this.svg);
    this.cursor = svg("g", { class: "gn-cursor" }, this.svg);
    this.cursorLine = svg("line", {}, this.cursor);
    this.dots = ["loss", "val"].map((name) => svg("circle", { class: `gn-dot gn-dot-${name}` }, this.cursor));
    this.grip = svg("path", { class: "gn-grip" }, this.cursor);
    this.empty = html("p", { class: "gn-empty" }, this.plot, EMPTY);
    this.tip = new Tooltip(host);
    this.pace = new Pace((frame) => this.draw(frame));
    this.makeLegend([]);
    this.go = throttled((epoch) => emit("epoch", { epoch }), 60);
    this.sizes = new ResizeObserver(() => this.place());
    this.sizes.observe(this.plot);
    this.plot.addEventListener("pointerdown", (e) => this.down(e));
    this.plot.addEventListener("pointermove", (e) => this.hover(e));
    this.plot.addEventListener("pointerup", (e) => this.up(e));
    this.plot.addEventListener("pointercancel", (e) => this.up(e));
    this.plot.addEventListener("pointerleave", () => this.unhover());
    this.slider.addEventListener("input", () => this.to(Number(this.slider.value)));
    for (const name of ["focus", "blur"]) this.slider.addEventListener(name, () => this.record());
    this.slider.addEventListener("keydown", (e) => {
      if (/^(Arrow|Page|Home|End)/.test(e.key)) e.stopPropagation(); // the slider's own, not the page's
    });
  }

  end() {
    this.pace.end();
    this.sizes.disconnect();
  }

  makeLegend(pins) {
    const key = JSON.stringify(pins);
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren();
    const entry = (name, text) => {
      const el = html("span", { class: "gn-entry" }, this.legend);
      const mark = svg("svg", { width: 26, height: 16, viewBox: "0 0 26 16", "aria-hidden": "true" }, el);
      svg("path", { class: `gn-curve gn-curve-${name}`, d: "M1,8H25" }, mark);
      const write = words(html("span", {}, el), text);
      return { el, write, number: words(html("strong", { class: "gn-number" }, el)) };
    };
    this.entries = [entry("loss", ""), entry("val", "")];
    this.record();
    pins.forEach((name, k) => entry(`pin gn-pin-${k % 4}`, `pinned: ${name}`));
    this.shape = words(html("span", { class: "gn-entry gn-quiet" }, this.legend));
  }

  place() {
    const u = parseFloat(getComputedStyle(this.host).fontSize) / 16 || 1;
    const [W, H] = [this.plot.clientWidth, this.plot.clientHeight];
    if (!W || !H) return;
    Object.assign(this, { W, H, u });
    this.m = { left: 62 * u, right: 20 * u, top: 6 * u, bottom: 24 * u };
    for (const [name, value] of [["viewBox", `0 0 ${W} ${H}`], ["width", W], ["height", H]]) this.svg.setAttribute(name, value);
    Object.assign(this.slider.style, { left: `${this.m.left - 6}px`, right: `${this.m.right - 6}px` });
    this.axesKey = null;
    if (this.f) this.draw(this.f);
  }

  structure() {}

  frame(f) {
    this.pace.push(f);
  }

  draw(f) {
    this.f = f;
    if (!this.W) return;
    const c = f.curve ?? { x: [], loss: [], val: [], pins: [] };
    const pins = c.pins ?? [];
    this.makeLegend(pins.map((p) => String(p.name)));
    this.c = c;
    this.end_ = Math.max(f.end ?? 0, 0);
    const reach = Math.max(this.end_, ...pins.map((p) => p.x.at(-1) ?? 0), 1);
    this.pinned = pins.length > 0;
    this.scale(c, pins, reach);
    set(this.loss, "d", this.path(c.x, c.loss));
    set(this.val, "d", c.val ? this.path(c.x, c.val) : "");
    hide(this.entries[1].el, !finite(f.val) && !c.val?.some(finite));
    while (this.pins.children.length < pins.length) svg("path", {}, this.pins);
    [...this.pins.children].forEach((path, k) => {
      set(path, "class", `gn-curve gn-curve-pin gn-pin-${k % 4}`);
      set(path, "d", pins[k] ? this.path(pins[k].x, pins[k].loss) : "");
    });
    const none = this.end_ === 0 && !pins.length;
    hide(this.empty, !none);
    set(this.slider, "max", String(this.end_));
    this.shape(`${c.log ? "logarithmic" : "linear"} scale`);
    if (this.held !== undefined && f.epoch !== this.held) return; // still of before the jump
    if (!this.dragging) this.held = undefined;
    this.show(f.epoch ?? 0, f.loss, f.val);
  }

  // Round limits that hold for a while: the curve should not tremble as it grows.
  scale(c, pins, reach) {
    const all = [c.loss, c.val ?? [], ...pins.map((p) => p.loss)];
    if (!c.x.length) all.push([this.f.loss, this.f.val]);
    let [lo, hi] = [Infinity, -Infinity];
    for (const list of all) {
      for (const v of list) {
        if (!finite(v) || (c.log && v <= 0)) continue;
        if (v < lo) lo = v;
        if (v > hi) hi = v;
      }
    }
    if (!(hi >= lo)) [lo, hi] = c.log ? [0.1, 1] : [0, 1];
    let marks;
    if (c.log) {
      lo = 10 ** Math.floor(Math.log10(lo) + 1e-9);
      hi = 10 ** Math.ceil(Math.log10(hi) - 1e-9);
      if (hi <= lo) hi = lo * 10;
      const decades = Math.round(Math.log10(hi / lo));
      const each = Math.max(1, Math.ceil(decades / 5));
      marks = [];
      for (let d = 0; d <= decades; d += each) marks.push(Number((lo * 10 ** d).toPrecision(6)));
    } else {
      if (lo > 0) lo = 0;
      marks = ticks(lo, hi, 3);
      const step = marks.length > 1 ? marks[1] - marks[0] : hi - lo || 1;
      if (marks.at(-1) < hi) marks.push(Number((marks.at(-1) + step).toPrecision(12)));
      if (marks[0] > lo) marks.unshift(Number((marks[0] - step).toPrecision(12)));
      [lo, hi] = [Math.min(lo, marks[0]), Math.max(hi, marks.at(-1))];
      if (hi === lo) hi = lo + 1;
    }
    Object.assign(this, { lo, hi, reach, log: Boolean(c.log) });
    const key = `${lo} ${hi} ${reach} ${this.end_ > 0} ${c.log} ${this.W} ${this.H}`;
    if (key !== this.axesKey) {
      this.axesKey = key;
      this.drawAxes(marks);
    }
  }

  // Lines and numbers are taken again from frame to frame: only as many are made as ever seen.
  drawAxes(marks) {
    const { m, W, H, u } = this;
    const base = H - m.bottom;
    const wide = W - m.left - m.right;
    this.pool ??= [];
    let k = 0;
    const next = () => {
      this.pool[k] ??= {
        line: svg("line", {}, this.grid),
        text: svg("text", { class: "gn-number" }, this.grid),
      };
      const one = this.pool[k++];
      one.write ??= words(one.text);
      return one;
    };
    const texts = tickWords(marks);
    marks.forEach((v, k) => {
      const { line, text, write } = next();
      const y = this.sy(v);
      place(line, { display: null, class: v === marks[0] ? "gn-base" : "gn-rule", x1: m.left, x2: W - m.right, y1: y, y2: y });
      place(text, { display: null, x: m.left - 8 * u, y: y + 4 * u, "text-anchor": "end" });
      write(texts[k]);
    });
    const all = ticks(0, this.reach, Math.max(2, Math.floor(wide / (110 * u))));
    const whole = this.end_ || this.pinned ? all.filter((v) => Number.isInteger(v)) : [0];
    const epochs = tickWords(whole);
    whole.forEach((v, j) => {
      const { line, text, write } = next();
      const x = this.sx(v);
      place(line, { display: null, class: "gn-tick", x1: x, x2: x, y1: base, y2: base + 5 * u });
      place(text, { display: null, x, y: base + 20 * u, "text-anchor": "middle" });
      write(epochs[j]);
    });
    const name = next();
    set(name.line, "display", "none");
    place(name.text, { display: null, x: m.left - 8 * u - 6, y: base + 20 * u, "text-anchor": "end" });
    name.write("epoch");
    for (; k < this.pool.length; k++) for (const el of [this.pool[k].line, this.pool[k].text]) set(el, "display", "none");
  }

  sx(epoch) {
    return this.m.left + ((this.W - this.m.left - this.m.right) * epoch) / (this.reach || 1);
  }
  sy(v) {
    const { m, H } = this;
    const t = this.log ? Math.log(v / this.lo) / Math.log(this.hi / this.lo) : (v - this.lo) / (this.hi - this.lo);
    return H - m.bottom - (H - m.bottom - m.top) * Math.max(-0.1, Math.min(1.1, t));
  }
  path(xs, ys) {
    return segmentPath(xs.map((x, k) => [this.sx(x), finite(ys[k]) && (!this.log || ys[k] > 0) ? this.sy(ys[k]) : null]));
  }

  // The cursor and the slider; loss and val are of the state at the end of the epoch.
  show(epoch, loss, val) {
    const { m, H, u } = this;
    const x = this.sx(Math.min(epoch, this.reach));
    const base = H - m.bottom;
    place(this.cursorLine, { x1: x, x2: x, y1: m.top, y2: base });
    set(this.grip, "d", `M${x.toFixed(1)},${base - u}l${8 * u},${10 * u}h${-16 * u}z`);
    const k = this.near(epoch);
    const then = this.c?.x[k] === epoch ? this.c.loss[k] : undefined;
    [loss ?? then, val].forEach((v, k) => {
      const seen = finite(v) && (!this.log || v > 0);
      set(this.dots[k], "display", seen ? null : "none");
      if (seen) place(this.dots[k], { cx: x, cy: this.sy(v), r: 4.5 * u });
    });
    this.shown = epoch;
    if (this.slider.value !== String(epoch)) this.slider.value = epoch;
    const during = then === undefined ? "" : `, ${short(then)} during the epoch`;
    const after = loss === undefined ? "" : ` ${short(loss)} at its end`;
    const held = finite(val) ? `, validation ${short(val)}` : "";
    set(this.slider, "aria-valuetext", `epoch ${epoch}, loss${`${after}${during}`.replace(/^,/, "")}${held}`);
    this.record();
    place(this.future, { x, y: m.top, width: Math.max(0, this.sx(this.end_) - x), height: base - m.top });
  }

  // What was recorded of the epoch that is pointed at: at rest the numbers of now, elsewhere, do.
  record() {
    const epoch = this.held ?? this.pointed ?? (this.slider.matches(":focus-visible") ? this.shown : undefined);
    const k = this.near(epoch ?? 0);
    const x = epoch ? this.c?.x[k] : undefined;
    const [loss, val] = this.entries;
    loss.write(x ? `training loss during epoch ${x}` : "training loss, measured during each epoch");
    val.write(x ? "validation loss after it" : "validation loss, after it");
    loss.number(x ? short(this.c.loss[k], 4) : "");
    val.number(x && finite(this.c.val?.[k]) ? short(this.c.val[k], 4) : "");
  }

  // -------------------------------------------------------------- going in time

  at(e) {
    const x = e.clientX - this.plot.getBoundingClientRect().left;
    const t = (x - this.m.left) / (this.W - this.m.left - this.m.right);
    return Math.max(0, Math.min(this.end_, Math.round(t * this.reach)));
  }

  // The known point of the curve nearest to an epoch.
  near(epoch) {
    const xs = this.c?.x ?? [];
    let [a, b] = [0, xs.length - 1];
    while (b - a > 1) {
      const middle = (a + b) >> 1;
      if (xs[middle] > epoch) b = middle;
      else a = middle;
    }
    return xs.length && Math.abs(xs[b] - epoch) < Math.abs(xs[a] - epoch) ? b : a;
  }

  to(epoch) {
    const k = this.near(epoch);
    this.held = epoch; // frames still on their way show another epoch: they wait
    clearTimeout(this.release);
    this.release = setTimeout(() => {
      if (!this.dragging) this.letGo();
    }, 400);
    this.show(epoch, undefined, this.c?.x[k] === epoch ? this.c.val?.[k] : undefined);
    this.go(epoch);
  }

  letGo() {
    this.held = undefined;
    if (this.f) this.show(this.f.epoch ?? 0, this.f.loss, this.f.val);
  }

  down(e) {
    if (e.button !== 0 || !this.f || !this.end_) return;
    this.dragging = true;
    this.plot.setPointerCapture(e.pointerId);
    e.preventDefault();
    this.slider.focus({ preventScroll: true });
    this.to(this.at(e));
  }

  hover(e) {
    if (!this.f || !this.c?.x.length) return;
    const epoch = this.at(e);
    if (this.dragging && epoch !== this.held) this.to(epoch);
    const k = this.near(epoch);
    const x = this.sx(this.c.x[k]);
    this.guide.style.display = "";
    place(this.guide, { x1: x, x2: x, y1: this.m.top, y2: this.H - this.m.bottom });
    this.pointed = this.c.x[k];
    this.record();
    const lines = [`epoch ${this.c.x[k]}`, `training loss during it ${full(this.c.loss[k])}`];
    if (finite(this.c.val?.[k])) lines.push(`validation loss after it ${full(this.c.val[k])}`);
    this.tip.show(lines, e.clientX, e.clientY);
  }

  unhover() {
    this.pointed = undefined;
    this.record();
    this.guide.style.display = "none";
    this.tip.hide();
  }

  up() {
    if (!this.dragging) return;
    this.dragging = false;
    clearTimeout(this.release);
    this.release = setTimeout(() => this.letGo(), 400);
  }
}

function hide(el, hidden) {
  if (el.hidden !== hidden) el.hidden = hidden;
}

function place(el, attributes) {
  for (const [name, value] of Object.entries(attributes)) set(el, name, typeof value === "number" ? value.toFixed(1) : value);
}

export default component("gn-curve-view", ["epoch"], Curve);
