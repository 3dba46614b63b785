/** Signatures: each identity has its own, and a letter has that of whom it is from. */

import type { Identity } from "../jmap";
import { makeSafe } from "../safe";
import { identities } from "../store";
import type { Draft } from "./letter";
import { toHtml } from "./plain";

const CUT = "\n\n-- \n"; // RFC 3676 §4.3

export function htmlOf(identity: Identity | undefined): string {
  if (!identity) return "";
  return identity.htmlSignature?.trim() || (identity.textSignature?.trim() ? toHtml(identity.textSignature.trim()) : "");
}

const textOf = (identity: Identity | undefined): string => (identity?.textSignature?.trim() ? CUT + identity.textSignature.trim() : "");

/** A new letter begins with room for words, then the signature; copies go where the identity wants them. */
export function begun(draft: Draft): Draft {
  if (draft.signed) return draft;
  const identity = identities.value.find((one) => one.id === draft.identity) ?? identities.value[0];
  const html = htmlOf(identity);
  return {
    ...draft,
    signed: true,
    html: html ? `${draft.html || "<div><br></div>"}<div><br></div><div class="signature">${clean(html)}</div>` : draft.html,
    text: draft.text + textOf(identity),
    bcc: [...draft.bcc, ...(identity?.bcc ?? [])],
  };
}

function clean(html: string): string {
  const { fragment } = makeSafe(html.replace(/<img[^>]*>/gi, ""));
  const box = fragment.ownerDocument.createElement("div");
  box.append(fragment);
  return box.innerHTML;
}

/** Plain text with the signature of another identity instead of the one before. */
export function resigned(text: string, before: Identity | undefined, after: Identity | undefined): string {
  const old = textOf(before);
  return (old && text.endsWith(old) ? text.slice(0, -old.length) : text) + textOf(after);
}
