// The arithmetic's HTML. A click on what stands for something is told; the focus stays where it
// was when the numbers under it change.
export default {
  template: `<div ref="root" @click="clicked"></div>`,
  props: { html: String, what: String },
  mounted() {
    this.$refs.root.innerHTML = this.html;
  },
  watch: {
    html() {
      const root = this.$refs.root;
      const [place, focused] = this.focus();
      const scrolled = [...root.querySelectorAll(".sum-scroll")].map((e) => e.scrollLeft);
      root.innerHTML = this.html;
      root.querySelectorAll(".sum-scroll").forEach((e, i) => (e.scrollLeft = scrolled[i] ?? 0));
      if (!focused) return;
      const same = [...root.querySelectorAll("button")].filter((e) => this.picked(e) === place)[0];
      if (same) same.focus({ preventScroll: true });
      // at once, and not by way of the server: meanwhile somebody may type in the box
      else root.closest(".sum-panel")?.querySelector(".sum-title")?.focus({ preventScroll: true });
    },
    what() {
      this.$nextTick(() => {
        for (let e = this.$refs.root; e; e = e.parentElement) if (e.scrollTop) e.scrollTop = 0;
      });
    },
  },
  methods: {
    picked(element) {
      return element?.closest("[data-pick]")?.dataset.pick;
    },
    focus() {
      const active = document.activeElement;
      const inside = active !== this.$refs.root && this.$refs.root.contains(active);
      return [inside ? this.picked(active) : null, inside];
    },
    clicked(event) {
      const place = this.picked(event.target);
      if (place) this.$emit("pick", JSON.parse(place));
    },
  },
};
