import { read } from "./api.js";

const EVERY_MS = 20_000;
const PAGE = 200; // the most that the API gives at once
const MOST = 1000;

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
      this.all = await all();
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    for (const listener of this.listeners) listener(this);
  }

  /** Return the enabled models of the tasks: the default first, then those that would answer now. */
  of(...tasks) {
    return this.all
      .filter((model) => tasks.includes(model.task) && model.enabled)
      .sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
  }

  named(name) {
    return this.all.find((model) => model.name === name);
  }
}

function rank({ is_default, state }) {
  if (is_default) return 0;
  return state === "ready" ? 1 : 2;
}

async function all() {
  const models = [];
  let count = 1;
  while (models.length < Math.min(count, MOST)) {
    const page = await read(`/api/v1/models?limit=${PAGE}&offset=${models.length}`);
    if (!page.results.length) break; // fewer than a moment ago
    models.push(...page.results);
    count = page.count;
  }
  return models;
}
