// What a screen reader is told. One polite region: finished answers, never single tokens.

const MAX_LENGTH = 1000;

/** Say `text` when nothing else is being said. */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text.slice(0, MAX_LENGTH);
}
