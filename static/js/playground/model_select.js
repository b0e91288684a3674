import { element } from "./element.js";

const NO_MODEL = "No model is here yet";

/** A choice among the models of some tasks that keeps what was chosen while the list changes. */
export class ModelSelect {
  /** @param {HTMLSelectElement} select */
  constructor(select, models, { tasks = ["chat"], chosen = "", prefer = 0 } = {}) {
    Object.assign(this, { select, models, tasks, chosen, prefer });
    select.addEventListener("change", () => {
      this.chosen = select.value;
      this.onShown?.();
    });
    models.onChange(() => this.show());
  }

  get value() {
    return this.select.value;
  }

  show() {
    const models = this.models.of(...this.tasks);
    const names = models.map(({ name }) => name);
    const options = models.map((model) => element("option", { value: model.name }, labelOf(model)));
    if (!options.length) options.push(element("option", { value: "" }, NO_MODEL));
    if (same(this.select.options, options)) return; // an open list would close
    this.select.replaceChildren(...options);
    const otherwise = names[Math.min(this.prefer, names.length - 1)] ?? "";
    this.select.value = names.includes(this.chosen) ? this.chosen : otherwise;
    this.onShown?.();
  }
}

function labelOf({ name, state }) {
  return state === "ready" ? name : `${name} (${state})`;
}

function same(shown, options) {
  return (
    shown.length === options.length &&
    options.every(({ value, text }, index) =>
      shown[index].value === value && shown[index].text === text)
  );
}
