const FIRST_MS = 250;
const MOST_MS = 8000;

/** How long to wait before the next try: twice as long each time, and never all at once. */
export class Backoff {
  constructor() {
    this.tries = 0;
  }

  /** Return the wait before the next try, in ms. */
  next() {
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** this.tries);
    this.tries += 1;
    return most / 2 + (Math.random() * most) / 2;
  }

  /** It worked: begin again with a short wait. */
  reset() {
    this.tries = 0;
  }
}
