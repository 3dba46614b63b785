/** The letters of a conversation on paper: a frame without scripts is filled and printed. */

import type { Email } from "../jmap";
import { makeSafe } from "../safe";
import { formatAddresses } from "../draft";
import { mended } from "./repaired";
import { formatMoment, say } from "../text";

export function print(letters: Email[]): void {
  const frame = document.createElement("iframe");
  frame.className = "printing";
  frame.setAttribute("sandbox", "allow-same-origin allow-modals");
  frame.title = say("read.body");
  frame.addEventListener("load", () => {
    const page = frame.contentDocument;
    if (!page?.body || page.location.pathname !== "/mail/frame") return;
    page.title = letters[letters.length - 1]?.subject ?? "";
    for (const email of letters) page.body.append(sheet(page, email));
    frame.contentWindow!.addEventListener("afterprint", () => setTimeout(() => frame.remove()));
    frame.contentWindow!.print();
  });
  frame.src = "/mail/frame";
  document.body.append(frame);
}

function sheet(page: Document, printed: Email): HTMLElement {
  const email = mended(printed);
  const part = page.createElement("article");
  const line = (tag: string, text: string) => {
    const element = page.createElement(tag);
    element.textContent = text;
    part.append(element);
  };
  line("h2", email.subject || say("row.nosubject"));
  line("p", formatAddresses(email.from));
  line("p", `${say("read.to")}: ${formatAddresses(email.to)}`);
  line("p", formatMoment(email.receivedAt));
  part.append(page.createElement("hr"));
  const value = (id: string | null) => (id === null ? "" : email.bodyValues?.[id]?.value ?? "");
  const html = (email.htmlBody ?? []).filter((one) => one.type === "text/html");
  if (html.length > 0) {
    for (const one of html) part.append(page.adoptNode(makeSafe(value(one.partId), page.defaultView!).fragment));
  } else {
    for (const one of email.textBody ?? []) line("pre", value(one.partId));
  }
  return part;
}
