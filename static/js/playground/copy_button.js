import { announce } from "./announcer.js";
import { button } from "./element.js";

const SHOWN_MS = 1500;

/** Return a button that copies what `textOf` returns when it is pressed. */
export function copyButton(textOf, attributes = {}) {
  const made = button("Copy", () => copy(made, textOf()), { class: "button plain small copy", ...attributes });
  return made;
}

async function copy(pressed, text) {
  const said = (await toClipboard(text)) ? "Copied" : "Copying failed";
  pressed.textContent = said;
  announce(said);
  setTimeout(() => (pressed.textContent = "Copy"), SHOWN_MS);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelecting(text); // no clipboard over plain HTTP, except on this machine itself
  }
}

function copyBySelecting(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
