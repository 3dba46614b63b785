/**
 * A long letter made safe and shown while the page goes on working: parsed in the frame's window, then taken over branch by branch into
 * sheets that are laid out each by itself.  What was made safe is never written out and parsed again.
 */

import { makeSafe, makeSafeInPlace, shallowPart } from "../safe";
import type { Found } from "../safe";

/** Up to so many characters, a letter is made safe at once. */
const AT_ONCE = 24 * 1024;
/** Characters that are parsed at once; a longer letter is cut between tags. */
const PARSED = 128 * 1024;
/** A branch that is made safe at once. */
const BRANCH = 150;
/** A sheet: however long a table or a line is, the browser lays out no more than that in one piece, and only what is seen.  The first has room for any newsletter. */
const SHEET = 500;
const FIRST_SHEET = 4000;
/** What so many characters weigh as much as: an element. */
const CHARACTERS = 50;
/** What a picture weighs: while it is not loaded, the browser puts elements of its own in its place. */
const PICTURE = 4;
const TEXT_MAX = (BRANCH * CHARACTERS) / 2;
/** Time of the page's thread before others have their turn. */
const TURN_MS = 20;
/** Where others have no end of work, the letter goes on after so long. */
const IDLE = { timeout: 200 };
/** Elements within each other; what is deeper goes on beside them. */
const DEPTH_MAX = 100;
/** How deep a quote counts, which takes room from what it holds: no window is wide enough for more than twenty. */
const QUOTE_DEPTH = 5;
/** What the elements that are open where a letter is cut may take in the next piece. */
const OPEN_MAX = 16 * 1024;
/** Marks in a piece where it was cut. */
const CUT = "cut here";
/** What goes with all it holds; other elements that may not be leave what they hold. */
const DROPPED = new Set([
  "SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "NOEMBED", "NOFRAMES", "PLAINTEXT", "XMP", "svg", "SVG", "math", "MATH", "TEXTAREA", "TITLE",
  "AUDIO", "VIDEO", "OBJECT", "SELECT", "CANVAS", "FRAMESET", "HEAD",
]);

/** What is seen though it holds nothing. */
const SHOWN_EMPTY = /^(IMG|W?BR|HR|T[DH]|COL)$/;

const rest = () => new Promise((resolve) => setTimeout(resolve));
/** Until the browser has nothing else to do: it looks for garbage little by little, or all at once where it never gets round to it. */
const idle = () => ("requestIdleCallback" in window ? new Promise((resolve) => requestIdleCallback(resolve, IDLE)) : rest());

export async function pour(page: Document, html: string, stopped: () => boolean): Promise<Found> {
  try {
    return await pourSafely(page, html, stopped);
  } catch {
    // No page that could be made safe (a frameset instead of a body, say): it is shown as it is written.
    page.body.textContent = html;
    return { remote: [], links: [], cids: [] };
  }
}

async function pourSafely(page: Document, html: string, stopped: () => boolean): Promise<Found> {
  const view = page.defaultView!;
  paint(page, parse(view, String(/<body[^<>]*>/i.exec(html))));
  if (html.length <= AT_ONCE && shallowPart(html, DEPTH_MAX).length === html.length) {
    const { fragment, ...found } = makeSafe(html, view);
    page.body.append(page.adoptNode(fragment));
    return found;
  }
  const found: Found = { remote: [], links: [], cids: [] };
  const sheet: Sheet = { room: 0, next: FIRST_SHEET, height: 0 };
  let open = "";
  let seen = false;
  for (const piece of slices(html)) {
    const written = open + piece;
    const parsed = parse(view, `${written}<!--${CUT}-->`);
    open = openTags(parsed);
    await (seen ? idle() : rest()); // what is seen first comes at once
    seen = true;
    if (stopped()) break; // the page may be another letter's by now
    const root = parsed.body ?? parsed.documentElement;
    if (shallowPart(written, DEPTH_MAX / QUOTE_DEPTH).length < written.length) bounded(root);
    await takeOver(root, page, found, sheet, stopped);
    if (stopped()) break;
  }
  return found;
}

const parse = (view: Window, html: string): Document => new (view as unknown as typeof globalThis).DOMParser().parseFromString(html, "text/html");

/** The ground of a letter's page, and the colour of what stands on it: light letters were meant for a dark one. */
function paint(page: Document, { bgColor, fgColor, body: { style } }: Document): void {
  const ground = style.backgroundColor || bgColor;
  page.bgColor = bgColor;
  page.fgColor = ground && fgColor;
  page.body.style.cssText = ground && `background:${style.backgroundColor};color:${style.color}`;
}

/** The elements that the next piece goes on in, as a table that was cut. */
function openTags(parsed: Document): string {
  const comments = parsed.createTreeWalker(parsed, NodeFilter.SHOW_COMMENT);
  let last: Node | null = null;
  for (let one = comments.nextNode(); one !== null; one = comments.nextNode()) last = one;
  const open: Element[] = [];
  for (let one = last?.nodeValue === CUT ? last.parentElement : null; one !== null && one !== parsed.body; one = one.parentElement) open.push(one);
  const outer = open.reverse().slice(0, DEPTH_MAX);
  const tags = outer.map((one) => (one.cloneNode(false) as Element).outerHTML.replace(/<\/[^>]*>$/, "")).join("");
  return tags.length > OPEN_MAX ? "" : tags;
}

/** Between the halves of one character. */
const isHalf = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** What is deeper than any browser lays out in time goes on beside it. */
function bounded(root: Element): void {
  const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
  const all: Element[] = [];
  const depths = new Map<Node, number>([[root, 0]]);
  let tooDeep = false;
  for (let one = walker.nextNode() as Element | null; one !== null; one = walker.nextNode() as Element | null) {
    const depth = depths.get(one.parentNode!)! + (one.tagName === "BLOCKQUOTE" ? QUOTE_DEPTH : 1);
    if (depth > DEPTH_MAX && one.firstElementChild !== null) {
      tooDeep = true;
      walker.currentNode = all.at(-1) ?? root;
      flatten(one);
    } else {
      depths.set(one, depth);
      all.push(one);
    }
  }
  // What stood around it is left behind in every piece.
  if (tooDeep) for (const one of all.toReversed()) if (isHollow(one)) one.remove();
}

/** An element that shows nothing but itself, and not much of that. */
const isHollow = (one: Node): one is Element => one.nodeType !== Node.TEXT_NODE && one.firstChild === null && !SHOWN_EMPTY.test(one.nodeName);

/** In its place, in their order, the texts and the innermost elements that it holds: each is moved once, not once for each element around it. */
function flatten(element: Element): void {
  if (DROPPED.has(element.tagName)) return element.remove();
  for (const one of element.querySelectorAll([...DROPPED].join())) one.remove();
  const walker = element.ownerDocument.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  const kept: Node[] = [];
  for (let one = walker.nextNode(); one !== null; one = walker.nextNode()) {
    const isText = one.nodeType === Node.TEXT_NODE;
    const holder = isText ? one.parentElement! : (one as Element);
    if (!isHollow(one) && isText === !!holder.firstElementChild) kept.push(one);
  }
  element.replaceWith(...kept);
}

/** A node with all below it, counted by the browser: a script that looks at each node keeps them all from being forgotten. */
function weigh(node: Node): number {
  if (node.nodeType === Node.TEXT_NODE) return (node as Text).length / CHARACTERS;
  if (!isElement(node)) return 0;
  return 1 + (node.textContent?.length ?? 0) / CHARACTERS + node.querySelectorAll("*").length + (PICTURE - 1) * (node.querySelectorAll("img").length + (node.nodeName === "IMG" ? 1 : 0));
}

// Nodes of another window are no `Element` of this one.
const isElement = (node: Node): node is Element => node.nodeType === Node.ELEMENT_NODE;

interface Level {
  next: ChildNode | null;
  /** The element that this level fills; none where it was not allowed, and what it holds goes to the level before. */
  shell: Element | null;
  out: Element;
}

/** A sheet with the elements that are open, as they are on the one before. */
function turnPage(page: Document, stack: Level[], sheet: Sheet): void {
  const div = page.createElement("div");
  if (sheet.height > 0) putOff(div, sheet.height);
  page.body.append(div);
  let out: Element = div;
  for (const level of stack) {
    if (level.shell !== null) {
      level.shell = level.shell.cloneNode(false) as Element;
      out.append(level.shell);
      out = level.shell;
    }
    level.out = out;
  }
}

interface Sheet {
  /** What it can still take. */
  room: number;
  /** What the next will have room for. */
  next: number;
  /** How high one of the later ones will be, by what the first one is. */
  height: number;
}

/** Laid out when somebody comes to see it; a search in the page finds what it holds all the same. */
function putOff(sheet: HTMLElement, height: number): void {
  sheet.style.contentVisibility = "auto";
  sheet.style.containIntrinsicBlockSize = `auto ${height}px`;
  sheet.style.overflowX = "auto"; // what is wider would be cut off
}

/** A text that is too much for a branch. */
function cutText(text: Text): void {
  text.splitText(isHalf(text.data, TEXT_MAX) ? TEXT_MAX - 1 : TEXT_MAX);
}

const REMOTE = "data-remote";

/**
 * It made safe, as a copy in the page; none where it may not be.  What was looked at attribute by attribute keeps an object for each of
 * them as long as it lives: of a copy the browser has half as much to look through whenever it collects garbage.
 */
function takeSafe(element: Element, page: Document, found: Found): Element | null {
  const from = found.remote.length;
  if (!makeSafeInPlace(element, page.defaultView!, found)) return null;
  const remote = found.remote.slice(from);
  for (const one of remote) one.node.setAttribute(REMOTE, "");
  const copy = page.importNode(element, true);
  if (remote.length === 0) return copy;
  const marked = (one: Element) => [...(one.hasAttribute(REMOTE) ? [one] : []), ...one.querySelectorAll(`[${REMOTE}]`)] as HTMLElement[];
  const copies = marked(copy);
  const twins = new Map(marked(element).map((one, at) => [one, copies[at]!]));
  for (const one of remote) one.node = twins.get(one.node) ?? one.node;
  for (const one of copies) one.removeAttribute(REMOTE);
  return copy;
}

/** All that it holds, moved by the browser at once. */
function inside(element: Element): DocumentFragment {
  const range = element.ownerDocument.createRange();
  range.selectNodeContents(element);
  return range.extractContents();
}

async function takeOver(root: Element, page: Document, found: Found, sheet: Sheet, stopped: () => boolean): Promise<void> {
  const stack: Level[] = [{ next: root.firstChild, shell: null, out: page.body }];
  if (sheet.room > 0) turnPage(page, stack, sheet);
  let until = performance.now() + TURN_MS;
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    if (sheet.room <= 0) {
      turnPage(page, stack, sheet);
      sheet.room = sheet.next;
      sheet.next = SHEET;
    }
    // Neighbours that are small go together.
    const branch = root.ownerDocument.createElement("div");
    let held = 0;
    while (top.next !== null && held < BRANCH) {
      const node: ChildNode = top.next;
      const weight = weigh(node);
      if (weight > BRANCH) break;
      top.next = node.nextSibling;
      branch.append(node);
      held += weight;
    }
    sheet.room -= held;
    if (held > 0) {
      const safe = takeSafe(branch, page, found);
      if (safe !== null) top.out.append(inside(safe));
    }
    const large = held < BRANCH ? top.next : null;
    if (large !== null && !isElement(large)) cutText(large as Text);
    else if (large !== null) {
      top.next = large.nextSibling;
      const shell = takeSafe(large.cloneNode(false) as Element, page, found);
      if (shell !== null) top.out.append(shell);
      // What may not be goes; what it holds may stay.
      if (shell !== null || !DROPPED.has(large.tagName)) stack.push({ next: large.firstChild, shell, out: shell ?? top.out });
      sheet.room -= shell === null ? 0 : 1;
    } else if (top.next === null) stack.pop();
    // The first is laid out now, whole.
    if (sheet.room <= 0 && sheet.height === 0) sheet.height = Math.ceil((page.body.offsetHeight * SHEET) / FIRST_SHEET) || 1;
    if (performance.now() > until) {
      await rest();
      if (stopped()) return;
      until = performance.now() + TURN_MS;
    }
  }
}

const ENDS = ["</p>", "</div>", "</table>", "</tr>", "</li>", "<br>", ">"];

function* slices(html: string): Generator<string> {
  for (let at = 0; at < html.length; ) {
    let end = Math.min(html.length, at + PARSED);
    if (end < html.length) {
      const half = at + PARSED / 2;
      const second = html.slice(half, end);
      const tag = ENDS.find((one) => second.includes(one));
      if (tag) end = half + second.lastIndexOf(tag) + tag.length;
      else if (isHalf(html, end)) end -= 1;
    }
    const piece = shallowPart(html.slice(at, end));
    yield piece;
    at += piece.length;
  }
}
