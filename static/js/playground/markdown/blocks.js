// The block half of Markdown: text becomes a list of plain objects, each with the lines it came
// from. A block that is not complete yet (an answer still arriving) is what it looks like so far.

/** Quotes and lists deeper than this are paragraphs: each level calls the parser once more. */
const MAX_DEPTH = 8;
const MAX_COLUMNS = 64;
const FENCE = /^( {0,3})(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?=\s|$)/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?: +|$)/;
const DELIMITER_ROW = /^[\s|:-]+$/;
const TASK = /^\[([ xX])\] /;

/**
 * @typedef {{kind: "paragraph", text: string}
 *   | {kind: "heading", level: number, text: string}
 *   | {kind: "code", language: string, text: string}
 *   | {kind: "quote", blocks: Block[]}
 *   | {kind: "list", start: number|null, items: {checked: boolean|null, blocks: Block[]}[]}
 *   | {kind: "table", align: string[], head: string[], rows: string[][]}
 *   | {kind: "rule"}} Block
 */

/** Return the blocks of `text`, each with `source`: equal sources are equal blocks. */
export function parseBlocks(text) {
  const lines = text.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n");
  return blocksOf(lines, 0);
}

function blocksOf(lines, depth) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const [block, end] = blockAt(lines, at, depth);
    blocks.push({ ...block, source: lines.slice(at, end).join("\n") });
    at = end;
  }
  return blocks;
}

/** Return the block that begins at line `at`, and the line after it. */
function blockAt(lines, at, depth) {
  const nested = depth < MAX_DEPTH;
  return (
    code(lines, at) ??
    heading(lines, at) ??
    rule(lines, at) ??
    (nested ? quote(lines, at, depth) : null) ??
    (nested ? list(lines, at, depth) : null) ??
    table(lines, at) ??
    paragraph(lines, at)
  );
}

function code(lines, at) {
  const opening = FENCE.exec(lines[at]);
  if (!opening) return null;
  const [, indent, fence, language] = opening;
  let end = at + 1;
  while (end < lines.length && !closes(lines[end], fence)) end += 1;
  const inside = lines.slice(at + 1, end).map((line) => dedent(line, indent.length));
  const block = { kind: "code", language: language.trim().split(" ", 1)[0], text: inside.join("\n") };
  return [block, Math.min(end + 1, lines.length)];
}

function closes(line, fence) {
  const bare = line.trim();
  return bare.length >= fence.length && bare === fence[0].repeat(bare.length);
}

function heading(lines, at) {
  const found = HEADING.exec(lines[at]);
  if (!found) return null;
  const text = withoutClosingMarks(lines[at].slice(found[0].length).trim());
  return [{ kind: "heading", level: found[1].length, text }, at + 1];
}

function withoutClosingMarks(text) {
  let end = text.length;
  while (text[end - 1] === "#") end -= 1;
  return end === 0 || text[end - 1] === " " ? text.slice(0, end).trimEnd() : text;
}

function rule(lines, at) {
  return isRule(lines[at]) ? [{ kind: "rule" }, at + 1] : null;
}

/** A rule is short; what is not would make the pattern look at it again and again. */
function isRule(line) {
  return line.length <= 200 && RULE.test(line);
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  if (end === at) return null;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [{ kind: "quote", blocks: blocksOf(inside, depth + 1) }, end];
}

function list(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  if (!first || first[1].length > 3) return null;
  const items = [];
  let end = at;
  while (end < lines.length && isSibling(lines[end], first)) {
    const itemEnd = endOfItem(lines, end, first[1].length);
    items.push(itemOf(lines.slice(end, itemEnd), depth));
    end = nextFilled(lines, itemEnd);
    if (end < lines.length && !isSibling(lines[end], first)) end = itemEnd;
  }
  const start = isOrdered(first) ? Number.parseInt(first[2], 10) : null;
  return [{ kind: "list", start, items }, end];
}

function isSibling(line, first) {
  const found = ITEM.exec(line);
  if (!found || found[1].length > first[1].length + 1 || isRule(line)) return false;
  return isOrdered(found) === isOrdered(first);
}

function isOrdered(marker) {
  return marker[2].length > 1;
}

/** An item goes on while lines are indented below it; models often indent by two where three is due. */
function endOfItem(lines, at, indent) {
  let end = at + 1;
  while (end < lines.length) {
    const filled = nextFilled(lines, end);
    if (filled === lines.length) return end;
    const isInside = indentOf(lines[filled]) >= indent + 2;
    const isLazy = filled === end && !startsBlock(lines[filled]);
    if (!isInside && !isLazy) return end;
    end = filled + 1;
  }
  return end;
}

function itemOf(lines, depth) {
  const width = ITEM.exec(lines[0])[0].length;
  const first = lines[0].slice(width);
  const task = TASK.exec(first);
  const rest = lines.slice(1).map((line) => dedent(line, width));
  const inside = [task ? first.slice(task[0].length) : first, ...rest];
  return { checked: task && task[1] !== " ", blocks: blocksOf(inside, depth + 1) };
}

function table(lines, at) {
  const under = lines[at + 1] ?? "";
  if (!lines[at].includes("|") || !under.includes("-") || !DELIMITER_ROW.test(under)) return null;
  const head = cellsOf(lines[at]);
  const align = cellsOf(under).map(alignment);
  if (head.length !== align.length || head.length > MAX_COLUMNS) return null;
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => fitted(cellsOf(line), head.length));
  return [{ kind: "table", align, head, rows }, end];
}

function cellsOf(line) {
  const cells = [""];
  const bare = line.trim().replace(/^\|/, "");
  for (let at = 0; at < bare.length; at += 1) {
    if (bare[at] === "\\" && bare[at + 1] === "|") {
      cells[cells.length - 1] += "|";
      at += 1;
    } else if (bare[at] === "|") cells.push("");
    else cells[cells.length - 1] += bare[at];
  }
  if (bare.endsWith("|")) cells.pop();
  return cells.map((cell) => cell.trim());
}

function fitted(cells, columns) {
  return Array.from({ length: columns }, (_, column) => cells[column] ?? "");
}

function alignment(cell) {
  if (cell.startsWith(":") && cell.endsWith(":")) return "center";
  return cell.endsWith(":") ? "end" : "start";
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !startsBlock(lines[end])) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n");
  return [{ kind: "paragraph", text: text.trimEnd() }, end];
}

function startsBlock(line) {
  return [FENCE, HEADING, QUOTE, ITEM].some((pattern) => pattern.test(line)) || isRule(line);
}

function isBlank(line) {
  return line.trim() === "";
}

function nextFilled(lines, at) {
  while (at < lines.length && isBlank(lines[at])) at += 1;
  return at;
}

function indentOf(line) {
  return line.length - line.trimStart().length;
}

function dedent(line, width) {
  return line.slice(Math.min(indentOf(line), width));
}
