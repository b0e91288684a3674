import { read } from "./api.js";

const EVERY_MS = 20_000;

/** The models that may be asked, as the registry has them, looked at again while the page is seen. */
export class Models {
  constructor() {
    this.all = [];
    this.listeners = [];
    this.error = null;
    setInterval(() => document.hidden || this.load(), EVERY_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.load());
  }

  /** Call `listener` whenever there is something new. */
  onChange(listener) {
    this.listeners.push(listener);
  }

  /** Read the list; what is known stays where it cannot be read. */
  async load() {
    try {
      this.all = (await read("/api/v1/models?limit=200")).results;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    for (const listener of this.listeners) listener(this);
  }

  /** Return the enabled models of a task, the default first. */
  of(task) {
    return this.all
      .filter((model) => model.task === task && model.enabled)
      .sort((one, other) => other.is_default - one.is_default || (one.name < other.name ? -1 : 1));
  }

  named(name) {
    return this.all.find((model) => model.name === name);
  }
}
