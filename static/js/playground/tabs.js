/** The tabs of a page (WAI-ARIA APG, "Tabs"): arrows move between them, and the choice is kept. */
export class Tabs {
  /** @param {HTMLElement} list with `role=tab` children that name their panels */
  constructor(list, onChoose = () => {}) {
    this.list = list;
    this.onChoose = onChoose;
    list.addEventListener("click", ({ target }) => this.choose(target.closest("[role=tab]")));
    list.addEventListener("keydown", (event) => this.key(event));
  }

  get all() {
    return [...this.list.querySelectorAll("[role=tab]:not([hidden])")];
  }

  /** Show the panel of a tab. */
  choose(tab) {
    if (!tab) return;
    for (const one of this.list.querySelectorAll("[role=tab]")) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !chosen;
    }
    this.onChoose(tab.dataset.tab);
  }

  /** Offer a tab or not; where the shown one goes, the first is shown. */
  offer(name, offered) {
    const tab = this.list.querySelector(`[data-tab=${name}]`);
    tab.hidden = !offered;
    if (!offered && tab.getAttribute("aria-selected") === "true") this.choose(this.all[0]);
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    const all = this.all;
    const at = all.indexOf(event.target);
    const to = { Home: 0, End: all.length - 1 }[event.key] ?? at + steps[event.key];
    const tab = all[(to + all.length) % all.length];
    if (at === -1 || !tab) return;
    event.preventDefault();
    this.choose(tab);
    tab.focus();
  }
}
