import { fill } from "./element.js";
import { MessageView } from "./message_view.js";
import { StickyScroll } from "./sticky_scroll.js";

/** The messages that are shown, drawn at most once a frame however fast tokens come. */
export class Transcript {
  /** @param {{scroll: HTMLElement, list: HTMLElement, empty: HTMLElement, jump: HTMLElement}} parts */
  constructor(parts, does) {
    this.parts = parts;
    this.does = does;
    this.views = new Map();
    this.scroll = new StickyScroll(parts.scroll, parts.jump);
    this.due = new Map();
  }

  /**
   * Show these messages.
   *
   * @param {(message) => object[]} alternativesOf
   * @param {(message) => object|null} generationOf the one under way for a message
   */
  show(messages, alternativesOf, generationOf) {
    const former = this.views;
    this.views = new Map();
    for (const message of messages) {
      const known = former.get(message.id);
      const view = known?.message === message ? known : new MessageView(message, this.does);
      this.views.set(message.id, view);
      view.show(generationOf(message));
      view.offer(alternativesOf(message));
    }
    this.place([...this.views.values()].map(({ root }) => root));
    this.parts.empty.hidden = messages.length > 0;
    this.scroll.grew();
  }

  /** Put the messages on the page, unless they are there: moving them would take the focus away. */
  place(roots) {
    const { children } = this.parts.list;
    const same = roots.length === children.length && roots.every((one, at) => one === children[at]);
    if (!same) fill(this.parts.list, ...roots);
  }

  /** Draw a message again at the next frame, if it is shown. */
  update(message, generation) {
    if (this.due.size === 0) requestAnimationFrame(() => this.draw());
    this.due.set(message.id, generation);
  }

  draw() {
    const due = this.due;
    this.due = new Map();
    for (const [id, generation] of due) this.views.get(id)?.show(generation);
    this.scroll.grew();
  }
}
