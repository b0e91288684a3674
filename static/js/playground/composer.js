const MOST_ROWS_PX = 240;
export const MAX_QUESTION = 200_000; // characters

/** Where a question is written: Enter sends, Shift+Enter is a new line, Escape stops the answer. */
export class Composer {
  /** @param {{ask: Function, stop: Function, recall?: Function}} does */
  constructor(form, does) {
    this.form = form;
    this.does = does;
    this.field = form.querySelector("textarea");
    this.field.maxLength = MAX_QUESTION;
    this.sendButton = form.querySelector("[data-does=send]");
    this.stopButton = form.querySelector("[data-does=stop]");
    this.busy = false;
    form.addEventListener("submit", (event) => this.submit(event));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => this.fit());
    this.stopButton.addEventListener("click", () => does.stop());
  }

  focus() {
    this.field.focus();
  }

  /** Show whether an answer is under way. The button that had the focus hands it on. */
  setBusy(busy) {
    if (busy === this.busy) return;
    const focused = [this.sendButton, this.stopButton].includes(document.activeElement);
    this.busy = busy;
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (focused) this.focus();
  }

  submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text || this.busy || !this.does.ask(text)) return;
    this.field.value = "";
    this.fit();
  }

  key(event) {
    if (event.isComposing) return; // the key ends a word of an input method, not the question
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) this.submit(event);
    if (event.key === "ArrowUp" && this.field.value === "") this.does.recall?.(event);
  }

  /** As high as what is written, up to a bound. */
  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, MOST_ROWS_PX)}px`;
  }
}
