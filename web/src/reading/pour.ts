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
/** Nobody writes a longer style, and it costs time whenever it is looked at. */
const STYLE_MAX = 4096;
/** Time of the page's thread before others have their turn. */
const TURN_MS = 20;
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
  if (html.length <= AT_ONCE && shallowPart(html, DEPTH_MAX).length === html.length) {
    const { fragment, ...found } = makeSafe(html, view);
    page.body.append(page.adoptNode(fragment));
    return found;
  }
  const found: Found = { remote: [], links: [], cids: [] };
  const sheet: Sheet = { room: 0, next: FIRST_SHEET, height: 0 };
  let open = "";
  for (const piece of slices(html)) {
    const parsed = new (view as unknown as typeof globalThis).DOMParser().parseFromString(`${open}${piece}<!--${CUT}-->`, "text/html");
    open = openTags(parsed);
    await rest();
    if (stopped()) break; // the page may be another letter's by now
    await takeOver(parsed.body ?? parsed.documentElement, page, found, sheet, stopped);
    if (stopped()) break;
  }
  return found;
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

function cutText(text: Text): void {
  if (text.length > TEXT_MAX) text.splitText(isHalf(text.data, TEXT_MAX) ? TEXT_MAX - 1 : TEXT_MAX);
}

/** Between the halves of one character. */
const isHalf = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** All that is in it, in its order; long texts are cut, and what is too much for any browser is taken away. */
function bounded(root: Element): Node[] {
  const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  const all: Node[] = [];
  const depths = new Map<Node, number>([[root, 0]]);
  let tooDeep = false;
  for (let one = walker.nextNode(); one !== null; one = walker.nextNode()) {
    if (one.nodeType === Node.TEXT_NODE) cutText(one as Text);
    else {
      const element = one as Element;
      const depth = depths.get(element.parentNode!)! + (element.tagName === "BLOCKQUOTE" ? QUOTE_DEPTH : 1);
      if (depth > DEPTH_MAX && element.firstElementChild !== null) {
        tooDeep = true;
        walker.currentNode = all.at(-1) ?? root;
        flatten(element);
        continue;
      }
      depths.set(element, depth);
      if ((element.getAttribute("style")?.length ?? 0) > STYLE_MAX) element.removeAttribute("style");
    }
    all.push(one);
  }
  // What stood around it is left behind in every piece.
  if (tooDeep) for (const one of all.toReversed()) if (isHollow(one)) one.remove();
  return all;
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

/** What is below each, its elements and its text. */
function weigh(all: Node[]): WeakMap<Node, number> {
  const found = new WeakMap<Node, number>();
  for (const one of all.reverse()) {
    const own = one.nodeType === Node.TEXT_NODE ? (one as Text).length / CHARACTERS : one.nodeName === "IMG" ? PICTURE : 1;
    const weight = (found.get(one) ?? 0) + own;
    found.set(one, weight);
    const up = one.parentNode;
    if (up) found.set(up, (found.get(up) ?? 0) + weight);
  }
  return found;
}

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

async function takeOver(root: Element, page: Document, found: Found, sheet: Sheet, stopped: () => boolean): Promise<void> {
  const view = page.defaultView!;
  const weights = weigh(bounded(root));
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
      const weight = weights.get(node) ?? 1;
      if (weight > BRANCH) break;
      top.next = node.nextSibling;
      branch.append(node);
      held += weight;
    }
    sheet.room -= held;
    if (held > 0 && makeSafeInPlace(branch, view, found)) top.out.append(...[...branch.childNodes].map((one) => page.adoptNode(one)));
    const large = held < BRANCH ? top.next : null;
    if (large !== null) {
      top.next = large.nextSibling;
      const element = large as Element;
      const shell = element.cloneNode(false) as Element;
      const allowed = makeSafeInPlace(shell, view, found);
      if (allowed) top.out.append(page.adoptNode(shell));
      // What may not be goes; what it holds may stay.
      if (allowed || !DROPPED.has(element.tagName)) stack.push({ next: element.firstChild, shell: allowed ? shell : null, out: allowed ? shell : top.out });
      sheet.room -= allowed ? 1 : 0;
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
