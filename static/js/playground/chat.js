import { append, choose, newConversation, shown, siblings } from "./conversation.js";
import { NotKept } from "./conversations.js";

/** The conversation that is open: what is asked in it, and what becomes of that on the page. */
export class Chat {
  /** @param {{store, answers, transcript, composer, parameters, model, notice, onOpen, onKept}} parts */
  constructor(parts) {
    this.parts = parts;
    this.conversation = newConversation();
  }

  /** Open a kept conversation, or a new one. */
  open(id = null) {
    this.conversation = (id && this.found(id)) || newConversation();
    this.show();
    this.parts.onOpen(this.conversation);
  }

  /** Ask `text` at the end of what is shown. Return whether it was asked. */
  ask(text) {
    const last = shown(this.conversation).at(-1);
    return this.asked(last?.id ?? null, text);
  }

  /** Ask another way in the place of `message`, as a branch of its own. */
  edit(message, text) {
    this.asked(message.parent || null, text);
    this.parts.composer.focus();
  }

  /** Ask the same again; the former answer stays as another version. */
  regenerate(message) {
    const question = this.conversation.messages[message.parent];
    if (question) this.answer(question);
    this.parts.composer.focus();
  }

  /** Ask again for the last answer that is shown. */
  regenerateLast() {
    const last = shown(this.conversation).at(-1);
    if (last?.role === "assistant" && !this.generationOf(last)) this.regenerate(last);
  }

  choose(message) {
    choose(this.conversation, message);
    this.keep(this.conversation);
    this.show();
    this.parts.composer.focus();
  }

  /** Stop every answer of this conversation. */
  stop() {
    for (const message of Object.values(this.conversation.messages)) {
      this.parts.answers.stop(message);
    }
    this.show();
  }

  /** Edit the last question that is shown. */
  recall(event) {
    const last = shown(this.conversation).findLast(({ role }) => role === "user");
    if (!last) return;
    event.preventDefault();
    this.parts.transcript.views.get(last.id)?.edit();
  }

  /** Take over what another tab kept of this conversation. */
  refresh() {
    const stored = this.parts.store.get(this.conversation.id);
    if (!stored || this.isBusy()) return;
    this.conversation = stored;
    this.show(false);
  }

  /** The one that answers grow in, rather than what was kept of it a moment ago. */
  found(id) {
    return this.parts.answers.conversation(id) ?? this.parts.store.get(id);
  }

  asked(parent, text) {
    if (!this.parts.parameters.check()) return false;
    return this.bounded(() => {
      const question = append(this.conversation, parent, { role: "user", content: text });
      this.answer(question);
    });
  }

  answer(question) {
    if (!this.parts.parameters.check()) return;
    this.bounded(() => {
      const { values, preamble } = this.parts.parameters;
      const model = this.parts.model.value;
      this.parts.answers.begin(this.conversation, question, {
        model, parameters: values, preamble,
      });
      this.show();
    });
  }

  /** Say what is too much instead of doing it. Return whether it was done. */
  bounded(does) {
    try {
      does();
      return true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.parts.notice.say(error.message);
      return false;
    }
  }

  /** Store a conversation, or say why not. */
  keep(conversation) {
    try {
      this.parts.store.save(conversation);
      this.parts.notice.clear();
    } catch (error) {
      if (!(error instanceof NotKept)) throw error;
      this.parts.notice.say(`Not kept: ${error.message}`);
    }
    this.parts.onKept(conversation);
  }

  /** Draw what is open; `toEnd`: and go to its end, even if somebody scrolled up to read. */
  show(toEnd = true) {
    this.parts.transcript.show(
      shown(this.conversation),
      (message) => siblings(this.conversation, message),
      (message) => this.generationOf(message),
    );
    if (toEnd) this.parts.transcript.scroll.jump();
    this.parts.composer.setBusy(this.isBusy());
  }

  generationOf(message) {
    return this.parts.answers.of(message);
  }

  isBusy() {
    return Object.values(this.conversation.messages).some((one) => this.generationOf(one));
  }
}
