import { button, element, fill } from "./element.js";

const MAX_SHOWN = 200;

/** The conversations at the side: open one, begin another, delete one. */
export class ConversationList {
  /** @param {{open: Function, remove: Function}} does */
  constructor(list, store, does) {
    this.list = list;
    this.store = store;
    this.does = does;
    this.current = null;
    this.drawn = new Map();
  }

  /** Draw the list; the conversation with the id `current` is the open one. */
  show(current = this.current) {
    this.current = current;
    const all = this.store.list().slice(0, MAX_SHOWN);
    this.drawn = new Map(all.map(({ id, title, at }) => [id, title + at]));
    const rows = all.map((one) => this.row(one));
    const none = element("li", { class: "small muted" }, "What you ask is kept in this browser.");
    fill(this.list, ...(rows.length ? rows : [none]));
  }

  /** A conversation was kept, which happens every second while an answer grows. */
  kept({ id, title, at }) {
    if (this.drawn.get(id) !== title + at) this.show();
  }

  row({ id, title, at }) {
    const name = title || "Untitled";
    const open = button(name, () => this.does.open(id), {
      class: "open",
      title: `${name}\n${new Date(at).toLocaleString()}`,
      "aria-current": id === this.current ? "true" : null,
    });
    const remove = button("×", () => this.remove(id, name), {
      class: "remove",
      "aria-label": `Delete “${name}”`,
    });
    return element("li", {}, open, remove);
  }

  remove(id, name) {
    if (!confirm(`Delete “${name}”? It is kept nowhere else.`)) return;
    const buttons = [...this.list.querySelectorAll(".remove")];
    const index = buttons.indexOf(document.activeElement);
    this.does.remove(id);
    const left = this.list.querySelectorAll(".remove");
    left[Math.min(index, left.length - 1)]?.focus();
  }
}
