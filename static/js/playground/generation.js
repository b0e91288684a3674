import { newId } from "./ids.js";

/** One answer on its way: what was asked, what came so far, and who wants to know. */
export class Generation {
  /**
   * @param {object} asked `model`, `messages`, `parameters` of a `generate` message; null for one
   *   that began before this page was loaded and is only resumed
   * @param {{change: Function, end: Function}} listener `change` is called for all but the end
   */
  constructor(asked, listener) {
    this.asked = asked;
    this.listener = listener;
    this.id = newId();
    this.requestId = null;
    this.seq = 0;
    this.text = "";
    this.deltas = 0;
    this.state = "asking"; // asking, queued, answering, interrupted, finished, cancelled, failed
    this.queued = null; // {position, estimated_s}
    this.model = null; // the one that answers, where none was named or another fell in
    this.promptTokens = null;
    this.usage = null;
    this.timings = null;
    this.finishReason = null;
    this.error = null; // {code, detail, retry_after}
    this.askedAt = performance.now();
    this.firstAt = null;
    this.lastAt = null;
    this.cancelling = false;
  }

  /** Return one that began elsewhere, to be had again from its first token. */
  static lost(requestId, listener) {
    const generation = new Generation(null, listener);
    generation.requestId = requestId;
    return generation;
  }

  get isOver() {
    return ["finished", "cancelled", "failed"].includes(this.state);
  }

  /** Return the message that begins it, or goes on with it after the last one that arrived. */
  opening() {
    this.id = newId(); // the former socket may still hold the old one
    if (this.requestId) {
      return { type: "resume", id: this.id, request_id: this.requestId, seq: this.seq };
    }
    return { type: "generate", id: this.id, ...this.asked, resumable: true };
  }

  /** Take a message that has this generation's id. */
  take(message) {
    HANDLERS[message.type]?.(this, message);
    if (this.isOver) this.listener.end(this);
    else this.listener.change(this);
  }

  /** The connection is gone; what came so far stays. */
  interrupt() {
    this.state = "interrupted";
    this.listener.change(this);
  }

  /** It ends before it began. */
  stop() {
    this.state = "cancelled";
    this.listener.end(this);
  }

  /** It ends here, for a reason that no message told. */
  fail(code, detail) {
    failed(this, { code, detail });
    this.listener.end(this);
  }
}

const HANDLERS = {
  accepted(generation, message) {
    generation.requestId = message.request_id;
    generation.model = message.model;
    generation.promptTokens = message.prompt_tokens;
    generation.state = generation.text ? "answering" : "asking";
  },

  queued(generation, message) {
    generation.state = "queued";
    generation.queued = { position: message.position, estimated_s: message.estimated_s };
  },

  delta(generation, message) {
    if (message.seq <= generation.seq) return; // had already
    generation.seq = message.seq;
    generation.text += message.text;
    generation.deltas += 1;
    generation.state = "answering";
    generation.queued = null;
    generation.lastAt = performance.now();
    generation.firstAt ??= generation.lastAt;
  },

  finished(generation, message) {
    generation.seq = message.seq;
    generation.usage = message.usage;
    generation.timings = message.timings;
    generation.finishReason = message.finish_reason;
    generation.state = message.finish_reason === "cancelled" ? "cancelled" : "finished";
  },

  error: failed,
};

function failed(generation, { code, detail, retry_after = null }) {
  generation.error = { code, detail, retry_after };
  generation.state = "failed";
}
