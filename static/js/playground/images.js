import { announce } from "./announcer.js";
import { send } from "./api.js";
import { element, fill } from "./element.js";

/** An image that a model looks at. It is shown from this page's own copy. */
export class Images {
  constructor(root, select) {
    this.root = root;
    this.select = select;
    this.input = root.querySelector("input[type=file]");
    this.drop = root.querySelector("[data-part=drop]");
    this.result = root.querySelector("[data-part=result]");
    this.input.addEventListener("change", () => this.take(this.input.files[0]));
    this.drop.addEventListener("dragover", (event) => this.over(event, true));
    this.drop.addEventListener("dragleave", (event) => this.over(event, false));
    this.drop.addEventListener("drop", (event) => this.dropped(event));
  }

  over(event, isOver) {
    event.preventDefault();
    this.drop.classList.toggle("over", isOver);
  }

  dropped(event) {
    this.over(event, false);
    this.take(event.dataTransfer.files[0]);
  }

  async take(file) {
    if (!file) return;
    this.input.value = ""; // the same file may be chosen again
    fill(this.result, this.preview(file), element("p", { class: "muted" }, "Looking at it…"));
    const form = new FormData();
    form.append("file", file);
    if (this.select.value) form.append("model", this.select.value);
    try {
      this.show(file, await send("/api/v1/upload/image", form));
    } catch (error) {
      this.say(file, element("p", { class: "notice bad", role: "alert" }, error.message));
    }
  }

  show(file, answer) {
    const { labels, lines } = answer.result;
    const rows = labels ?? lines.map(({ text, score }) => ({ label: text, score }));
    const found = rows.length
      ? element("ol", { class: "labels" }, ...rows.map(labelRow))
      : element("p", { class: "muted" }, "No text was found in it.");
    this.say(file, found);
    announce(`${file.name}: ${rows.map(({ label }) => label).join(", ") || "no text"}`);
  }

  say(file, found) {
    fill(this.result, this.preview(file), element("div", {}, element("h3", {}, file.name), found));
  }

  preview(file) {
    if (this.shown) URL.revokeObjectURL(this.shown);
    this.shown = URL.createObjectURL(file);
    const image = element("img", { src: this.shown, alt: `The image ${file.name}` });
    image.addEventListener("error", () => image.remove()); // no image: the platform says so
    return image;
  }
}

function labelRow({ label, score }) {
  const meter = element("meter", { min: "0", max: "1", value: score, "aria-label": label });
  return element("li", {}, element("span", {}, label), meter, `${(score * 100).toFixed(1)} %`);
}
