// Keys for the whole page. What is typed into a box stays in the box; Space and Enter on a button
// press that button; what a drawing has already used (arrows among neurons) is left alone, and so
// is what is pressed while a dialog or a menu is open, whose Escape closes it and no more.

const OPEN = ".q-dialog, .q-menu";
const TYPED = "input, textarea, select, [contenteditable]";
const PRESSED = "button, a[href], summary, [role=button], [role=tab], [role=option], [role=switch]";

export default {
  template: "<span hidden></span>",
  mounted() {
    this.heard = (e) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return;
      const at = e.target instanceof Element ? e.target : document.body;
      if (document.querySelector(OPEN) || (at.closest(TYPED) && e.key !== "Escape")) return;
      if ((e.key === " " || e.key === "Enter") && at.closest(PRESSED)) return;
      const name = (e.shiftKey && e.key.length > 1 ? "Shift+" : "") + e.key;
      if (!this.keys.includes(name)) return;
      e.preventDefault();
      this.$emit("pressed", { key: name });
    };
    window.addEventListener("keydown", this.heard);
    // after a click Space is for Play again, not for the same button once more
    this.clicked = (e) => {
      const at = e.target instanceof Element && e.detail > 0 ? e.target.closest("button") : null;
      if (at && !at.closest(TYPED)) at.blur();
    };
    window.addEventListener("click", this.clicked);
  },
  unmounted() {
    window.removeEventListener("click", this.clicked);
    window.removeEventListener("keydown", this.heard);
  },
  props: { keys: Array },
};
