import { element } from "./element.js";

const MAX_STOPS = 16;
const MAX_STOP = 256; // characters

/** The panel beside the chat: which model answers, and how. What is left empty is the model's own. */
export class Parameters {
  /** @param {HTMLFormElement} form */
  constructor(form, owner, storage = localStorage) {
    this.form = form;
    this.key = `playground.${owner}.parameters`;
    this.storage = storage;
    this.restore();
    form.addEventListener("input", () => this.changed());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => queueMicrotask(() => this.changed()));
  }

  /** Return the system prompt, or "". */
  get system() {
    return this.form.elements.system.value.trim();
  }

  /** Return those that are set, as the API calls them. */
  get values() {
    const values = {};
    for (const field of this.numbers()) {
      if (field.value !== "") values[field.name] = Number(field.value);
    }
    const stop = this.stops();
    if (stop.length) values.stop = stop;
    return values;
  }

  /** Return the messages to send before those of the conversation. */
  get preamble() {
    return this.system ? [{ role: "system", content: this.system }] : [];
  }

  /** Whether all may be sent; where not, it is shown and focused. */
  check() {
    this.changed();
    const wrong = this.form.querySelector("[aria-invalid=true]");
    wrong?.focus();
    return !wrong;
  }

  changed() {
    for (const field of this.numbers()) tell(field, field.validationMessage);
    tell(this.form.elements.stop, this.wrongStops());
    this.keep();
  }

  numbers() {
    return this.form.querySelectorAll("input[type=number]");
  }

  stops() {
    return this.form.elements.stop.value.split("\n").filter((line) => line !== "");
  }

  wrongStops() {
    const stops = this.stops();
    if (stops.length > MAX_STOPS) return `At most ${MAX_STOPS} lines.`;
    return stops.some((one) => one.length > MAX_STOP) ? `At most ${MAX_STOP} characters a line.` : "";
  }

  keep() {
    const kept = {};
    for (const { name, value } of this.form.elements) if (name) kept[name] = value;
    kept.model ||= this.model; // the list of models may not be here yet
    try {
      this.storage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // A full storage is told where a conversation is lost by it; these are typed again in no time.
    }
  }

  kept() {
    try {
      return JSON.parse(this.storage.getItem(this.key)) ?? {};
    } catch {
      return {}; // written by something else
    }
  }

  restore() {
    const kept = this.kept();
    this.model = String(kept.model ?? "");
    for (const field of this.form.elements) {
      if (field.name && field.name !== "model") field.value = kept[field.name] ?? "";
    }
  }
}

/** Say below a field what is wrong with it; nothing where nothing is. */
function tell(field, wrong) {
  const id = `${field.id}-error`;
  document.getElementById(id)?.remove();
  field.toggleAttribute("aria-invalid", Boolean(wrong));
  if (!wrong) return;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", id);
  field.after(element("p", { id, class: "errorlist" }, wrong));
}
