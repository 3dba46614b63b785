/** The words of HTML as plain text, the way people would have typed them: the other half of every letter with formats. */

export const BLOCK = /^(ADDRESS|ARTICLE|ASIDE|BLOCKQUOTE|CENTER|DD|DIV|DL|DT|FIGURE|FOOTER|H[1-6]|HEADER|HR|LI|MAIN|OL|P|PRE|SECTION|TABLE|TR|UL)$/;

class Lines {
  readonly done: string[] = [];
  private open = "";
  private waiting = false; // a blank that only counts when a word follows

  word(text: string, kept: boolean): void {
    if (kept) {
      const [first, ...rest] = text.split("\n");
      this.add(first!);
      for (const line of rest) {
        this.break();
        this.add(line);
      }
      return;
    }
    for (const piece of text.split(/([ \t\r\n\f]+)/)) {
      if (!piece) continue;
      if (/^[ \t\r\n\f]/.test(piece)) this.waiting = this.open !== "";
      else this.add(piece);
    }
  }

  private add(text: string): void {
    this.open += (this.waiting ? " " : "") + text.replaceAll("\u00A0", " ").replaceAll("\u200B", "");
    this.waiting = false;
  }

  /** The line ends here, even if it is empty. */
  break(): void {
    this.done.push(this.open.trimEnd());
    this.open = "";
    this.waiting = false;
  }

  /** A block begins or ends: no two texts share a line. */
  edge(): void {
    if (this.open) this.break();
  }

  /** RFC 3676 §4.3: what follows is the signature. */
  cut(): void {
    this.gap();
    this.done.push("-- ");
  }

  gap(): void {
    this.edge();
    if (this.done.length > 0 && this.done[this.done.length - 1] !== "") this.done.push("");
  }
}

export function toText(node: ParentNode): string {
  const lines = new Lines();
  walk(node as unknown as Node, lines, false, 0);
  lines.edge();
  return lines.done.join("\n").replace(/\n{3,}/g, "\n\n").trimEnd();
}

function walk(node: Node, lines: Lines, kept: boolean, depth: number): void {
  for (const child of node.childNodes) {
    if (child.nodeType === 3) lines.word(child.nodeValue ?? "", kept);
    else if (child.nodeType === 1) element(child as HTMLElement, lines, kept, depth);
  }
}

function element(node: HTMLElement, lines: Lines, kept: boolean, depth: number): void {
  const tag = node.tagName;
  if (depth > 200) return lines.word(node.textContent ?? "", kept);
  if (tag === "BR") return lines.break();
  if (tag === "IMG") return lines.word(node.getAttribute("alt") ? `[${node.getAttribute("alt")}]` : "", true);
  if (tag === "HR") {
    lines.edge();
    lines.word("--------", true);
    return lines.edge();
  }
  if (tag === "A") return link(node, lines, kept, depth);
  if (tag === "BLOCKQUOTE") return prefixed(node, lines, () => "> ", depth);
  if (tag === "LI") return item(node, lines, depth);
  if (tag === "TD" || tag === "TH") lines.word(" ", false);
  const block = BLOCK.test(tag);
  const apart = tag === "P" || /^H[1-6]$/.test(tag);
  if (apart) lines.gap();
  else if (block) lines.edge();
  if (node.className === "signature" && node.textContent?.trim()) lines.cut();
  // A line of the editor that is empty is a div with a break alone.
  walk(node, lines, kept || tag === "PRE", depth + 1);
  if (apart) lines.gap();
  else if (block) lines.edge();
}

function link(node: HTMLElement, lines: Lines, kept: boolean, depth: number): void {
  const target = (node.getAttribute("href") ?? "").replace(/^mailto:/i, "");
  const text = (node.textContent ?? "").trim();
  walk(node, lines, kept, depth + 1);
  const bare = (one: string) => one.replace(/^https?:\/\//i, "").replace(/\/$/, "");
  if (target && bare(target) !== bare(text)) lines.word(text ? ` <${target}>` : target, true);
}

function item(node: HTMLElement, lines: Lines, depth: number): void {
  const list = node.parentElement;
  const number = list?.tagName === "OL" ? [...list.children].indexOf(node) + 1 + (Number(list.getAttribute("start") ?? 1) - 1) : 0;
  const sign = number ? `${number}. ` : "- ";
  prefixed(node, lines, (first) => (first ? sign : " ".repeat(sign.length)), depth);
}

function prefixed(node: HTMLElement, lines: Lines, sign: (first: boolean) => string, depth: number): void {
  lines.edge();
  const inner = new Lines();
  walk(node, inner, false, depth + 1);
  inner.edge();
  const found = inner.done.join("\n").replace(/\n{3,}/g, "\n\n").trim().split("\n");
  found.forEach((line, at) => lines.done.push((sign(at === 0) + line).trimEnd()));
}

/** Plain text as HTML that looks the same. */
export function toHtml(text: string): string {
  const escape = (line: string) =>
    line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replace(/ {2}/g, " \u00A0").replace(/^ /, "\u00A0");
  return text.split("\n").map((line) => `<div>${escape(line) || "<br>"}</div>`).join("");
}

export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
