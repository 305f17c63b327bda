// The arithmetic's HTML. A click on what stands for something is told; the focus stays where it
// was when the numbers under it change. What Next has just made, and what was picked, is brought
// into sight.
export default {
  template: `<div @click="clicked" @scroll.capture="scrolled"></div>`,
  props: { start: Array },
  mounted() {
    this.moved = new Set(); // tables that were scrolled: to ask all of them costs a layout
    if (this.start) this.show(this.start);
  },
  methods: {
    // `what` it is of decides whether one reads on or begins at the top
    show([html, what, phase]) {
      const stepped = phase && phase !== this.phase && this.html !== undefined;
      this.phase = phase;
      const same = what === this.what;
      this.put(html, what);
      if (stepped && same) this.toPhase(phase);
    },
    put(html, what) {
      if (html === this.html && what === this.what) return;
      const root = this.$el;
      const [place, focused] = this.focus();
      const lefts = [...this.moved].map((e) => [this.tables().indexOf(e), e.scrollLeft]);
      this.moved.clear();
      const other = what !== this.what;
      if (other) this.toTop(what); // before: where nothing is changed yet to look is cheap
      Object.assign(this, { html, what });
      root.innerHTML = html;
      const tables = other || !lefts.length ? [] : this.tables();
      for (const [k, left] of lefts) if (left && tables[k]) tables[k].scrollLeft = left;
      if (!focused) return;
      const same = [...root.querySelectorAll("button")].filter((e) => this.picked(e) === place)[0];
      if (same) same.focus({ preventScroll: true });
      // at once, and not by way of the server: meanwhile somebody may type in the box
      else root.closest(".sum-panel")?.querySelector(".sum-title")?.focus({ preventScroll: true });
    },
    tables() {
      return [...this.$el.querySelectorAll(".sum-scroll")];
    },
    scrolled(event) {
      if (event.target.classList?.contains("sum-scroll")) this.moved.add(event.target);
    },
    // on a narrow page the whole page scrolls, and the panel lies below the network
    panel() {
      const panel = this.$el.closest(".lab-arithmetic");
      return { panel, scrolls: panel && getComputedStyle(panel).overflowY === "auto" };
    },
    toTop(what) {
      const { panel, scrolls } = this.panel();
      if (!panel) return;
      if (scrolls) panel.scrollTop = 0;
      else if (this.html !== undefined && JSON.parse(what).kind !== "none") this.reveal(panel);
    },
    toPhase(phase) {
      const part = this.$el.querySelector(`[data-phase="${phase}"]`);
      const { panel, scrolls } = this.panel();
      if (!part || !panel) return;
      if (!scrolls) {
        // never away from Next on a page where the sums are out of sight
        const { top, bottom } = panel.getBoundingClientRect();
        if (top < innerHeight && bottom > 0) this.reveal(part);
        return;
      }
      const first = part === this.$el.querySelector("[data-phase]");
      const down = part.getBoundingClientRect().top - panel.getBoundingClientRect().top;
      panel.scrollTo({ top: first ? 0 : panel.scrollTop + down, behavior: this.gait() });
    },
    // so that it begins in the upper half of the window, unless it does already
    reveal(element) {
      const { top } = element.getBoundingClientRect();
      if (top >= 0 && top <= innerHeight / 2) return;
      scrollBy({ top: top - innerHeight / 2, behavior: this.gait() });
    },
    gait() {
      return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    },
    picked(element) {
      return element?.closest("[data-pick]")?.dataset.pick;
    },
    focus() {
      const active = document.activeElement;
      const inside = active !== this.$el && this.$el.contains(active);
      return [inside ? this.picked(active) : null, inside];
    },
    clicked(event) {
      const place = this.picked(event.target);
      if (place) this.$emit("pick", JSON.parse(place));
    },
  },
};
