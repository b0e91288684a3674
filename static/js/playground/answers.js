import { announce } from "./announcer.js";
import { append, before } from "./conversation.js";
import { Generation } from "./generation.js";
import { statisticsOf } from "./statistics.js";

const KEEP_EVERY_MS = 1000;

/** Answers under way: each generation fills one message of a conversation, shown or not. */
export class Answers {
  /**
   * @param {{socket, pending, keep: (conversation) => void, onChange: Function, onEnd: Function}}
   *   parts `keep` stores a conversation
   */
  constructor(parts) {
    this.parts = parts;
    this.underWay = new Map(); // message id → {generation, conversation}
    this.keptAt = 0;
  }

  /** Return the generation that fills a message, or null. */
  of(message) {
    return this.underWay.get(message.id)?.generation ?? null;
  }

  /** Return the conversation with this id if an answer grows in it. */
  conversation(id) {
    return [...this.underWay.values()].find((one) => one.conversation.id === id)?.conversation;
  }

  /** Ask a model to answer `question`, below which a new message grows. */
  begin(conversation, question, { model, parameters, preamble }) {
    const past = [...before(conversation, question), question].filter(({ content }) => content);
    const messages = [...preamble, ...past.map(({ role, content }) => ({ role, content }))];
    const fields = { role: "assistant", content: "", model, status: "answering" };
    const message = append(conversation, question.id, fields);
    const asked = { model: model || undefined, messages, parameters };
    this.run(conversation, message, (listener) => new Generation(asked, listener));
    return message;
  }

  /** Go on with what this tab waited for when its page was left. */
  takeUp(conversation, message, requestId) {
    this.run(conversation, message, (listener) => Generation.lost(requestId, listener));
  }

  stop(message) {
    const generation = this.of(message);
    if (generation) this.parts.socket.cancel(generation);
  }

  run(conversation, message, made) {
    const generation = made({
      change: (changed) => this.changed(conversation, message, changed),
      end: (ended) => this.ended(conversation, message, ended),
    });
    this.underWay.set(message.id, { generation, conversation });
    this.parts.keep(conversation);
    this.parts.socket.begin(generation);
  }

  changed(conversation, message, generation) {
    take(message, generation);
    if (generation.requestId && generation.deltas === 0) {
      this.parts.pending.note(conversation.id, message.id, generation.requestId);
    }
    if (performance.now() - this.keptAt > KEEP_EVERY_MS) {
      this.keptAt = performance.now();
      this.parts.keep(conversation);
    }
    this.parts.onChange(message, generation);
  }

  ended(conversation, message, generation) {
    take(message, generation);
    Object.assign(message, { status: generation.state, statistics: statisticsOf(generation) });
    if (generation.finishReason) message.finish_reason = generation.finishReason;
    if (generation.error) message.error = inWords(generation.error);
    this.underWay.delete(message.id);
    this.parts.pending.done(message.id);
    this.parts.keep(conversation);
    announce(spoken(message));
    this.parts.onEnd(message, generation);
  }
}

/** What was resumed from its beginning is shorter at first than what was kept of it. */
function take(message, { text, model }) {
  message.model = model ?? message.model;
  if (text.length >= message.content.length) message.content = text;
}

function inWords({ detail, retry_after }) {
  return retry_after ? `${detail} Try again in ${Math.ceil(retry_after)} s.` : detail;
}

function spoken({ status, content, error, model }) {
  if (status === "failed") return `The answer failed. ${error}`;
  return `${model || "The model"} ${status === "cancelled" ? "stopped" : "answered"}: ${content}`;
}
