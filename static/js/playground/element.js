/**
 * Return a new element. Strings become text, lists of children stand for what is in them; an
 * attribute that is null, undefined or false is left out. There is no way to give it markup.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) made.append(child); // too many for one call, it may be
  return made;
}

/** Return a button that does `act` when pressed. */
export function button(label, act, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", act);
  return made;
}

/** Replace what `target` holds. */
export function fill(target, ...children) {
  target.replaceChildren(...children);
}
