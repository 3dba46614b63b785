/**
 * Foreign HTML made harmless: the first of three layers.  The second is the frame's sandbox (no scripts), the third the policy
 * of the frame's own page (`/mail/frame`), which would hold even if this one let everything through.
 */

import DOMPurify from "dompurify";

const FORBIDDEN_TAGS = [
  "style", "form", "input", "button", "select", "textarea", "option", "svg", "math", "iframe", "frame", "frameset", "object", "embed",
  "base", "link", "meta", "audio", "video", "source", "track", "template", "dialog", "portal", "canvas", "map", "area",
];
const FORBIDDEN_ATTRIBUTES = ["id", "name", "class", "srcset", "background", "ping", "poster", "action", "formaction", "autofocus", "tabindex"];
const STYLE_URL = /url\s*\(|image-set|@import|expression|var\s*\(|position\s*:/i;

export interface Safe {
  fragment: DocumentFragment;
  /** Images of other hosts that are not shown. */
  blocked: number;
  /** Content ids of the images that came with the letter. */
  cids: string[];
}

/** `view`: the window whose page will show it, because the policy of that page decides which styles are kept. */
export function makeSafe(html: string, view: Window = window): Safe {
  let blocked = 0;
  const cids: string[] = [];
  const purifier = DOMPurify(view as unknown as typeof window);
  purifier.addHook("afterSanitizeAttributes", (node) => {
    const style = node.getAttribute("style");
    if (style !== null && STYLE_URL.test(style)) node.removeAttribute("style");
    if (node.tagName === "IMG") {
      const source = (node.getAttribute("src") ?? "").trim();
      if (/^cid:/i.test(source)) {
        const cid = decodeURIComponentSafely(source.slice(4));
        cids.push(cid);
        node.removeAttribute("src");
        node.setAttribute("data-cid", cid);
      } else if (!/^data:image\/(png|gif|jpeg|webp);/i.test(source)) {
        if (source) blocked += 1;
        node.removeAttribute("src");
      }
    }
    if (node.tagName === "A") {
      const target = (node.getAttribute("href") ?? "").trim();
      if (/^(https?|mailto):/i.test(target)) {
        node.setAttribute("target", "_blank");
        node.setAttribute("rel", "noopener noreferrer nofollow");
      } else {
        // A relative address would lead to our own pages.
        node.removeAttribute("href");
      }
    }
  });
  const fragment = purifier.sanitize(html, {
    FORBID_TAGS: FORBIDDEN_TAGS,
    FORBID_ATTR: FORBIDDEN_ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto|cid|data):|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
    RETURN_DOM_FRAGMENT: true,
  });
  return { fragment, blocked, cids };
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
