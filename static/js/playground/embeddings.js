import { announce } from "./announcer.js";
import { send } from "./api.js";
import { element, fill } from "./element.js";
import { cosine } from "./similarity.js";

const LEAST_TEXTS = 2;
const MOST_TEXTS = 12;
const MAX_LABEL = 40;

/** Texts, one a line, and how near to each other a model finds them. */
export class Embeddings {
  constructor(root, select) {
    this.root = root;
    this.select = select;
    this.form = root.querySelector("form");
    this.result = root.querySelector("[data-part=result]");
    this.form.addEventListener("submit", (event) => this.submit(event));
  }

  async submit(event) {
    event.preventDefault();
    const texts = this.form.elements.texts.value.split("\n").map((one) => one.trim()).filter(Boolean);
    if (texts.length < LEAST_TEXTS || texts.length > MOST_TEXTS) {
      this.say(`Write ${LEAST_TEXTS} to ${MOST_TEXTS} texts, one a line.`);
      return;
    }
    const pressed = this.form.querySelector("[type=submit], button:not([type])");
    pressed.setAttribute("aria-busy", "true");
    try {
      this.show(texts, await send("/api/v1/embeddings", { model: this.select.value, input: texts }));
    } catch (error) {
      this.say(error.message);
    } finally {
      pressed.removeAttribute("aria-busy");
    }
  }

  show(texts, { embeddings: vectors }) {
    const head = texts.map((_, at) => element("th", { scope: "col" }, String(at + 1)));
    const rows = texts.map((text, at) => rowOf(text, at, vectors));
    const table = element("table", { class: "similarity" },
      element("caption", { class: "small muted" }, "1 is the same direction, 0 nothing in common"),
      element("thead", {}, element("tr", {}, element("td"), ...head)),
      element("tbody", {}, ...rows));
    const label = { tabindex: "0", role: "region", "aria-label": "Similarity", class: "table-scroll" };
    fill(this.result, element("div", label, table));
    announce(`Similarity of ${texts.length} texts is shown.`);
  }

  say(wrong) {
    fill(this.result, element("p", { class: "notice bad", role: "alert" }, wrong));
  }
}

function rowOf(text, at, vectors) {
  const short = text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL - 1)}…` : text;
  const cells = vectors.map((other) => {
    const value = cosine(vectors[at], other);
    const cell = element("td", {}, value.toFixed(2));
    cell.style.setProperty("--strength", `${Math.round(Math.max(0, value) * 100)}%`);
    return cell;
  });
  return element("tr", {}, element("th", { scope: "row", title: text }, `${at + 1} ${short}`), ...cells);
}
