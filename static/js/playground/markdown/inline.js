// The inline half of Markdown: a line's text becomes a tree of plain objects. Nothing here touches
// the page, and every scan is linear: an answer may be long, and may be written to hurt.

import { safeUrl } from "./safe_url.js";

/** Deeper emphasis stays text: what renders the tree calls itself once a level. */
const MAX_DEPTH = 16;
const MAX_DESTINATION = 1024; // characters of a link's address
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const SPACE = /\s/;
const WORD = /[\p{L}\p{N}]/u;
const BARE_URL = /https?:\/\/[^\s<>"`{}|\\^]{1,2048}/y;
const ANGLED_URL = /<(https?:\/\/[^\s<>]{1,2048})>/y;

/**
 * @typedef {{kind: "text"|"code", text: string}
 *   | {kind: "break"}
 *   | {kind: "em"|"strong"|"strike", children: Inline[], depth: number}
 *   | {kind: "link", href: string, children: Inline[], depth: number}} Inline
 */

/** Return the inline tree of `text`. @returns {Inline[]} */
export function parseInline(text) {
  return new InlineParser(text, true).parse();
}

class InlineParser {
  constructor(text, linksAllowed) {
    this.text = text;
    this.at = 0;
    this.linksAllowed = linksAllowed;
    this.parts = [];
    this.plain = "";
    this.openers = []; // delimiter parts that something may still close
    this.open = { "*": 0, _: 0, "~": 0 };
    this.codeEnds = codeSpans(text);
    this.brackets = matchingBrackets(text, this.codeEnds);
  }

  parse() {
    while (this.at < this.text.length) {
      this.step(this.text[this.at]);
    }
    this.flush();
    return asText(this.parts);
  }

  step(character) {
    const taken =
      (character === "\\" && this.escape()) ||
      (character === "`" && this.code()) ||
      (character === "\n" && this.lineBreak()) ||
      ((character === "[" || character === "!") && this.link()) ||
      ((character === "<" || character === "h") && this.address()) ||
      ("*_~".includes(character) && this.emphasis(character));
    if (!taken) {
      this.plain += character;
      this.at += 1;
    }
  }

  push(part) {
    this.flush();
    this.parts.push(part);
  }

  flush() {
    if (this.plain) {
      this.parts.push({ kind: "text", text: this.plain });
      this.plain = "";
    }
  }

  escape() {
    const next = this.text[this.at + 1] ?? "";
    if (!ESCAPABLE.test(next)) return false;
    this.plain += next;
    this.at += 2;
    return true;
  }

  code() {
    const run = runLength(this.text, this.at);
    const end = this.codeEnds.get(this.at);
    if (end === undefined) {
      this.plain += this.text.slice(this.at, this.at + run);
      this.at += run;
      return true;
    }
    const inside = this.text.slice(this.at + run, end - run).replaceAll("\n", " ");
    this.push({ kind: "code", text: isPadded(inside) ? inside.slice(1, -1) : inside });
    this.at = end;
    return true;
  }

  lineBreak() {
    this.plain = this.plain.trimEnd();
    this.push({ kind: "break" });
    this.at += 1;
    return true;
  }

  /** An image is shown as a link: fetching it would tell its server who reads this answer. */
  link() {
    const start = this.text[this.at] === "!" ? this.at + 1 : this.at;
    const close = this.text[start] === "[" ? this.brackets.get(start) : undefined;
    if (close === undefined || !this.linksAllowed) return false;
    const target = destination(this.text, close + 1);
    if (!target) return false;
    const label = this.text.slice(start + 1, close);
    const href = safeUrl(target.address);
    const children = new InlineParser(label, false).parse();
    if (href) {
      this.push({ kind: "link", href, children, depth: 1 + deepest(children) });
    } else {
      this.plain += this.text.slice(this.at, target.end);
    }
    this.at = target.end;
    return true;
  }

  address() {
    if (!this.linksAllowed) return false;
    if (this.at > 0 && WORD.test(this.text[this.at - 1])) return false;
    const pattern = this.text[this.at] === "<" ? ANGLED_URL : BARE_URL;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return false;
    const whole = pattern === ANGLED_URL ? found[0] : withoutPunctuation(found[0]);
    const shown = found[1] ?? whole;
    const href = safeUrl(shown);
    if (!href) return false;
    this.push({ kind: "link", href, children: [{ kind: "text", text: shown }], depth: 1 });
    this.at += whole.length;
    return true;
  }

  emphasis(mark) {
    const run = runLength(this.text, this.at);
    const before = this.text[this.at - 1] ?? " ";
    const after = this.text[this.at + run] ?? " ";
    const inWord = mark === "_" && WORD.test(before) && WORD.test(after);
    const part = { kind: "marks", mark, count: run };
    this.flush();
    this.at += run;
    if (!SPACE.test(before) && !inWord) this.close(part);
    if (part.count > 0) this.parts.push(part);
    if (part.count > 0 && !SPACE.test(after) && !inWord) {
      this.openers.push(part);
      this.open[mark] += 1;
    }
    return true;
  }

  /** Wrap what lies between the nearest opener and here, as long as marks of both are left. */
  close(closer) {
    while (closer.count > 0 && this.open[closer.mark] > 0) {
      const opener = this.popOpener(closer.mark);
      const used = Math.min(2, closer.count, opener.count);
      const from = this.parts.lastIndexOf(opener) + 1;
      const depth = 1 + deepest(this.parts.slice(from));
      if (from === this.parts.length || depth > MAX_DEPTH || (closer.mark === "~" && used < 2)) {
        return;
      }
      const children = asText(this.parts.splice(from));
      this.parts.push({ kind: kindOf(closer.mark, used), children, depth });
      closer.count -= used;
      this.reopen(opener, used);
    }
  }

  popOpener(mark) {
    let opener;
    do {
      opener = this.openers.pop();
      this.open[opener.mark] -= 1;
    } while (opener.mark !== mark);
    return opener;
  }

  reopen(opener, used) {
    opener.count -= used;
    if (opener.count > 0) {
      this.openers.push(opener);
      this.open[opener.mark] += 1;
    } else {
      this.parts.splice(this.parts.lastIndexOf(opener), 1);
    }
  }
}

function isPadded(code) {
  return code.startsWith(" ") && code.endsWith(" ") && code.trim() !== "";
}

function kindOf(mark, used) {
  if (mark === "~") return "strike";
  return used === 2 ? "strong" : "em";
}

/** Marks that nothing closed are the characters they are. */
function asText(parts) {
  return parts.map((part) =>
    part.kind === "marks" ? { kind: "text", text: part.mark.repeat(part.count) } : part,
  );
}

function deepest(parts) {
  return parts.reduce((depth, part) => Math.max(depth, part.depth ?? 0), 0);
}

function runLength(text, at) {
  let end = at + 1;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

/** Return where each code span ends, by where it begins. */
function codeSpans(text) {
  const runs = [];
  for (let at = text.indexOf("`"); at !== -1; ) {
    const length = runLength(text, at);
    runs.push({ at, length });
    at = text.indexOf("`", at + length);
  }
  return pairRuns(runs);
}

/** Pair each run of backticks with the next one of its length; from the end, so that it is linear. */
function pairRuns(runs) {
  const nextOfLength = new Map();
  const partner = new Array(runs.length);
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    partner[index] = nextOfLength.get(runs[index].length);
    nextOfLength.set(runs[index].length, index);
  }
  const ends = new Map();
  for (let index = 0; index < runs.length; index += 1) {
    const closing = partner[index];
    if (closing === undefined) continue;
    ends.set(runs[index].at, runs[closing].at + runs[closing].length);
    index = closing;
  }
  return ends;
}

/** Return where each bracket is closed, by where it is opened; those inside code are no brackets. */
function matchingBrackets(text, codeEnds) {
  const matches = new Map();
  const opened = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "`" && codeEnds.has(at)) at = codeEnds.get(at) - 1;
    else if (character === "`") at += runLength(text, at) - 1;
    else if (character === "\\") at += 1;
    else if (character === "[") opened.push(at);
    else if (character === "]" && opened.length) matches.set(opened.pop(), at);
  }
  return matches;
}

/** Read `(address "title")` at `at`; null where there is none. */
function destination(text, at) {
  if (text[at] !== "(") return null;
  let depth = 1;
  const last = Math.min(text.length, at + MAX_DESTINATION);
  for (let end = at + 1; end < last; end += 1) {
    if (text[end] === "\n") return null;
    if (text[end] === "(") depth += 1;
    if (text[end] === ")") depth -= 1;
    if (depth === 0) return { address: addressOf(text.slice(at + 1, end)), end: end + 1 };
  }
  return null;
}

function addressOf(inside) {
  const [address] = inside.trim().split(/\s/, 1);
  return address.startsWith("<") && address.endsWith(">") ? address.slice(1, -1) : address;
}

/** A full stop after an address belongs to the sentence, and so does a bracket it never opened. */
function withoutPunctuation(address) {
  let end = address.length;
  while (/[.,:;!?'*_~)\]]/.test(address[end - 1])) {
    if (address[end - 1] === ")" && address.slice(0, end).includes("(")) break;
    end -= 1;
  }
  return address.slice(0, end);
}
