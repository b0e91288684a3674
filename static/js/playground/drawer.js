/** A part at the side that small windows show over the rest, and wide ones all the time. */
export class Drawer {
  /** @param {HTMLElement} side @param {HTMLButtonElement} opener */
  constructor(side, opener) {
    this.side = side;
    this.opener = opener;
    opener.addEventListener("click", () => this.toggle());
    side.querySelector("[data-does=close]").addEventListener("click", () => this.close());
    side.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("pointerdown", ({ target }) => {
      if (this.isOpen && !side.contains(target) && !opener.contains(target)) this.close(false);
    });
  }

  get isOpen() {
    return this.side.dataset.open === "true";
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  open() {
    this.side.dataset.open = "true";
    this.opener.setAttribute("aria-expanded", "true");
    this.side.querySelector("button, select, input, textarea")?.focus();
  }

  close(returnFocus = true) {
    if (!this.isOpen) return;
    this.side.dataset.open = "false";
    this.opener.setAttribute("aria-expanded", "false");
    if (returnFocus) this.opener.focus();
  }

  key(event) {
    if (event.key !== "Escape" || !this.isOpen) return;
    event.stopPropagation(); // elsewhere it stops the answer
    this.close();
  }
}
