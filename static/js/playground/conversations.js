import { merged } from "./conversation.js";
import { isConversation } from "./portable.js";

export const MAX_CONVERSATIONS = 200;
const MAX_LENGTH = 2_000_000; // characters of one, as it is stored

/** What could not be kept, and what to do about it. */
export class NotKept extends Error {}

/** The conversations that this browser keeps for one person: one entry of localStorage each. */
export class Conversations {
  /** @param {string} owner the person's id, so that two people at one browser see their own */
  constructor(owner, storage = localStorage) {
    this.prefix = `playground.${owner}.conversation.`;
    this.storage = storage;
  }

  /** Return all, the latest first. */
  list() {
    return this.keys()
      .map((key) => this.read(key))
      .filter(Boolean)
      .sort((one, other) => other.at - one.at);
  }

  get(id) {
    return this.read(this.prefix + id);
  }

  /** Keep a conversation. Raises NotKept. What another tab added to it stays. */
  save(conversation) {
    const stored = this.get(conversation.id);
    if (!stored && this.keys().length >= MAX_CONVERSATIONS) {
      throw new NotKept(
        `This browser keeps ${MAX_CONVERSATIONS} conversations. Export or delete some of them.`,
      );
    }
    if (stored) Object.assign(conversation, merged(stored, conversation));
    this.write(this.prefix + conversation.id, JSON.stringify(conversation));
  }

  delete(id) {
    this.storage.removeItem(this.prefix + id);
  }

  deleteAll() {
    for (const key of this.keys()) this.storage.removeItem(key);
  }

  /** Whether an event of the storage is about one of these. */
  concerns(event) {
    return event.key === null || event.key.startsWith(this.prefix);
  }

  keys() {
    const all = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index));
    return all.filter((key) => key.startsWith(this.prefix));
  }

  /** Return what is stored, or null: others may have written anything there. */
  read(key) {
    try {
      const found = JSON.parse(this.storage.getItem(key));
      return isConversation(found) ? found : null;
    } catch {
      return null;
    }
  }

  write(key, text) {
    if (text.length > MAX_LENGTH) {
      throw new NotKept("This conversation is too long to be kept. Export it and begin a new one.");
    }
    try {
      this.storage.setItem(key, text);
    } catch {
      throw new NotKept("This browser's storage is full. Export or delete some conversations.");
    }
  }
}
