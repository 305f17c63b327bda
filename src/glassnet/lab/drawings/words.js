// A line of text, changed in place.
export default {
  template: `<div></div>`,
  props: { start: String },
  mounted() {
    this.node = document.createTextNode(this.start ?? "");
    this.$el.replaceChildren(this.node);
  },
  methods: {
    show(text) {
      if (this.node.data !== text) this.node.data = text;
    },
  },
};
