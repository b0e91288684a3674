// `<button data-copy="id">` copies the text of the element with that id, and says so.
const SAID_FOR_MS = 2000;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  say(button, (await copied(source)) ? "Copied" : "Press Ctrl+C");
});

/** Copy an element's text; where the browser refuses, select it and return false. */
async function copied(source) {
  try {
    // Only there in a secure context: https, or this machine.
    await navigator.clipboard.writeText(source.textContent.trim());
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

function say(button, text) {
  button.dataset.label ??= button.textContent;
  button.textContent = text;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    button.textContent = button.dataset.label;
  }, SAID_FOR_MS);
}
