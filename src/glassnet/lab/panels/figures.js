// How far the run is: what each figure is called, and below it the figure.
export default {
  template: `<div></div>`,
  props: { start: Array },
  mounted() {
    this.nodes = [];
    this.show(this.start);
  },
  methods: {
    show(figures) {
      figures.forEach((texts, k) => {
        this.nodes[k] ??= this.figure();
        texts.forEach((text, i) => {
          const node = this.nodes[k][i];
          if (node.data !== text) node.data = text;
        });
      });
    },
    figure() {
      const figure = document.createElement("div");
      figure.className = "lab-figure";
      this.$el.append(figure);
      return ["lab-caption", "lab-number"].map((name) => {
        const line = document.createElement("div");
        line.className = name;
        const node = document.createTextNode("");
        line.append(node);
        figure.append(line);
        return node;
      });
    },
  },
};
