import { copyButton } from "./copy_button.js";
import { button, element, fill } from "./element.js";
import { MarkdownView } from "./markdown/view.js";
import { inWords, queueInWords, statisticsOf } from "./statistics.js";

const STATES = {
  asking: "Asking…",
  interrupted: "Connection lost. Reconnecting; nothing of the answer is lost…",
  cancelled: "Stopped",
  answering: "Not finished: it may go on in another tab",
};

/** One message on the page, and what can be done with it. */
export class MessageView {
  /**
   * @param {object} message of a conversation
   * @param {{regenerate?: Function, edit?: Function, choose?: Function}} does
   */
  constructor(message, does) {
    this.message = message;
    this.does = does;
    this.editing = false;
    this.content = element("div", { class: "content" });
    this.state = element("p", { class: "state small muted" });
    this.actions = element("div", { class: "actions" });
    this.author = element("p", { class: "author small" });
    this.root = element(
      "article",
      { class: `message ${message.role}`, "data-id": message.id },
      this.author,
      this.content,
      element("footer", {}, this.state, this.actions),
    );
    this.markdown = message.role === "user" ? null : new MarkdownView(this.content);
  }

  /** Show what the message says now. `generation`: the one under way, where there is one. */
  show(generation = null) {
    if (this.editing) return;
    this.sign(this.message.role === "user" ? "You" : this.message.model || "Model");
    if (this.markdown) this.markdown.update(this.message.content);
    else this.content.textContent = this.message.content;
    const waiting = generation && !generation.isOver;
    this.root.setAttribute("aria-busy", String(Boolean(waiting)));
    this.root.classList.toggle("waiting", Boolean(waiting) && !this.message.content);
    this.tell(waiting ? progress(generation) : ending(this.message));
  }

  sign(name) {
    if (this.author.textContent === name) return;
    this.author.textContent = name;
    this.root.setAttribute("aria-label", `${name}:`);
  }

  /** Show what can be done, and which of several alternatives this one is. */
  offer(alternatives) {
    const { role } = this.message;
    const answering = this.root.getAttribute("aria-busy") === "true";
    const offered = JSON.stringify([answering, alternatives.map(({ id }) => id)]);
    if (offered === this.offered) return; // a button that has the focus stays
    this.offered = offered;
    fill(
      this.actions,
      ...this.branches(alternatives),
      ...(answering || !this.message.content ? [] : [copyButton(() => this.message.content)]),
      ...(role === "user" && this.does.edit ? [this.act("Edit", () => this.edit())] : []),
      ...(role === "assistant" && this.does.regenerate && !answering
        ? [this.act("Regenerate", () => this.does.regenerate(this.message))]
        : []),
    );
  }

  act(label, does) {
    return button(label, does, { class: "button plain small" });
  }

  branches(alternatives) {
    if (alternatives.length < 2) return [];
    const at = alternatives.findIndex((one) => one.id === this.message.id);
    const step = (label, name, by) => {
      const to = alternatives[at + by];
      const attributes = { class: "button plain small", "aria-label": name, disabled: !to };
      return button(label, () => this.does.choose(to), attributes);
    };
    const place = element("span", { class: "small muted" }, `${at + 1} / ${alternatives.length}`);
    return [step("‹", "Previous version", -1), place, step("›", "Next version", 1)];
  }

  /** Put a field in the place of the text; what is sent becomes another branch. */
  edit() {
    const field = element("textarea", { class: "input", "aria-label": "Edit the question" });
    field.value = this.message.content;
    field.rows = Math.min(12, this.message.content.split("\n").length + 1);
    const save = button("Send as a new version", () => this.edited(field.value), {
      class: "button primary small",
    });
    const cancel = button("Cancel", () => this.unedit(), { class: "button small" });
    field.addEventListener("keydown", (event) => this.editKey(event, field));
    fill(this.content, field, element("div", { class: "row" }, save, cancel));
    this.editing = this.actions.hidden = true;
    field.focus();
  }

  editKey(event, field) {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.edited(field.value);
    if (event.key !== "Escape") return;
    event.stopPropagation(); // Escape elsewhere stops the answer
    this.unedit();
  }

  edited(text) {
    if (text.trim()) this.does.edit(this.message, text.trim());
  }

  unedit() {
    this.editing = this.actions.hidden = false;
    this.show();
    this.actions.lastChild.focus();
  }

  tell({ text, wrong = false }) {
    if (this.state.textContent !== text) this.state.textContent = text;
    this.state.classList.toggle("wrong", wrong);
    this.state.classList.toggle("muted", !wrong);
  }
}

function progress(generation) {
  if (generation.state === "queued") return { text: queueInWords(generation.queued) };
  if (generation.cancelling) return { text: "Stopping…" };
  if (generation.state === "answering") return { text: inWords(statisticsOf(generation)) };
  return { text: STATES[generation.state] };
}

function ending(message) {
  if (message.error) return { text: message.error, wrong: true };
  const words = message.statistics ? inWords(message.statistics) : "";
  const reason = message.finish_reason === "length" ? "cut at the most tokens" : "";
  const state = STATES[message.status] ?? "";
  return { text: [state, words, reason].filter(Boolean).join(" · ") };
}
