const NEAR_PX = 48;

/** Keeps an element scrolled to its end while it grows, unless somebody scrolled away from there. */
export class StickyScroll {
  constructor(target, jumpButton) {
    this.target = target;
    this.jumpButton = jumpButton;
    this.stuck = true;
    target.addEventListener("scroll", () => this.look(), { passive: true });
    jumpButton?.addEventListener("click", () => this.jump());
  }

  /** What is shown grew. */
  grew() {
    if (this.stuck) this.target.scrollTop = this.target.scrollHeight;
    this.look();
  }

  /** Go to the end, and stay there. */
  jump() {
    this.stuck = true;
    this.grew();
  }

  look() {
    const { scrollTop, scrollHeight, clientHeight } = this.target;
    this.stuck = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.jumpButton) this.jumpButton.hidden = this.stuck;
  }
}
