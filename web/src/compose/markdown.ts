/** Formatting as people type it in Markdown: at the start of a line before a blank, and pairs of signs around words. */

import type Squire from "squire-rte";

const LINES: Record<string, (squire: Squire) => void> = {
  "-": (squire) => squire.makeUnorderedList(),
  "*": (squire) => squire.makeUnorderedList(),
  "1.": (squire) => squire.makeOrderedList(),
  ">": (squire) => squire.increaseQuoteLevel(),
  "```": (squire) => squire.code(),
  "#": (squire) => squire.setFontSize("24px"),
  "##": (squire) => squire.setFontSize("20px"),
};
const PAIRS: readonly [RegExp, string][] = [
  [/(?:^|[^*])\*\*([^*\s](?:[^*]*[^*\s])?)\*$/, "B"],
  [/(?:^|[^\w_])_([^_\s](?:[^_]*[^_\s])?)$/, "I"],
  [/(?:^|[^~])~~([^~\s](?:[^~]*[^~\s])?)~$/, "S"],
  [/(?:^|[^`])`([^`\s](?:[^`]*[^`\s])?)$/, "CODE"],
];
const CLOSING: Record<string, string> = { "*": "B", "_": "I", "~": "S", "`": "CODE" };

/** True: the key made a format, and is not to be written. */
export function typed(squire: Squire, key: string): boolean {
  if (key !== " " && !(key in CLOSING)) return false;
  const range = squire.getSelection();
  const node = range.startContainer;
  if (!range.collapsed || !(node instanceof Text) || node.parentElement?.closest("pre, code")) return false;
  const before = node.data.slice(0, range.startOffset);
  return key === " " ? line(squire, node, before) : pair(squire, node, before, key, range.startOffset);
}

function line(squire: Squire, node: Text, before: string): boolean {
  const make = LINES[before.replaceAll("\u200B", "")]; // a sign of the editor's own, of no width
  if (make === undefined || !startsLine(node)) return false;
  squire.saveUndoState();
  remove(squire, node, 0, before.length);
  make(squire);
  return true;
}

function startsLine(node: Text): boolean {
  let at: Node = node;
  for (; !(at instanceof HTMLElement && /^(DIV|P|LI|BLOCKQUOTE)$/.test(at.tagName)); at = at.parentNode!) if (at.previousSibling?.textContent) return false;
  return !(at as HTMLElement).closest("ul, ol");
}

function pair(squire: Squire, node: Text, before: string, key: string, offset: number): boolean {
  const found = PAIRS.find(([pattern, tag]) => tag === CLOSING[key] && pattern.test(before));
  if (found === undefined) return false;
  const words = found[0].exec(before)![1]!;
  const signs = found[1] === "B" || found[1] === "S" ? 2 : 1;
  const start = before.lastIndexOf(words) - signs;
  squire.saveUndoState();
  // The closing sign that stands there already, then the opening ones.
  if (signs === 2) remove(squire, node, offset - 1, offset);
  remove(squire, node, start, start + signs);
  const range = document.createRange();
  range.setStart(node, start);
  range.setEnd(node, start + words.length);
  squire.setSelection(range);
  squire.changeFormat({ tag: found[1] });
  const end = squire.getSelection();
  end.collapse(false);
  squire.setSelection(end);
  squire.changeFormat(null, { tag: found[1] });
  return true;
}

function remove(squire: Squire, node: Text, from: number, to: number): void {
  node.deleteData(from, to - from);
  const range = document.createRange();
  range.setStart(node, from);
  range.collapse(true);
  squire.setSelection(range);
}
