/**
 * Foreign HTML made harmless: the first of three layers.  The second is the frame's sandbox (no scripts), the third the policy
 * of the frame's own page (`/mail/frame`), which would hold even if this one let everything through.
 */

import DOMPurify from "dompurify";
import { otherHost } from "./reading/lookalike";

const FORBIDDEN_TAGS = [
  "style", "form", "input", "button", "select", "textarea", "option", "svg", "math", "iframe", "frame", "frameset", "object", "embed",
  "base", "link", "meta", "audio", "video", "source", "track", "template", "dialog", "portal", "canvas", "map", "area",
];
const FORBIDDEN_ATTRIBUTES = ["id", "name", "class", "srcset", "ping", "poster", "action", "formaction", "autofocus", "tabindex"];
const STYLE_URL = /url\s*\(|image-set|@import|expression|var\s*\(|(?:^|[;\s])position\s*:|attr\s*\(|(?:^|[;\s])content\s*:/i;
/** Nobody writes a longer style, and it costs time whenever it is looked at. */
const STYLE_MAX = 4096;
const BACKGROUND = /^url\(["']?((?:https?:)?\/\/[^"')]+)["']?\)$/i;

/** Something on another host that the letter wants to be fetched. */
export interface Remote {
  node: HTMLElement;
  url: string;
  kind: "image" | "background" | "pixel";
}

/** What is in it that its reader should know of. */
export interface Found {
  remote: Remote[];
  /** Links whose text names another host than they lead to. */
  links: { text: string; host: string }[];
  /** Content ids of the images that came with the letter. */
  cids: string[];
}

export interface Safe extends Found {
  fragment: DocumentFragment;
}

/** One for each window, as each may make its trusted types only once. */
const purifiers = new WeakMap<Window, ReturnType<typeof DOMPurify>>();

const CONFIG = {
  FORBID_TAGS: FORBIDDEN_TAGS,
  FORBID_ATTR: FORBIDDEN_ATTRIBUTES,
  ALLOW_DATA_ATTR: false,
  ADD_ATTR: ["background"],
  ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto|cid|data):|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
};

/** Elements that a piece may leave open: browsers look through all that are open at every tag, so 16,000 take ten seconds. */
const OPEN_AT_ONCE = 700;
/** Elements that hold nothing, or end by themselves. */
const SHALLOW = /^(?:area|br|col|dd|dt|hr|img|input|li|link|meta|option|p|td|th|tr|wbr)$/i;

/** As much of it as leaves no more open than a parser goes through quickly. */
export function shallowPart(html: string, most = OPEN_AT_ONCE): string {
  let open = 0;
  for (const tag of html.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    if (SHALLOW.test(tag[2]!)) continue;
    open = Math.max(0, open + (tag[1] ? -1 : 1));
    if (open > most) return html.slice(0, tag.index);
  }
  return html;
}

/**
 * `view`: the window whose page will show it, because the policy of that page decides which styles are kept.
 * `classes`: names of classes that stay.
 */
export function makeSafe(html: string, view: Window = window, classes: readonly string[] = []): Safe {
  const found: Found = { remote: [], links: [], cids: [] };
  const purifier = prepare(view, found, classes);
  let piece = shallowPart(html);
  const fragment = purifier.sanitize(piece, { ...CONFIG, RETURN_DOM_FRAGMENT: true });
  // Deeper than any letter of a person: it goes on beside what was left open.
  for (let at = piece.length; at < html.length; at += piece.length) {
    piece = shallowPart(html.slice(at));
    fragment.append(purifier.sanitize(piece, { ...CONFIG, RETURN_DOM_FRAGMENT: true }));
  }
  return { fragment, ...found };
}

/** The same for an element that was parsed in this window, with all below it; false where the element itself may not be. */
export function makeSafeInPlace(element: Element, view: Window, found: Found): boolean {
  try {
    prepare(view, found, []).sanitize(element, { ...CONFIG, IN_PLACE: true });
    return true;
  } catch {
    return false; // a root that is forbidden
  }
}

function prepare(view: Window, found: Found, classes: readonly string[]): ReturnType<typeof DOMPurify> {
  const purifier = purifiers.get(view) ?? DOMPurify(view as unknown as typeof window);
  purifiers.set(view, purifier);
  purifier.removeAllHooks();
  purifier.addHook("uponSanitizeAttribute", (_, attribute) => {
    if (attribute.attrName === "class" && classes.includes(attribute.attrValue)) attribute.forceKeepAttr = true;
    if (attribute.attrName === "style" && attribute.attrValue.length > STYLE_MAX) attribute.keepAttr = false;
  });
  purifier.addHook("afterSanitizeAttributes", (node) => {
    const element = node as HTMLElement;
    const ground = takeBackground(element);
    if (ground) found.remote.push({ node: element, url: ground, kind: "background" });
    if (node.tagName === "IMG") takeImage(element as HTMLImageElement, found.remote, found.cids);
    if (node.tagName === "A") takeLink(element, found.links);
  });
  return purifier;
}

function takeLink(link: HTMLElement, links: Found["links"]): void {
  const target = (link.getAttribute("href") ?? "").trim();
  if (!/^(https?|mailto):/i.test(target)) {
    // A relative address would lead to our own pages.
    link.removeAttribute("href");
    return;
  }
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer nofollow");
  const named = /^https?:/i.test(target) ? otherHost((link.textContent ?? "").slice(0, 500), target) : "";
  if (named) {
    const host = new URL(target).hostname;
    link.setAttribute("title", `→ ${host}`);
    links.push({ text: named, host });
  }
}

function takeImage(image: HTMLImageElement, remote: Remote[], cids: string[]): void {
  const source = (image.getAttribute("src") ?? "").trim();
  if (/^cid:/i.test(source)) {
    const cid = decodeURIComponentSafely(source.slice(4));
    cids.push(cid);
    image.removeAttribute("src");
    image.setAttribute("data-cid", cid);
  } else if (!/^data:image\/(png|gif|jpeg|webp);/i.test(source)) {
    image.removeAttribute("src");
    const url = absolute(source);
    if (url) remote.push({ node: image, url, kind: isPixel(image) ? "pixel" : "image" });
  }
}

/** Takes what a style or the attribute `background` would fetch; its URL.  Other declarations that could fetch or cover are dropped. */
function takeBackground(element: HTMLElement): string {
  let found = "";
  const attribute = element.getAttribute("background");
  if (attribute !== null) {
    found = absolute(attribute.trim());
    element.removeAttribute("background");
  }
  const style = element.getAttribute("style");
  // A backslash may spell any of these words another way; what the browser made of it is looked at then.
  if (style === null || !(STYLE_URL.test(style) || style.includes("\\"))) return found;
  const named = BACKGROUND.exec(element.style.backgroundImage);
  if (named) found = absolute(named[1]!);
  for (const name of [...element.style]) {
    const value = element.style.getPropertyValue(name);
    if (!value || name === "position" || name === "content" || STYLE_URL.test(value)) element.style.removeProperty(name);
  }
  if (STYLE_URL.test(element.getAttribute("style") ?? "")) element.removeAttribute("style");
  return found;
}

function absolute(source: string): string {
  if (/^https?:\/\//i.test(source)) return source;
  return source.startsWith("//") ? `https:${source}` : "";
}

/** Too small to be seen, or hidden: it is there to report that the letter was opened. */
function isPixel(image: HTMLImageElement): boolean {
  const side = (name: "width" | "height") => {
    const text = image.style[name] || image.getAttribute(name) || "";
    return text === "" || text.endsWith("%") ? Infinity : parseFloat(text);
  };
  const hidden = image.style.display === "none" || image.style.visibility === "hidden" || image.style.opacity === "0";
  return hidden || image.hasAttribute("hidden") || side("width") <= 2 || side("height") <= 2;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
