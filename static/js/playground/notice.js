import { button, element, fill } from "./element.js";

/** A line above the composer for what went wrong beside an answer. */
export class Notice {
  /** @param {HTMLElement} place with `role=alert` */
  constructor(place) {
    this.place = place;
  }

  say(text) {
    const close = button("Dismiss", () => this.clear(), { class: "button plain small" });
    fill(this.place, element("p", {}, text), close);
    this.place.hidden = false;
  }

  clear() {
    this.place.hidden = true;
    this.place.replaceChildren();
  }
}
