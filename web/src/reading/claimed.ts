/** Who has taken a conversation of a team (docs/keywords.md, Claims). */

import type { Email } from "../jmap";

export const CLAIM = "$claimed:";

/** The address of the holder, which a keyword says; `=XX` stands for what no keyword may hold. */
export function holderOf({ keywords }: Pick<Email, "keywords">): string | null {
  const found = Object.keys(keywords).find((one) => one.startsWith(CLAIM))?.slice(CLAIM.length);
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found.replace(/%/g, "%25").replace(/=([0-9a-f]{2})/gi, "%$1"));
  } catch {
    return found;
  }
}
