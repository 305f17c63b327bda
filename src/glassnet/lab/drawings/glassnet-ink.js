// What the three drawings share: colours, numbers as text, shapes, ticks, the tooltip.
// Names of columns and classes come from users' tables: they are only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

// ------------------------------------------------------------------ elements

export function svg(tag, attributes = {}, parent = null) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  parent?.append(el);
  return el;
}

export function html(tag, attributes = {}, parent = null, text = "") {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  if (text) el.textContent = text;
  parent?.append(el);
  return el;
}

// A text node, changed in place: a new child would wake every observer of the page.
export function words(el, text = "") {
  const node = document.createTextNode(text);
  el.replaceChildren(node);
  return (t) => {
    if (node.data !== t) node.data = t;
  };
}

// Set an attribute only where it changes: a frame mostly repeats the one before.
export function set(el, name, value) {
  const known = (el.known ??= {});
  if (known[name] === value) return;
  known[name] = value;
  if (value === null) el.removeAttribute(name);
  else el.setAttribute(name, value);
}

// ------------------------------------------------------------------ numbers

export const finite = (v) => typeof v === "number" && Number.isFinite(v);

// Every digit the number has; null stands for what is not finite.
export const full = (v) => (finite(v) ? String(v).replace("-", "−") : "not finite");

export function short(v, digits = 3) {
  if (!finite(v)) return "not finite";
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 1e5 || size < 1e-3) {
    const [m, e] = v.toExponential(1).split("e");
    return `${m.replace(/\.0$/, "")}e${Number(e)}`.replaceAll("-", "−");
  }
  const text = size >= 1000 ? v.toFixed(0) : v.toPrecision(digits);
  return text.replace("-", "−");
}

// Round steps of 1, 2 or 5 times a power of ten.
export function ticks(lo, hi, wanted = 5) {
  if (!(hi > lo)) return [lo];
  if (!finite(hi - lo)) return ticks(lo / 4, hi / 4, wanted).map((v) => 4 * v);
  const raw = (hi - lo) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.7);
  const first = Math.ceil(lo / step - 1e-9);
  const last = Math.floor(hi / step + 1e-9);
  const out = [];
  for (let k = first; k <= last; k++) out.push(Number((k * step).toPrecision(12)));
  return [...new Set(out)];
}

// How far v is from lo to hi, 0 to 1; halves, as hi − lo may be more than the largest number.
export const share = (v, lo, hi) => (v / 2 - lo / 2) / (hi / 2 - lo / 2 || 1);

export const tick = (v) => {
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 1e6 || size < 1e-4) return v.toExponential(0).replace("+", "").replaceAll("-", "−");
  if (size >= 1e4) return v.toLocaleString("en");
  return String(Number(v.toPrecision(6))).replace("-", "−");
};

// The words at some ticks: as few digits as say where each stands, to a hundredth of a step.
export function tickWords(values) {
  const near = values.length > 1 ? Math.abs(values[1] - values[0]) / 100 : 0;
  const read = (text) => Number(text.replaceAll("−", "-").replaceAll(",", ""));
  const apart = (texts) => texts.every((text, k) => Math.abs(read(text) - values[k]) <= near);
  let texts = values.map(tick);
  const large = values.some((v) => v && (Math.abs(v) >= 1e6 || Math.abs(v) < 1e-4));
  for (let digits = large ? 1 : 7; digits < 16 && !apart(texts); digits++) {
    texts = values.map((v) => {
      if (v === 0) return "0";
      return (large ? v.toExponential(digits) : String(Number(v.toPrecision(digits)))).replace("+", "").replaceAll("-", "−");
    });
  }
  return texts;
}

// The first of 1, 2, 5 times a power of ten that is not below v.
export function roundUp(v) {
  if (!(v > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= v * 0.9999);
}

export function bytes(base64) {
  const text = atob(base64 || "");
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

// ------------------------------------------------------------------ colours

// Ten classes that stay apart for colour-blind eyes; two classes are orange and blue.
const CLASSES = {
  light: ["#b8500a", "#14629f", "#2b8a7b", "#97358f", "#9a8412", "#3a93c9", "#7c1f4e", "#1d6b30", "#6b6b6b", "#6d4a26"],
  dark: ["#f59b4c", "#6fb4f0", "#5fcdb9", "#dd8ad4", "#e6d069", "#a5dcf7", "#e58ab1", "#86c98f", "#b9b9b9", "#cda77c"],
};
// orange, neutral, blue
const RAMP = {
  light: [[231, 141, 59], [250, 249, 246], [74, 139, 201]],
  dark: [[196, 108, 33], [34, 37, 42], [56, 122, 188]],
};

const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
const mix = (a, b, t) => a.map((v, k) => v + (b[k] - v) * t);
const pack = ([r, g, b]) => (255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r);

function diverging(name) {
  const [low, middle, high] = RAMP[name];
  const table = new Uint32Array(256);
  for (let u = 0; u < 256; u++) {
    const t = (u - 127.5) / 127.5;
    table[u] = pack(t < 0 ? mix(middle, low, -t) : mix(middle, high, t));
  }
  return table;
}

function confidence(name) {
  return CLASSES[name].map((hex) => {
    const table = new Uint32Array(256);
    for (let u = 0; u < 256; u++) {
      table[u] = pack(mix(RAMP[name][1], rgb(hex), 0.06 + (0.5 * u) / 255));
    }
    return table;
  });
}

const themes = {};
export function theme() {
  const name = isDark() ? "dark" : "light";
  themes[name] ??= {
    name,
    ramp: diverging(name), // 256 colours, orange through neutral to blue
    shades: confidence(name), // 256 for each class, pale to full
    classes: CLASSES[name],
    halo: name === "dark" ? "#15171a" : "#ffffff",
    ink: name === "dark" ? "#f0f0ee" : "#16181b",
  };
  return themes[name];
}

function isDark() {
  if (document.body.classList.contains("body--dark")) return true;
  if (document.body.classList.contains("body--light")) return false;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Canvases keep no CSS: they are drawn anew when light turns to dark.
export function onTheme(callback) {
  let name = theme().name;
  const look = () => {
    if (theme().name === name) return;
    name = theme().name;
    callback();
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", look);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", look);
  };
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// A byte of lo..hi to a byte of the ramp, whose middle (127.5) is the value `centre`.
export function aroundCentre(lo, hi, centre) {
  const reach = Math.max(Math.abs(hi - centre), Math.abs(lo - centre)) || 1;
  const table = new Uint8Array(256);
  for (let u = 0; u < 256; u++) {
    const v = lo + ((hi - lo) * u) / 255;
    table[u] = Math.round(127.5 + (127.5 * (v - centre)) / reach);
  }
  return table;
}

// One small picture, kept between frames and only ever written over.
export class Picture {
  constructor(cells) {
    this.cells = cells;
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = cells;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(cells, cells);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }
  show(context, x, y, width, height = width) {
    this.context.putImageData(this.image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.canvas, x, y, width, height);
  }
}

// A canvas as sharp as the screen is, measured in CSS pixels.
export function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.round(width * ratio);
  const h = Math.round(height * ratio);
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// ------------------------------------------------------------------ shapes of the classes

const polygon = (n, turn = -90) =>
  Array.from({ length: n }, (_, k) => {
    const at = ((turn + (360 * k) / n) * Math.PI) / 180;
    return [Math.cos(at), Math.sin(at)];
  });
const star = Array.from({ length: 10 }, (_, k) => {
  const at = ((-90 + 36 * k) * Math.PI) / 180;
  const r = k % 2 ? 0.5 : 1.2;
  return [r * Math.cos(at), r * Math.sin(at)];
});
const arm = 0.36;
const plus = [[-arm, -1], [arm, -1], [arm, -arm], [1, -arm], [1, arm], [arm, arm], [arm, 1], [-arm, 1], [-arm, arm], [-1, arm], [-1, -arm], [-arm, -arm]];
const turned = (points, degrees) => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return points.map(([x, y]) => [c * x - s * y, s * x + c * y]);
};
// circle, triangle, square, diamond, plus, star, triangle down, pentagon, cross, bar
const SHAPES = [
  null,
  polygon(3).map(([x, y]) => [1.2 * x, 1.2 * y + 0.15]),
  polygon(4, 45).map(([x, y]) => [1.25 * x, 1.25 * y]),
  polygon(4).map(([x, y]) => [1.2 * x, 1.2 * y]),
  plus.map(([x, y]) => [1.15 * x, 1.15 * y]),
  star,
  polygon(3, 90).map(([x, y]) => [1.2 * x, 1.2 * y - 0.15]),
  polygon(5).map(([x, y]) => [1.1 * x, 1.1 * y]),
  turned(plus, 45).map(([x, y]) => [1.15 * x, 1.15 * y]),
  [[-1.1, -0.5], [1.1, -0.5], [1.1, 0.5], [-1.1, 0.5]],
];

export function trace(context, kind, x, y, r) {
  const points = SHAPES[kind % SHAPES.length];
  context.beginPath();
  if (!points) {
    context.arc(x, y, r, 0, 2 * Math.PI);
    return;
  }
  points.forEach(([dx, dy], k) => context[k ? "lineTo" : "moveTo"](x + r * dx, y + r * dy));
  context.closePath();
}

export function shapePath(kind, x, y, r) {
  const points = SHAPES[kind % SHAPES.length];
  if (!points) return `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0z`;
  return `M${points.map(([dx, dy]) => `${x + r * dx},${y + r * dy}`).join("L")}z`;
}

// ------------------------------------------------------------------ tooltip

// The first line is the name, the others are values. Seen, not read out: the label says the same.
export class Tooltip {
  constructor(host) {
    this.el = html("div", { class: "gn-tip", "aria-hidden": "true" }, host);
    this.el.hidden = true;
    this.lines = [];
  }
  show(lines, x, y) {
    while (this.lines.length < lines.length) this.lines.push(words(html("div", {}, this.el)));
    this.lines.forEach((write, k) => {
      write(lines[k] ?? "");
      this.el.children[k].hidden = k >= lines.length;
    });
    this.el.hidden = false;
    const { width, height } = this.el.getBoundingClientRect();
    const left = Math.max(4, Math.min(x + 14, innerWidth - width - 4));
    const top = y + 18 + height > innerHeight - 4 ? y - height - 12 : y + 18;
    this.el.style.left = `${left}px`;
    this.el.style.top = `${Math.max(4, top)}px`;
  }
  hide() {
    this.el.hidden = true;
  }
}

// ------------------------------------------------------------------ pace

// At most one call in `wait` milliseconds; the last one is never lost.
export function throttled(callback, wait) {
  let timer = null;
  let waiting = null;
  const tickOff = () => {
    timer = null;
    if (waiting) {
      const args = waiting;
      waiting = null;
      run(...args);
    }
  };
  const run = (...args) => {
    if (timer !== null) {
      waiting = args;
      return;
    }
    timer = setTimeout(tickOff, wait);
    callback(...args);
  };
  return run;
}

// Frames come when they come and are drawn when the screen is; an older one is dropped, and told.
export class Pace {
  constructor(draw, done = () => {}) {
    this.draw = draw;
    this.done = done;
    this.next = null;
    this.asked = null;
    this.count = 0;
    this.dropped = 0;
    this.times = [];
  }
  push(frame) {
    if (this.next && this.next.id !== frame.id) {
      this.dropped++;
      this.done(this.next);
    }
    this.next = frame;
    this.asked ??= requestAnimationFrame(() => this.run());
  }
  run() {
    this.asked = null;
    const frame = this.next;
    this.next = null;
    const start = performance.now();
    try {
      this.draw(frame);
    } finally {
      this.times[this.count++ % 100] = performance.now() - start;
      this.done(frame); // even after a fault: who waits for it would send nothing more
    }
  }
  // For the benchmarks: how long the last hundred frames took to draw, in milliseconds.
  timing() {
    const sorted = [...this.times].sort((a, b) => a - b);
    return {
      drawn: this.count,
      dropped: this.dropped,
      median: sorted[sorted.length >> 1] ?? null,
      worst: sorted.at(-1) ?? null,
    };
  }
  end() {
    if (this.asked !== null) cancelAnimationFrame(this.asked);
  }
}

// ------------------------------------------------------------------ a drawing as a part of the page

// What Vue wants of each: an element, and its methods handed on to the drawing.
export const component = (name, emits, Drawing) => ({
  template: `<div class="gn ${name}"></div>`,
  props: { start: Object },
  emits,
  mounted() {
    this.drawing = new Drawing(this.$el, (event, what) => this.$emit(event, what));
    if (this.start?.structure) this.structure(this.start.structure);
    if (this.start?.frame) this.frame(this.start.frame);
  },
  unmounted() {
    this.drawing.end();
  },
  methods: {
    structure(s) {
      this.drawing.structure(s);
    },
    frame(f) {
      this.drawing.frame(f);
    },
    timing() {
      return this.drawing.pace.timing();
    },
  },
});

// ------------------------------------------------------------------ lines

// A path through the points, broken where a value is missing.
export function segmentPath(points) {
  let d = "";
  let pen = "M";
  for (const [x, y] of points) {
    if (y === null) {
      pen = "M";
      continue;
    }
    d += `${pen}${x.toFixed(1)},${y.toFixed(1)}`;
    pen = "L";
  }
  return d;
}
