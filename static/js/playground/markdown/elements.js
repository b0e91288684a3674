// Blocks become elements. Text becomes text nodes and nothing else: no markup of an answer is ever
// read as markup, so there is nothing to clean.

import { copyButton } from "../copy_button.js";
import { element } from "../element.js";
import { parseInline } from "./inline.js";

const INLINE_TAGS = { em: "em", strong: "strong", strike: "s" };

/** Return the element of one block. */
export function elementOf(block) {
  return BUILDERS[block.kind](block);
}

const BUILDERS = {
  paragraph: ({ text }) => element("p", {}, inlineOf(text)),
  // An answer lies below the page's own headings.
  heading: ({ level, text }) =>
    element(`h${Math.min(level + 2, 6)}`, { class: `level-${level}` }, inlineOf(text)),
  rule: () => element("hr"),
  quote: ({ blocks }) => element("blockquote", {}, blocks.map(elementOf)),
  code: codeBlock,
  list: listOf,
  table: tableOf,
};

function inlineOf(text) {
  return parseInline(text).map(inlineNode);
}

function inlineNode(part) {
  if (part.kind === "text") return document.createTextNode(part.text);
  if (part.kind === "code") return element("code", {}, part.text);
  if (part.kind === "break") return element("br");
  const children = part.children.map(inlineNode);
  if (part.kind !== "link") return element(INLINE_TAGS[part.kind], {}, children);
  const rel = "noopener noreferrer nofollow";
  // The title shows where it leads: what it says is the model's.
  return element("a", { href: part.href, title: part.href, rel, target: "_blank" }, children);
}

function codeBlock({ language, text }) {
  const name = language.slice(0, 40);
  const code = element("code", {}, text);
  const label = name ? `Code, ${name}` : "Code";
  return element(
    "figure",
    { class: "code-block" },
    element("figcaption", {}, element("span", {}, name || "code"), copyButton(() => text)),
    // Focusable, because it may have to be scrolled with the keyboard.
    element("pre", { tabindex: "0", role: "region", "aria-label": label }, code),
  );
}

function listOf({ start, items }) {
  const children = items.map(itemOf);
  if (start === null) return element("ul", {}, children);
  return element("ol", start === 1 ? {} : { start: String(start) }, children);
}

function itemOf({ checked, blocks }) {
  const content = blocks.flatMap(contentOfItem);
  if (checked === null) return element("li", {}, content);
  const said = checked ? "done" : "to do";
  const mark = element("span", { class: "task", role: "img", "aria-label": said });
  mark.textContent = checked ? "☑" : "☐";
  return element("li", { class: "is-task" }, mark, " ", content);
}

/** A list's paragraphs stand without margins of their own, as most lists are written. */
function contentOfItem(block, index) {
  return block.kind === "paragraph" && index === 0 ? inlineOf(block.text) : [elementOf(block)];
}

function tableOf({ align, head, rows }) {
  const cell = (tag) => (text, column) =>
    element(tag, { class: `align-${align[column]}`, ...(tag === "th" && { scope: "col" }) },
      inlineOf(text));
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, head.map(cell("th")))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map(cell("td"))))),
  );
  const attributes = { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" };
  return element("div", attributes, table);
}
