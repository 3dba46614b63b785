/**
 * The frames that letters are shown in.  To load one takes longer than to fill it, so a frame that was left is kept, empty, for the next
 * letter, and one is loaded before the first; where a browser cannot move it without loading it again, each letter has a new one.
 */

const KEPT = 3;
/** A frame that held more is taken away whole: that is quicker than to empty it. */
const EMPTIED_MAX = 5000;
const PAGE = "/mail/frame";

const kept: HTMLIFrameElement[] = [];
const moves = "moveBefore" in Element.prototype;

/** The page in it, once it is there; none where the frame was led elsewhere. */
function pageOf(frame: HTMLIFrameElement): Document | null {
  const page = frame.contentDocument;
  return page?.body && page.readyState === "complete" && page.location.pathname === PAGE ? page : null;
}

function load(into: Element): HTMLIFrameElement {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  frame.src = PAGE;
  into.append(frame);
  return frame;
}

/** Where frames wait: in the page, as one that is taken out of it loads again. */
function shelf(): Element {
  const found = document.getElementById("frames");
  if (found !== null) return found;
  const made = document.createElement("div");
  made.id = "frames";
  made.hidden = true;
  document.body.append(made);
  return made;
}

/** Have one before it is needed. */
export function spare(): void {
  if (!moves || kept.length > 0) return;
  const frame = load(shelf());
  frame.addEventListener("load", () => (pageOf(frame) === null ? frame.remove() : kept.push(frame)), { once: true });
}

/** A frame in this place; `fill` gets its page, empty, as soon as it is there, and again where somebody has it loaded anew. */
export function take(place: Element, left: AbortSignal, fill: (page: Document) => void): HTMLIFrameElement {
  const waiting = kept.pop();
  if (waiting !== undefined) place.moveBefore(waiting, null);
  const frame = waiting ?? load(place);
  frame.className = "body";
  const loaded = () => {
    const page = pageOf(frame);
    if (page !== null) fill(page);
  };
  frame.addEventListener("load", loaded, { signal: left });
  if (waiting !== undefined) loaded();
  return frame;
}

/** The letter is not shown any more. */
export function leave(frame: HTMLIFrameElement): void {
  const page = pageOf(frame);
  if (!moves || page === null || kept.length >= KEPT || page.body.getElementsByTagName("*").length > EMPTIED_MAX) {
    frame.remove();
    return;
  }
  page.body.replaceChildren();
  frame.className = "";
  frame.removeAttribute("style");
  shelf().moveBefore(frame, null);
  kept.push(frame);
}
