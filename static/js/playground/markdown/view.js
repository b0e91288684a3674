import { parseBlocks } from "./blocks.js";
import { elementOf } from "./elements.js";

/** Longer text is shown as it is: nobody reads Markdown of this size, and parsing it takes long. */
const MAX_LENGTH = 200_000;

/** Shows Markdown in an element, and grows with it: blocks that did not change keep their nodes. */
export class MarkdownView {
  constructor(target) {
    this.target = target;
    this.sources = [];
  }

  /** Show `text` instead of what is shown. */
  update(text) {
    const blocks = text.length > MAX_LENGTH ? [plain(text)] : parseBlocks(text);
    const same = this.unchanged(blocks);
    while (this.target.childNodes.length > same) this.target.lastChild.remove();
    for (const block of blocks.slice(same)) this.target.append(elementOf(block));
    this.sources = blocks.map((block) => block.kind + block.source);
  }

  unchanged(blocks) {
    let same = 0;
    while (same < blocks.length && this.sources[same] === blocks[same].kind + blocks[same].source) {
      same += 1;
    }
    return same;
  }
}

function plain(text) {
  return { kind: "code", language: "", text, source: text };
}
