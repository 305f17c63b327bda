// The network: neurons as small maps of what they answer, biases as nodes, links by thickness,
// colour and dashes. Nodes are made once for a structure; a frame only changes attributes.

import { Pace, Picture, Tooltip, aroundCentre, bytes, calm, component, finite, fit, full, html, onTheme, roundUp, set, short, svg, theme, tick, words } from "glassnet-ink";

const PHASES = {
  ready: ["Ready", "the next step is the forward pass"],
  forward: ["Forward", "left to right, each layer makes z, then a"],
  loss: ["Loss", "the answer is compared with the one wanted"],
  backward: ["Backward", "right to left, how the loss hangs on each part"],
  update: ["Update", "every weight and bias takes its step"],
};
const REACH = 22; // px: a link is hit from this far away, the nearest one wins
const [DENSE, APART] = [32, 48]; // px from column to column: where they are less, the drawing scrolls with more

class Network {
  constructor(host, emit) {
    this.host = host;
    this.emit = emit;
    this.phase = html("p", { class: "gn-phase" }, host);
    this.phaseName = words(html("strong", {}, this.phase));
    this.phaseText = words(html("span", {}, this.phase));
    this.stage = html("div", { class: "gn-stage" }, host);
    this.below = svg("svg", { class: "gn-svg", "aria-hidden": "true" }, this.stage);
    this.canvas = html("canvas", { "aria-hidden": "true" }, this.stage);
    // Chromium gives a stop of the Tab key to what listens to focusin, unless it is told not to
    this.svg = svg("svg", { class: "gn-svg", role: "group", tabindex: -1 }, this.stage);
    this.legend = html("div", { class: "gn-legend" }, host);
    this.tip = new Tooltip(host);
    this.items = [];
    this.acknowledged = null;
    this.pace = new Pace(
      (frame) => this.draw(frame),
      (frame) => {
        if (frame.id === this.acknowledged) return;
        this.acknowledged = frame.id;
        emit("drawn", { id: frame.id });
      },
    );
    this.endTheme = onTheme(() => this.redraw());
    this.sizes = new ResizeObserver(() => this.place());
    this.sizes.observe(this.stage);
    this.svg.addEventListener("click", (e) => this.click(e));
    this.svg.addEventListener("pointermove", (e) => this.hover(e));
    this.svg.addEventListener("pointerleave", () => this.unhover());
    this.svg.addEventListener("keydown", (e) => this.key(e));
    this.svg.addEventListener("focusin", (e) => this.focused(e));
    this.svg.addEventListener("focusout", () => {
      this.focus = null;
      this.hush();
    });
  }

  end() {
    this.pace.end();
    this.sizes.disconnect();
    this.endTheme();
    clearTimeout(this.sweep);
    clearTimeout(this.speak);
  }

  // -------------------------------------------------------------- structure

  structure(s) {
    const before = this.focus && this.keyOf(this.focus);
    const said = this.said && { ...this.said, key: this.keyOf(this.said.item) };
    this.over = null;
    this.s = s;
    this.L = s.sizes.length - 1;
    this.svg.replaceChildren();
    this.below.replaceChildren();
    this.items = [];
    this.litKey = null;
    this.scaleOfWeights = 0;
    const group = (name) => svg("g", { class: name }, this.svg);
    const [wires, links, nodes, texts] = ["wires", "links", "nodes", "texts"].map(group);
    this.ring = svg("rect", { class: "gn-picked", rx: 6 }, nodes);
    this.pickedLink = svg("line", { class: "gn-picked-link" }, wires);
    this.columns = s.sizes.map((size, l) => this.column(l, nodes, texts));
    this.links = [];
    for (let l = 1; l <= this.L; l++) {
      const [from, to] = [this.columns[l - 1].neurons, this.columns[l].neurons];
      from.forEach((a, i) => to.forEach((b, j) => this.links.push(this.link(l, a, b, i * to.length + j, links))));
    }
    this.loss = this.item("loss", this.L + 1, 0, 0, nodes);
    this.loss.box = svg("circle", { class: "gn-loss-box" }, this.loss.el);
    svg("text", { class: "gn-loss-name", "text-anchor": "middle" }, this.loss.el).textContent = "L/N";
    this.loss.text = svg("text", { class: "gn-value", "text-anchor": "middle" }, this.loss.el);
    this.loss.write = words(this.loss.text);
    this.loss.title = svg("text", { class: "gn-title", "text-anchor": "middle" }, texts);
    this.loss.title.textContent = "mean loss";
    this.lossWires = this.columns[this.L].neurons.map(() => svg("line", { class: "gn-wire" }, wires));
    this.columns.push({ neurons: [], list: [this.loss] });
    this.svg.setAttribute("aria-label", this.sentence());
    this.makeLegend();
    this.rove(this.items.find((item) => this.keyOf(item) === before) ?? this.columns[0].list[0], before);
    this.pictures = s.shown.map((shown) => shown.map(() => new Picture(s.cells)));
    if (said) { // what was told of is another thing now, or gone
      const item = this.items.find((one) => this.keyOf(one) === said.key);
      this.said = item ? { item, x: said.x, y: said.y } : null;
      if (!item) this.hush();
    }
    this.place();
    if (this.f?.W?.length === this.L) this.items.forEach((item) => this.label(item));
  }

  sentence() {
    return (
      `Network with ${this.s.sizes.join("-")} neurons. Arrow keys move over the neurons, ` +
      "B goes to a neuron's bias, W to its weights, Enter opens, Escape lets go."
    );
  }

  name(l, k) {
    const names = this.s.names[l] ?? [];
    const all = names.length === this.s.sizes[l];
    return String((all ? names[this.s.shown[l][k]] : names[k]) ?? "");
  }

  who(l, k) {
    if (l === 0) return `input ${this.name(0, k)}`;
    if (l === this.L) return `output ${this.name(l, k)}`;
    const unit = this.s.shown[l][k] + 1;
    return this.L === 2 ? `hidden neuron ${unit}` : `neuron ${unit} of hidden layer ${l}`;
  }

  item(kind, layer, unit, source, parent) {
    const el = svg("g", { class: `gn-item gn-${kind}`, role: "button", tabindex: -1, "data-kind": kind, "data-layer": layer, "data-unit": unit, "data-source": source }, parent);
    const item = { kind, layer, unit, source, el, label: kind };
    el.item = item;
    this.items.push(item);
    return item;
  }

  column(l, nodes, texts) {
    const s = this.s;
    const c = { l, neurons: [], list: [] };
    c.band = svg("rect", { class: "gn-band", rx: 8 }, this.below);
    c.title = svg("text", { class: "gn-title", "text-anchor": "middle" }, texts);
    c.name = s.layers?.[l] ?? `layer ${l}`;
    c.writeTitle = words(c.title);
    s.shown[l].forEach((unit, k) => {
      const item = this.item(l === 0 ? "input" : "neuron", l, unit, 0, nodes);
      Object.assign(item, { k, inputs: [], x: 0, y: 0 });
      item.halo = svg("rect", { class: "gn-focus", rx: 8 }, item.el);
      item.box = svg("rect", { class: "gn-box", rx: 4 }, item.el);
      item.text = svg("text", { class: "gn-value" }, item.el);
      item.write = words(item.text);
      if (l === 0 || l === this.L) {
        item.tag = svg("text", { class: "gn-name" }, item.el);
        item.writeTag = words(item.tag);
      }
      if (l > 0 && s.bias) {
        const bias = this.item("bias", l, unit, 0, nodes);
        bias.wire = svg("line", { class: "gn-link" }, bias.el);
        bias.halo = svg("circle", { class: "gn-focus" }, bias.el);
        bias.hit = svg("circle", { class: "gn-hit" }, bias.el);
        bias.box = svg("circle", { class: "gn-bias-box" }, bias.el);
        bias.text = svg("text", { class: "gn-bias-name", "text-anchor": "middle" }, bias.el);
        bias.text.textContent = "b";
        Object.assign(bias, { k, neuron: item });
        item.bias = bias;
      }
      c.neurons.push(item);
      c.list.push(item);
    });
    if (s.elided[l] > 0) {
      const more = this.item("layer", l, 0, 0, nodes);
      more.halo = svg("rect", { class: "gn-focus", rx: 8 }, more.el);
      more.box = svg("rect", { class: "gn-more", rx: 4 }, more.el);
      more.text = svg("text", { class: "gn-value", "text-anchor": "middle" }, more.el);
      const what = l === 0 ? "inputs" : l === this.L ? "outputs" : `neurons of layer ${l}`;
      more.label = `${s.elided[l]} more ${what}, not drawn; Enter opens the table of all`;
      more.count = s.elided[l];
      set(more.el, "aria-label", more.label);
      c.more = more;
      c.list.push(more);
    }
    if (l > 0) {
      const foot = this.item("layer", l, 0, 0, nodes);
      foot.halo = svg("rect", { class: "gn-focus", rx: 6 }, foot.el);
      foot.hit = svg("rect", { class: "gn-hit" }, foot.el);
      foot.lines = [0, 1, 2].map((k) =>
        svg("text", { class: k ? "gn-formula" : "gn-activation", "text-anchor": "middle" }, foot.el),
      );
      foot.label = `${s.layers?.[l] ?? `layer ${l}`}: ${s.activations[l - 1]}, ${s.formulas?.[l - 1] ?? ""}`;
      set(foot.el, "aria-label", foot.label);
      c.foot = foot;
      c.list.push(foot);
    }
    return c;
  }

  link(l, a, b, at, parent) {
    const item = this.item("weight", l, b.unit, a.unit, parent);
    item.hit = svg("polygon", { class: "gn-link-hit" }, item.el);
    item.halo = svg("line", { class: "gn-focus gn-focus-link" }, item.el);
    item.line = svg("line", { class: "gn-link" }, item.el);
    Object.assign(item, { from: a, to: b, at });
    b.inputs.push(item);
    return item;
  }

  // -------------------------------------------------------------- where things stand

  place() {
    if (!this.s) return;
    const s = this.s;
    const u = parseFloat(getComputedStyle(this.host).fontSize) / 16 || 1;
    const rows = Math.max(...this.columns.slice(0, -1).map((c) => c.neurons.length + (c.more ? 1 : 0)));
    const [top, bottom] = [28 * u, 54 * u];
    const least = Math.round(rows * 30 * u + top + bottom);
    if (this.least !== least) {
      this.least = least; // and more of it where the window is high
      this.stage.style.minHeight = `max(${least}px, min(42vh, ${rows * 64 * u + top + bottom}px))`;
    }
    const seen = this.stage.clientWidth;
    if (!seen) return;
    const pen = html("canvas").getContext("2d");
    pen.font = `${13 * u}px ${getComputedStyle(this.host).fontFamily}`;
    const long = (l, most) => Math.min(most, Math.max(46 * u, ...s.shown[l].map((_, k) => pen.measureText(this.name(l, k)).width)));
    const nameIn = long(0, 0.16 * seen);
    const nameOut = long(this.L, 0.16 * seen);
    const beside = nameIn + nameOut + 100 * u;
    const dense = (seen - beside) / this.L < DENSE * u;
    const W = dense ? Math.round(beside + this.L * APART * u) : seen;
    this.stage.classList.toggle("gn-scrolls", dense);
    const H = Math.max(this.stage.clientHeight, least);
    for (const el of [this.svg, this.below]) {
      el.setAttribute("viewBox", `0 0 ${W} ${H}`);
      el.setAttribute("width", W);
      el.setAttribute("height", H);
    }
    this.width = W;
    this.height = H;
    this.context = fit(this.canvas, W, H);
    const pitch = Math.min((H - top - bottom) / rows, 84 * u);
    const roomy = pitch >= 50 * u; // else a neuron's number stands beside it, not below
    const across = W - nameIn - nameOut - 82 * u; // the links keep half of it
    const size = Math.max(10 * u, Math.min(pitch - (roomy ? 19 : 8) * u, 56 * u, (0.36 * W) / (this.L + 2), (0.55 * across) / (this.L + 0.55)));
    this.size = size;
    const left = nameIn + size / 2 + 12 * u;
    const right = W - 30 * u - nameOut - size / 2 - 40 * u;
    const step = (right - left) / this.L;
    this.thick = Math.max(2, Math.min(7, (step - size) / 12)); // of the thickest link, in px
    this.samples.forEach(([line, v]) => stroke(line, v, 1, this.thick));
    const say = (text, size) => {
      pen.font = `${size * u}px ${getComputedStyle(this.host).fontFamily}`;
      return pen.measureText(text).width;
    };
    // Narrow columns go without what would run into the next: numbers, formulas, then heads
    const wideFoot = Math.min(step * 0.98, 190 * u);
    const folded = s.activations.map((_, l) => {
      say("", 12);
      return fold(pen, (s.formulas?.[l] ?? "").replace(/\.$/, ""), wideFoot - 6, 2);
    });
    const formulas = folded.flat().every((line) => say(line, 12) <= wideFoot);
    const heads = Math.max(...this.columns.slice(0, -1).map((c) => say(c.name, 13))) + 8 * u <= step;
    const numbers = step >= (roomy ? 46 * u : 2 * size + 56 * u);
    this.columns.slice(0, -1).forEach((c) => {
      const short = c.l === 0 || c.l === this.L ? "" : `${c.l}`;
      c.writeTitle(heads ? c.name : say(short, 13) + 8 * u <= step ? short : "");
    });
    this.loss.title.style.display = heads ? "" : "none";
    this.numbersEntry.hidden = !numbers;
    say("", 13);
    this.columns.slice(0, -1).forEach((c, l) => {
      const x = left + l * step;
      const count = c.neurons.length + (c.more ? 1 : 0);
      const y0 = top + (H - top - bottom - count * pitch) / 2 + pitch / 2 - (roomy ? 6 * u : 0);
      const band = Math.min(step * 0.94, Math.max(size + 56 * u, 104 * u));
      box(c.band, x - band / 2, 4, band, H - 8);
      at(c.title, x, 20 * u);
      c.neurons.forEach((n, k) => {
        n.x = x;
        n.y = y0 + k * pitch;
        box(n.box, x - size / 2, n.y - size / 2, size, size);
        box(n.halo, x - size / 2 - 5, n.y - size / 2 - 5, size + 10, size + 10);
        if (n.tag) {
          const side = l === 0 ? -1 : 1;
          const edge = x + side * (size / 2 + 8 * u);
          for (const t of [n.tag, n.text]) t.setAttribute("text-anchor", l === 0 ? "end" : "start");
          at(n.tag, edge, n.y - 3 * u);
          at(n.text, edge, n.y + 13 * u);
          n.writeTag(cut(pen, this.name(l, k), l === 0 ? nameIn : nameOut));
        } else {
          n.text.setAttribute("text-anchor", roomy ? "middle" : "start");
          n.text.style.display = numbers ? "" : "none";
          if (roomy) at(n.text, x, n.y + size / 2 + 12 * u);
          else at(n.text, x + size / 2 + 5 * u, n.y + 4 * u);
        }
        if (n.bias) {
          const b = n.bias;
          const r = Math.min(8.5 * u, size * 0.24);
          b.x = x - size / 2 - (step < size + 2 * r + 18 * u ? 0 : r + 7 * u); // else on its map's corner
          b.y = n.y - size / 2 + r - 4 * u;
          for (const c2 of [b.halo, b.hit, b.box]) at(c2, b.x, b.y, "c");
          b.box.setAttribute("r", r);
          b.halo.setAttribute("r", r + 4);
          b.hit.setAttribute("r", Math.min(22 * u, pitch / 2));
          at(b.text, b.x, b.y + 3.8 * u);
          b.text.style.display = r < 4.4 * u ? "none" : "";
          segment(b.wire, b.x + r, b.y + r * 0.4, x - size / 2, n.y - size / 2 + r + 2 * u);
        }
      });
      if (c.more) {
        const y = y0 + c.neurons.length * pitch;
        const wide = Math.min(band, 84 * u);
        const count = c.more.count;
        c.more.text.textContent = [`… ${count} more`, `+${count}`].find((t) => say(t, 12) + 6 * u <= wide) ?? "…";
        say("", 13);
        Object.assign(c.more, { x, y });
        box(c.more.box, x - wide / 2, y - 14 * u, wide, 28 * u);
        box(c.more.halo, x - wide / 2 - 4, y - 18 * u, wide + 8, 36 * u);
        at(c.more.text, x, y + 4.5 * u);
      }
      if (c.foot) {
        Object.assign(c.foot, { x, y: H - bottom / 2 });
        const wide = Math.min(step * 0.98, 190 * u, 2 * (W - x));
        box(c.foot.hit, x - wide / 2, H - bottom, wide, bottom);
        box(c.foot.halo, x - wide / 2, H - bottom + 2, wide, bottom - 4);
        say("", 14);
        const activation = s.activations[l - 1] ?? "";
        const over = say(activation, 14) + 6 * u > wide; // the last one may go on to the right, others are cut
        const most = over && l === this.L ? W - x : wide - 6 * u;
        const told = cut(pen, activation, most);
        const lines = [told === activation || told.length > 4 ? told : "", ...(formulas ? folded[l - 1] : [])];
        c.foot.lines[0].setAttribute("text-anchor", over && l === this.L ? "start" : "middle");
        const first = H - bottom + 17 * u;
        c.foot.lines.forEach((t, k) => {
          t.textContent = lines[k] ?? "";
          at(t, !k && over && l === this.L ? x - step / 2 + 4 * u : x, first + k * 14.5 * u);
        });
        say("", 13);
      }
    });
    for (const k of this.links) {
      const { from, to } = k;
      const ends = [from.x + size / 2, from.y, to.x - size / 2, to.y];
      segment(k.line, ...ends);
      segment(k.halo, ...ends);
      k.hit.setAttribute("points", broad(...ends, 8));
    }
    const x = W - 28 * u;
    const out = this.columns[this.L].neurons;
    const y = out.reduce((sum, n) => sum + n.y, 0) / out.length;
    Object.assign(this.loss, { x, y });
    const [circle, letter] = [this.loss.box, this.loss.el.querySelector(".gn-loss-name")];
    at(circle, x, y, "c");
    circle.setAttribute("r", 15 * u);
    at(letter, x, y + 5 * u);
    at(this.loss.text, x, y + 31 * u);
    at(this.loss.title, x - 2, 20 * u);
    this.lossWires.forEach((line, k) => {
      const label = Math.max(pen.measureText(out[k].tag.textContent).width * 1.06, 36 * u);
      segment(line, out[k].x + size / 2 + label + 13 * u, out[k].y, x - 16 * u, y);
    });
    this.redraw();
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
    if (!this.s || !this.context || f.W?.length !== this.L) return; // of another network: a newer one is on its way
    this.drawMaps(f);
    this.drawLinks(f);
    for (const c of this.columns.slice(0, -1)) {
      for (const n of c.neurons) {
        n.value = f.a?.[c.l]?.[n.k];
        n.write(n.value === undefined ? "" : finite(n.value) ? short(n.value, 2) : "none");
      }
    }
    this.loss.value = f.loss;
    this.loss.write(finite(f.loss) ? short(f.loss, 3) : "none");
    this.drawPhase(f);
    this.drawPick(f);
    if (this.focus) this.label(this.focus);
    if (this.said) this.tell(this.said.item, this.said.x, this.said.y);
    // labels for screen readers: all of them once things stand still, at most twice a second
    this.speak ??= setTimeout(() => {
      this.speak = null;
      this.items.forEach((item) => this.label(item));
    }, f.playing ? 1000 : 60);
  }

  drawMaps(f) {
    const { ramp } = theme();
    const area = this.s.cells ** 2;
    const size = this.size;
    this.context.clearRect(0, 0, this.width, this.height);
    for (const c of this.columns.slice(0, -1)) {
      const packed = f.maps?.[c.l];
      if (!packed) continue;
      const all = bytes(packed);
      for (const n of c.neurons) {
        const picture = this.pictures[c.l][n.k];
        const [lo, hi] = f.scale?.[c.l]?.[n.k] ?? [-1, 1];
        const table = this.table(lo, hi, this.centre(c.l, lo, hi));
        const from = n.k * area;
        for (let i = 0; i < area; i++) picture.pixels[i] = ramp[table[all[from + i]]];
        picture.show(this.context, n.x - size / 2, n.y - size / 2, size);
      }
    }
  }

  // White is 0; for the one output that answers a probability, one half.
  centre(l, lo, hi) {
    return l === this.L && this.s.kind === "classes" && this.s.sizes[l] === 1 && lo >= 0 && hi <= 1 ? 0.5 : 0;
  }

  table(lo, hi, centre) {
    this.tables ??= new Map();
    const key = `${lo} ${hi} ${centre}`;
    let table = this.tables.get(key);
    if (!table) {
      if (this.tables.size > 200) this.tables.clear();
      table = finite(lo) && finite(hi) ? aroundCentre(lo, hi, centre) : new Uint8Array(256).fill(128);
      this.tables.set(key, table);
    }
    return table;
  }

  drawLinks(f) {
    let most = 0;
    for (const layer of f.W) for (const w of layer) if (finite(w) && Math.abs(w) > most) most = Math.abs(w);
    // grows at once, shrinks only when it is far too wide: thickness should not flicker
    if (most > this.scaleOfWeights || most < 0.35 * this.scaleOfWeights) {
      this.scaleOfWeights = roundUp(most);
      this.writeThick?.(`thickest: |w| = ${tick(this.scaleOfWeights)}`);
      // the legend may have got a line more or less
      if (Math.max(this.stage.clientHeight, this.least) !== this.height) this.place();
    }
    const scale = this.scaleOfWeights;
    for (const k of this.links) {
      k.value = f.W[k.layer - 1][k.at];
      stroke(k.line, k.value, scale, this.thick);
    }
    for (const c of this.columns.slice(1, -1)) {
      for (const n of c.neurons) {
        if (!n.bias) continue;
        n.bias.value = f.b?.[c.l - 1]?.[n.k];
        stroke(n.bias.wire, n.bias.value, scale, this.thick);
        set(n.bias.box, "data-sign", sign(n.bias.value));
      }
    }
  }

  // The part at work is lit; forward and backward the light goes through the layers one by one.
  drawPhase(f) {
    const playing = Boolean(f.playing);
    const phase = f.phase ?? (playing ? "playing" : "ready");
    const key = `${f.update} ${phase}`;
    if (key === this.litKey) return;
    this.litKey = key;
    clearTimeout(this.sweep);
    const [name, text] = phase === "playing" ? ["Training", "every epoch, all four steps"] : (PHASES[phase] ?? PHASES.ready);
    this.phaseName(`${name}: `);
    this.phaseText(text);
    this.phase.dataset.phase = phase;
    const order = [...Array(this.L + 1).keys()];
    if (phase === "backward") order.reverse().pop();
    if (phase === "loss") this.light([], { loss: true });
    else if (phase === "update") this.light(order.slice(1), { links: true });
    else if (phase !== "forward" && phase !== "backward") this.light([], {});
    else if (calm()) this.light(order, { links: true });
    else {
      const go = (n) => {
        this.light(order.slice(0, n), { links: true });
        if (n < order.length) this.sweep = setTimeout(() => go(n + 1), 260);
      };
      go(1);
    }
  }

  light(layers, { links = false, loss = false }) {
    for (const c of this.columns.slice(0, -1)) set(c.band, "data-lit", layers.includes(c.l) ? "yes" : null);
    for (const k of this.links) set(k.line, "data-lit", links && layers.includes(k.layer) ? "yes" : null);
    set(this.loss.box, "data-lit", loss ? "yes" : null);
    for (const w of this.lossWires) set(w, "data-lit", loss ? "yes" : null);
  }

  drawPick(f) {
    const p = f.pick ?? { kind: "none" };
    const picked = this.items.find((item) => same(item, p));
    if (this.picked !== picked) {
      if (this.picked) set(this.picked.el, "aria-pressed", "false");
      this.picked = picked;
      if (picked) set(picked.el, "aria-pressed", "true");
    }
    const ring = this.ring;
    set(ring, "display", picked && picked.kind !== "weight" ? null : "none");
    set(this.pickedLink, "display", picked?.kind === "weight" ? null : "none");
    if (!picked) return;
    if (picked.kind === "weight") {
      const { from, to } = picked;
      segment(this.pickedLink, from.x + this.size / 2, from.y, to.x - this.size / 2, to.y);
      set(this.pickedLink, "stroke-width", Number(picked.line.getAttribute("stroke-width")) + 7);
      return;
    }
    const b = picked.box ?? picked.hit;
    const pad = picked.kind === "layer" ? 0 : 4;
    const r = picked.kind === "bias" || picked.kind === "loss" ? Number(b.getAttribute("r")) : null;
    if (r !== null) box(ring, picked.x - r - pad, picked.y - r - pad, 2 * (r + pad), 2 * (r + pad));
    else box(ring, b.getAttribute("x") - pad, b.getAttribute("y") - pad, Number(b.getAttribute("width")) + 2 * pad, Number(b.getAttribute("height")) + 2 * pad);
    set(ring, "rx", r === null ? 7 : r + pad);
  }

  // -------------------------------------------------------------- words

  tellOf(item) {
    const v = item.value;
    switch (item.kind) {
      case "input":
        return [this.who(0, item.k), `x = ${full(v)}`];
      case "neuron": {
        const lines = [this.who(item.layer, item.k), `a = ${full(v)}`];
        if (item.bias) lines.push(`b = ${full(item.bias.value)}`);
        const [lo, hi] = this.f?.scale?.[item.layer]?.[item.k] ?? [];
        if (finite(lo)) lines.push(`map: ${short(lo)} to ${short(hi)}`);
        return lines;
      }
      case "bias":
        return [`bias of ${this.who(item.layer, item.k)}`, `b = ${full(v)}`];
      case "weight":
        return [`weight from ${this.who(item.layer - 1, item.from.k)} to ${this.who(item.layer, item.to.k)}`, `w = ${full(v)}`];
      case "loss":
        return ["mean loss of the training points", `L/N = ${full(v)}`];
      default:
        return [item.label];
    }
  }

  label(item) {
    const v = short(item.value);
    const text = {
      input: () => `${this.who(0, item.k)}, ${v}`,
      neuron: () => `${this.who(item.layer, item.k)}, answers ${v}`,
      bias: () => `bias of ${this.who(item.layer, item.k)}, ${v}`,
      weight: () => `weight from ${this.who(item.layer - 1, item.from.k)} to ${this.who(item.layer, item.to.k)}, ${v}`,
      loss: () => `mean loss, ${v}`,
    }[item.kind];
    if (text) set(item.el, "aria-label", text());
  }

  makeLegend() {
    this.legend.replaceChildren();
    this.samples = [];
    const entry = (draw, text) => {
      const el = html("span", { class: "gn-entry" }, this.legend);
      draw(svg("svg", { width: 34, height: 16, viewBox: "0 0 34 16", "aria-hidden": "true" }, el));
      return words(html("span", {}, el), text);
    };
    const line = (v) => (parent) => {
      const l = svg("line", { class: "gn-link" }, parent);
      segment(l, 2, 8, 32, 8);
      this.samples.push([l, v]);
    };
    entry(line(0.5), "weight above 0");
    entry(line(-0.5), "below 0");
    this.writeThick = entry(line(1), "thickest: |w| = 1");
    if (this.s.bias) {
      entry((parent) => {
        svg("circle", { class: "gn-bias-box", cx: 17, cy: 8, r: 7 }, parent);
        svg("text", { class: "gn-bias-name", x: 17, y: 11.5, "text-anchor": "middle" }, parent).textContent = "b";
      }, "bias");
    }
    const ramp = html("span", { class: "gn-entry" }, this.legend);
    html("span", {}, ramp, "−");
    html("span", { class: "gn-ramp", "aria-hidden": "true" }, ramp);
    const half = this.s.kind === "classes" && this.s.sizes[this.L] === 1;
    html("span", {}, ramp, `+ a neuron's answers over the data${half ? ", the output's from 0 to 1" : ""}`);
    this.numbersEntry = html("span", { class: "gn-entry" }, this.legend, "number: its answer for the current sample");
  }

  // -------------------------------------------------------------- pointer and keys

  // What lies under the pointer; of the links the nearest one, so that thin ones are easy to hit.
  under(e) {
    const item = e.target.closest?.(".gn-item")?.item;
    if (item && item.kind !== "weight") return item;
    const frame = this.svg.getBoundingClientRect();
    const [x, y] = [e.clientX - frame.left, e.clientY - frame.top];
    let [best, least] = [null, REACH];
    for (const k of this.links) {
      const d = distance(x, y, k.from.x + this.size / 2, k.from.y, k.to.x - this.size / 2, k.to.y);
      if (d < least) [best, least] = [k, d];
    }
    return best;
  }

  click(e) {
    const item = this.under(e);
    if (!item) return;
    this.rove(item, true);
    this.open(item);
  }

  open(item) {
    if (item === this.picked) this.emit("pick", { kind: "none", layer: 0, unit: 0, source: 0 });
    else this.emit("pick", { kind: item.kind, layer: item.kind === "loss" ? 0 : item.layer, unit: item.unit, source: item.source });
  }

  hover(e) {
    const item = this.under(e);
    this.svg.style.cursor = item ? "pointer" : "";
    if (this.over !== item) {
      if (this.over) set(this.over.el, "data-over", null);
      if (item) set(item.el, "data-over", "yes");
      this.over = item;
    }
    if (item) this.tell(item, e.clientX, e.clientY);
    else this.hush();
  }

  unhover() {
    if (this.over) set(this.over.el, "data-over", null);
    this.over = null;
    this.hush();
  }

  // An open tooltip tells the numbers of each new frame.
  tell(item, x, y) {
    this.said = { item, x, y };
    this.tip.show(this.tellOf(item), x, y);
  }

  hush() {
    this.said = null;
    this.tip.hide();
  }

  focused(e) {
    const item = e.target.closest?.(".gn-item")?.item;
    if (!item) return;
    this.focus = item;
    this.label(item);
    if (!e.target.matches(":focus-visible")) return;
    const r = (item.box ?? item.line ?? item.hit).getBoundingClientRect();
    this.tell(item, r.right - 10, r.top + r.height / 2);
  }

  keyOf(item) {
    return `${item.kind} ${item.layer} ${item.unit} ${item.source}`;
  }

  // One stop of the Tab key for the whole network; arrows go on from there.
  rove(item, focus = false) {
    if (this.stop) this.stop.el.setAttribute("tabindex", -1);
    this.stop = item;
    item.el.setAttribute("tabindex", 0);
    if (focus) item.el.focus({ preventScroll: false });
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const item = e.target.closest?.(".gn-item")?.item;
    if (!item) return;
    let next = null;
    const column = this.columns[item.layer];
    const spot = column?.list.indexOf(item) ?? -1;
    const beside = (c) => {
      const list = this.columns[c]?.list.filter((n) => n.kind !== "layer" || item.kind === "layer");
      return list?.reduce((best, n) => (best && Math.abs(best.y - item.y) <= Math.abs(n.y - item.y) ? best : n), null);
    };
    switch (e.key) {
      case "Enter":
      case " ":
        this.open(item);
        break;
      case "Escape":
        this.hush();
        if (!this.picked) return;
        this.emit("pick", { kind: "none", layer: 0, unit: 0, source: 0 });
        break;
      case "ArrowUp":
      case "ArrowDown": {
        const by = e.key === "ArrowUp" ? -1 : 1;
        if (item.kind === "weight") next = item.to.inputs[item.to.inputs.indexOf(item) + by];
        else if (item.kind === "bias") next = column.neurons[item.k + by]?.bias;
        else next = column.list[spot + by];
        break;
      }
      case "ArrowLeft":
        next = item.kind === "weight" ? item.from : item.kind === "bias" ? item.neuron : beside(item.layer - 1);
        break;
      case "ArrowRight":
        next = item.kind === "weight" ? item.to : item.kind === "bias" ? item.neuron : beside(item.layer + 1);
        break;
      case "Home":
        next = this.columns[0].list[0];
        break;
      case "End":
        next = this.loss;
        break;
      case "b":
      case "B":
        next = item.bias ?? item.to?.bias;
        break;
      case "w":
      case "W":
        next = (item.neuron ?? item).inputs?.[0];
        break;
      default:
        return; // the page's own keys
    }
    e.preventDefault();
    e.stopPropagation();
    if (next) this.rove(next, true);
  }
}

// ------------------------------------------------------------------ small geometry

function at(el, x, y, c = "") {
  set(el, `${c}x`, x);
  set(el, `${c}y`, y);
}

function box(el, x, y, width, height) {
  at(el, x, y);
  set(el, "width", width);
  set(el, "height", height);
}

function segment(el, x1, y1, x2, y2) {
  set(el, "x1", x1);
  set(el, "y1", y1);
  set(el, "x2", x2);
  set(el, "y2", y2);
}

// A line with a breadth, as a polygon: what can be hit.
function broad(x1, y1, x2, y2, r) {
  const long = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [nx, ny] = [(-(y2 - y1) * r) / long, ((x2 - x1) * r) / long];
  return `${x1 + nx},${y1 + ny} ${x2 + nx},${y2 + ny} ${x2 - nx},${y2 - ny} ${x1 - nx},${y1 - ny}`;
}

function distance(x, y, x1, y1, x2, y2) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const t = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
}

const sign = (v) => (!finite(v) ? "?" : v > 0 ? "+" : v < 0 ? "-" : "0");

// Thickness |w|, colour and dashes the sign.
function stroke(line, v, scale, thick) {
  const width = finite(v) ? 0.8 + (thick * Math.abs(v)) / scale : 1.5;
  set(line, "stroke-width", width.toFixed(2));
  const now = sign(v);
  set(line, "data-sign", now);
  set(line, "stroke-dasharray", now === "-" ? `${(4 + width).toFixed(1)} ${(2.5 + width * 0.5).toFixed(1)}` : now === "?" ? "1 4" : null);
}

function same(item, p) {
  if (item.kind !== p.kind) return false;
  if (item.kind === "loss") return true;
  if (item.kind === "layer") return item.layer === p.layer && !item.count;
  return item.layer === p.layer && item.unit === p.unit && (item.kind !== "weight" || item.source === p.source);
}

function cut(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let n = text.length;
  while (n > 1 && pen.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return `${text.slice(0, n).replace(/[\s(]+$/, "")}…`;
}

function fold(pen, text, width, most) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length > most) lines.splice(most - 1, Infinity, `${lines[most - 1]} …`);
  return lines;
}

export default component("gn-network", ["pick", "drawn"], Network);
