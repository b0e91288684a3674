/**
 * Keys that work everywhere on the page. Physical keys, because Alt changes the character on some
 * keyboards; with Alt and Shift, because single letters are what screen readers navigate by.
 *
 * @param {Object<string, Function>} does by `KeyboardEvent.code`, and `Escape`
 */
export function listenForShortcuts(does) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const isShortcut = event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey;
    const act = isShortcut || event.key === "Escape" ? does[event.code] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
