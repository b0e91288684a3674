/**
 * The answers that this tab waits for, kept over a reload of its page. Not in localStorage: another
 * tab that took them up would take them away from this one.
 */
export class Pending {
  constructor(owner, storage = sessionStorage) {
    this.key = `playground.${owner}.pending`;
    this.storage = storage;
  }

  /** Return `{message, conversation, requestId}` of each. */
  all() {
    try {
      const found = JSON.parse(this.storage.getItem(this.key));
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }

  /** Note that the answer in `message` is the one of `requestId`. */
  note(conversation, message, requestId) {
    const others = this.all().filter((one) => one.message !== message);
    this.keep([...others, { conversation, message, requestId }]);
  }

  /** The answer in `message` is waited for no more. */
  done(message) {
    this.keep(this.all().filter((one) => one.message !== message));
  }

  keep(all) {
    this.storage.setItem(this.key, JSON.stringify(all));
  }
}
