import { announce } from "./announcer.js";
import { Generation } from "./generation.js";
import { newId } from "./ids.js";
import { MessageView } from "./message_view.js";
import { statisticsOf } from "./statistics.js";
import { StickyScroll } from "./sticky_scroll.js";

/** One model's side: its own conversation, with the questions that both are asked. */
class Side {
  constructor(root, select, socket, onEnd) {
    Object.assign(this, { select, socket, onEnd });
    this.list = root.querySelector("[data-part=messages]");
    this.scroll = new StickyScroll(root.querySelector("[data-part=scroll]"));
    this.messages = [];
    this.generation = null;
  }

  ask(text, { values, preamble }) {
    this.add({ role: "user", content: text });
    const said = this.messages.filter(({ content }) => content);
    const messages = [...preamble, ...said.map(({ role, content }) => ({ role, content }))];
    const model = this.select.value;
    const answer = this.add({ role: "assistant", content: "", model, status: "answering" });
    const listener = { change: () => this.draw(answer), end: () => this.end(answer) };
    this.generation = new Generation({ model, messages, parameters: values }, listener);
    answer.show(this.generation);
    this.socket.begin(this.generation);
  }

  stop() {
    if (this.generation) this.socket.cancel(this.generation);
  }

  clear() {
    this.messages = [];
    this.list.replaceChildren();
  }

  add(fields) {
    const message = { id: newId(), ...fields };
    const view = new MessageView(message, {});
    this.messages.push(message);
    view.show();
    view.offer([message]);
    this.list.append(view.root);
    this.scroll.jump();
    return view;
  }

  draw(view) {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      if (!this.generation) return;
      view.message.content = this.generation.text;
      view.show(this.generation);
      this.scroll.grew();
    });
  }

  end(view) {
    const { text, state, error } = this.generation;
    const statistics = statisticsOf(this.generation);
    Object.assign(view.message, { content: text, status: state, statistics, error: error?.detail });
    this.generation = null;
    view.show();
    view.offer([view.message]);
    this.scroll.grew();
    this.onEnd(view.message);
  }
}

/** Two models side by side, asked the same with the same parameters. */
export class Compare {
  constructor(root, selects, { socket, parameters, composer }) {
    this.parameters = parameters;
    this.composer = composer;
    const roots = [...root.querySelectorAll("[data-part=side]")];
    this.sides = roots.map((one, at) => new Side(one, selects[at], socket, (m) => this.ended(m)));
  }

  /** Ask both. Return whether they were asked. */
  ask(text) {
    if (!this.parameters.check()) return false;
    for (const side of this.sides) side.ask(text, this.parameters);
    this.composer.setBusy(true);
    return true;
  }

  stop() {
    for (const side of this.sides) side.stop();
  }

  /** Begin anew; what is under way is stopped. */
  clear() {
    this.stop();
    for (const side of this.sides) side.clear();
  }

  ended({ model, content, error }) {
    announce(error ? `${model} failed. ${error}` : `${model} answered: ${content}`);
    this.composer.setBusy(this.sides.some((side) => side.generation));
  }
}
