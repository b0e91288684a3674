import { codeSamples } from "./code_samples.js";
import { copyButton } from "./copy_button.js";

/** Shows what would be asked now as code, in the language that was chosen last. */
export class CodeDialog {
  /** @param {HTMLDialogElement} dialog @param {() => object} askedNow model, messages, parameters */
  constructor(dialog, askedNow) {
    this.dialog = dialog;
    this.askedNow = askedNow;
    this.code = dialog.querySelector("pre code");
    dialog.querySelector("[data-part=copy]").append(copyButton(() => this.code.textContent));
    dialog.addEventListener("change", () => this.show());
  }

  open() {
    this.samples = codeSamples(location.origin, this.askedNow());
    this.show();
    this.dialog.showModal();
  }

  show() {
    const { value } = this.dialog.querySelector("input:checked");
    this.code.textContent = this.samples[value];
  }
}
