/**
 * A long letter made safe and shown while the page goes on working: parsed in the frame's window, then taken over branch by
 * branch.  No element is ever written out and parsed again.
 */

import { makeSafe, makeSafeInPlace } from "../safe";
import type { Found } from "../safe";

/** Up to so many characters, a letter is made safe at once. */
const AT_ONCE = 24 * 1024;
/** Characters that are parsed at once; a longer letter is cut between tags. */
const PARSED = 512 * 1024;
/** Elements of a branch that is made safe at once. */
const BRANCH = 150;
/** Time of the page's thread before others have their turn. */
const TURN_MS = 20;
const DEPTH_MAX = 200;
/** What goes with all it holds; other elements that may not be leave what they hold. */
const DROPPED = new Set([
  "SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "NOEMBED", "NOFRAMES", "PLAINTEXT", "XMP", "svg", "SVG", "math", "MATH", "TEXTAREA", "TITLE",
  "AUDIO", "VIDEO", "OBJECT", "SELECT", "CANVAS", "FRAMESET", "HEAD",
]);

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
  if (html.length <= AT_ONCE) {
    const { fragment, ...found } = makeSafe(html, view);
    page.body.append(page.adoptNode(fragment));
    return found;
  }
  const found: Found = { remote: [], links: [], cids: [] };
  for (const piece of slices(html)) {
    const parsed = new (view as unknown as typeof globalThis).DOMParser().parseFromString(piece, "text/html");
    await rest();
    await takeOver(parsed.body ?? parsed.documentElement, page, found, stopped);
    if (stopped()) break;
  }
  return found;
}

/** How many elements are below each; one walk. */
function sizes(root: Element): WeakMap<Node, number> {
  const found = new WeakMap<Node, number>();
  for (const one of [...root.querySelectorAll("*")].reverse()) {
    const size = (found.get(one) ?? 0) + 1;
    found.set(one, size);
    const up = one.parentNode;
    if (up) found.set(up, (found.get(up) ?? 0) + size);
  }
  return found;
}

async function takeOver(root: Element, page: Document, found: Found, stopped: () => boolean): Promise<void> {
  const view = page.defaultView!;
  const below = sizes(root);
  const stack: { next: ChildNode | null; out: Element }[] = [{ next: root.firstChild, out: page.body }];
  let until = performance.now() + TURN_MS;
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    // Neighbours that are small go together.
    const branch = root.ownerDocument.createElement("div");
    let held = 0;
    while (top.next !== null && held < BRANCH) {
      const node: ChildNode = top.next;
      const size = below.get(node) ?? 1;
      if (size > BRANCH) break;
      top.next = node.nextSibling;
      branch.append(node);
      held += size;
    }
    if (held > 0 && makeSafeInPlace(branch, view, found)) top.out.append(...[...branch.childNodes].map((one) => page.adoptNode(one)));
    const large = held < BRANCH ? top.next : null;
    if (large !== null) {
      top.next = large.nextSibling;
      const element = large as Element;
      const shell = element.cloneNode(false) as Element;
      const allowed = stack.length < DEPTH_MAX && makeSafeInPlace(shell, view, found);
      if (allowed) top.out.append(page.adoptNode(shell));
      // What may not be goes; what it holds may stay.
      if (allowed || !DROPPED.has(element.tagName)) stack.push({ next: element.firstChild, out: allowed ? shell : top.out });
    } else if (top.next === null) stack.pop();
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
      for (const one of ENDS) {
        const cut = html.lastIndexOf(one, end - one.length) + one.length;
        if (cut <= at + PARSED / 2) continue;
        end = cut;
        break;
      }
    }
    yield html.slice(at, end);
    at = end;
  }
}
