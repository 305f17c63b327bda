// The arithmetic's HTML. A click on what stands for something is told; the focus stays where it
// was when the numbers under it change.
export default {
  template: `<div @click="clicked" @scroll.capture="scrolled"></div>`,
  props: { start: Array },
  mounted() {
    this.moved = new Set(); // tables that were scrolled: to ask all of them costs a layout
    if (this.start) this.show(this.start);
  },
  methods: {
    // `what` it is of decides whether one reads on or begins at the top
    show([html, what]) {
      if (html === this.html && what === this.what) return;
      const root = this.$el;
      const [place, focused] = this.focus();
      const lefts = [...this.moved].map((e) => [this.tables().indexOf(e), e.scrollLeft]);
      this.moved.clear();
      const other = what !== this.what;
      if (other) this.toTop(); // before: where nothing is changed yet to look is cheap
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
    toTop() {
      for (let e = this.$el; e; e = e.parentElement) if (e.scrollTop) e.scrollTop = 0;
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
