/**
 * The page in which a letter is written, a frame of its own: styles of letters apply here and not in the app, and the policy of this
 * page (`/mail/editor`) lets nothing in it ask any host for anything.  The app calls `window.editor`; see `FrameApi`.
 */

import Squire from "squire-rte";
import { makeSafe } from "../safe";
import { typed } from "./markdown";

export type Command =
  | "bold" | "italic" | "underline" | "strike" | "list" | "numbers" | "quote" | "unquote" | "code" | "clear" | "undo" | "redo"
  | "left" | "center" | "right" | "size" | "color" | "link" | "unlink";

/** What is so where the cursor stands. */
export interface Format {
  on: ReadonlySet<Command>;
  align: "left" | "center" | "right";
  size: string;
  color: string;
  link: string;
}

export interface Hooks {
  label: string;
  language: string;
  edited(): void;
  moved(format: Format): void;
  /** Keys that mean something outside of the text. */
  key(name: "send" | "escape" | "link"): void;
  /** Files that were pasted or dropped here. */
  files(files: File[]): void;
  /** A picture that was inside of pasted text: its content id and its address for showing. */
  keep(picture: Blob): { cid: string; url: string };
  blur(): void;
}

export interface FrameApi {
  start(hooks: Hooks): void;
  /** Content with pictures as `cid:`, and where those are shown from. */
  set(html: string, pictures: ReadonlyMap<string, string>): void;
  get(): string;
  focus(end: boolean): void;
  run(command: Command, value?: string): void;
  picture(cid: string, url: string, name: string): void;
  insert(html: string): void;
  /** More pictures and where they are shown from. */
  know(pictures: ReadonlyMap<string, string>): void;
  /** Put this signature in the place of the one that is there; at the end if there is none. */
  sign(html: string): void;
  selected(): string;
}

const KEPT_CLASSES = ["signature"];
const MARKS: readonly [string, string][] = [["squire-selection-start", "\uE000"], ["squire-selection-end", "\uE001"]];
const MARK_TAG = /<input[^>]*id="(squire-selection-(?:start|end))"[^>]*>/g;

const root = document.createElement("div");
let squire: Squire;
let hooks: Hooks;
const shown = new Map<string, string>(); // content id -> address

// --- what may be here ---

/** Foreign or own HTML as nodes of this page: harmless, pictures shown from where they are kept. */
function clean(html: string): DocumentFragment {
  let text = html;
  for (const [cid, url] of shown) text = text.replaceAll(url, `cid:${encodeURIComponent(cid)}`);
  const fragment = document.importNode(makeSafe(text, window, KEPT_CLASSES).fragment, true);
  for (const image of fragment.querySelectorAll("img")) {
    const cid = image.dataset["cid"];
    if (cid !== undefined && shown.has(cid)) image.src = shown.get(cid)!;
    else if (image.src.startsWith("data:")) adopt(image);
    else image.remove();
  }
  return fragment;
}

/** A picture written into the text itself becomes one that goes with the letter. */
function adopt(image: HTMLImageElement): void {
  const [head, data] = image.src.split(",", 2) as [string, string];
  const type = /^data:(image\/\w+);base64$/i.exec(head)?.[1];
  if (type === undefined) return image.remove();
  try {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const { cid, url } = hooks.keep(new Blob([bytes], { type }));
    shown.set(cid, url);
    image.dataset["cid"] = cid;
    image.src = url;
  } catch {
    image.remove();
  }
}

/** The editor's undo writes HTML back: that, too, only through the sanitiser.  Its two marks of the selection survive as characters. */
function restore(html: string): void {
  let text = html.replace(/[\uE000\uE001]/g, "");
  text = text.replace(MARK_TAG, (_, id: string) => MARKS.find(([name]) => name === id)![1]);
  const fragment = clean(text);
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  while (walker.nextNode()) if (/[\uE000\uE001]/.test(walker.currentNode.nodeValue!)) found.push(walker.currentNode as Text);
  for (const node of found) {
    const pieces = node.data.split(/([\uE000\uE001])/).filter(Boolean);
    node.replaceWith(...pieces.map((piece) => {
      const mark = MARKS.find(([, sign]) => sign === piece);
      if (!mark) return piece;
      const input = document.createElement("input");
      input.id = mark[0];
      input.type = "hidden";
      return input;
    }));
  }
  root.replaceChildren(fragment);
  if (!root.firstChild) root.append(squire.createDefaultBlock());
  (squire as unknown as { _ignoreChange: boolean })._ignoreChange = true;
}

/** As it will be sent: no marks of the editor, pictures by their content id. */
function serialise(): string {
  // In a document without a window nothing is loaded.
  const copy = document.implementation.createHTMLDocument("").importNode(root, true);
  for (const gone of copy.querySelectorAll(".squire-image-resize-container, input")) gone.remove();
  for (const image of copy.querySelectorAll("img")) {
    const cid = image.dataset["cid"];
    if (cid === undefined) image.remove();
    else image.setAttribute("src", `cid:${encodeURIComponent(cid)}`);
    delete image.dataset["cid"];
    image.removeAttribute("tabindex");
  }
  for (const node of copy.querySelectorAll("[class]")) if (!KEPT_CLASSES.includes(node.className)) node.removeAttribute("class");
  return copy.innerHTML.replaceAll("\u200B", "");
}

// --- commands ---

const BLOCKS = { list: "UL", numbers: "OL" } as const;

function run(command: Command, value = ""): void {
  const on = squire.hasFormat.bind(squire);
  switch (command) {
    case "bold": return void (on("B") ? squire.removeBold() : squire.bold());
    case "italic": return void (on("I") ? squire.removeItalic() : squire.italic());
    case "underline": return void (on("U") ? squire.removeUnderline() : squire.underline());
    case "strike": return void (on("S") ? squire.removeStrikethrough() : squire.strikethrough());
    case "list": case "numbers":
      if (inside(BLOCKS[command])) squire.removeList();
      else if (command === "list") squire.makeUnorderedList();
      else squire.makeOrderedList();
      return;
    case "quote": return void squire.increaseQuoteLevel();
    case "unquote": return void squire.decreaseQuoteLevel();
    case "code": return void squire.toggleCode();
    case "clear": return void squire.removeAllFormatting();
    case "undo": return void squire.undo();
    case "redo": return void squire.redo();
    case "left": case "center": case "right": return void squire.setTextAlignment(command);
    case "size": return void squire.setFontSize(value || null);
    case "color": return void squire.setTextColor(value || null);
    case "link": return void squire.makeLink(value, { target: "_blank", rel: "noopener noreferrer nofollow" });
    case "unlink": return void squire.removeLink();
  }
}

function path(): Element[] {
  const found: Element[] = [];
  const range = squire.getSelection();
  let node: Node | null = range.commonAncestorContainer;
  for (; node !== null && node !== root; node = node.parentNode) if (node instanceof Element) found.push(node);
  return found;
}

const inside = (tag: string): boolean => path().some((one) => one.tagName === tag);

function format(): Format {
  const nodes = path();
  const tags = new Set(nodes.map((one) => one.tagName));
  const on = new Set<Command>();
  const has = (command: Command, ...names: string[]) => names.some((name) => tags.has(name) || (name.length < 7 && squire.hasFormat(name))) && on.add(command);
  has("bold", "B", "STRONG");
  has("italic", "I", "EM");
  has("underline", "U");
  has("strike", "S", "STRIKE", "DEL");
  has("code", "PRE", "CODE");
  has("link", "A");
  if (tags.has("UL")) on.add("list");
  if (tags.has("OL")) on.add("numbers");
  if (tags.has("BLOCKQUOTE")) on.add("quote");
  const font = squire.getFontInfo();
  const aligned = nodes.map((one) => (one as HTMLElement).style.textAlign).find(Boolean);
  const link = nodes.find((one) => one.tagName === "A")?.getAttribute("href") ?? "";
  return {
    on, link, size: font["fontSize"] ?? "", color: font["color"] ?? "",
    align: aligned === "center" || aligned === "right" ? aligned : "left",
  };
}

// --- what comes from the person ---

function onPaste(event: ClipboardEvent): void {
  const data = event.clipboardData;
  const files = [...(data?.files ?? [])];
  // Programs put a picture of what was copied beside its text: then the text is meant.
  if (files.length === 0 || /<(?!meta|img|\/?html|\/?body|!--)\w/i.test(data!.getData("text/html"))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  hooks.files(files);
}

function onDrop(event: DragEvent): void {
  root.classList.remove("over");
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  hooks.files(files);
}

function onKeyDown(event: KeyboardEvent): void {
  // While Chinese is being entered, keys belong to the input method.
  if (event.isComposing || event.keyCode === 229) return event.stopImmediatePropagation();
  const command = event.ctrlKey || event.metaKey;
  const name = event.key === "Escape" ? "escape" : command && event.key === "Enter" ? "send" : command && event.key === "k" ? "link" : null;
  if (name !== null) {
    event.preventDefault();
    event.stopImmediatePropagation();
    hooks.key(name);
  } else if (!command && !event.altKey && typed(squire, event.key)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

const INLINE = ["B", "I", "U", "S"];

/** Enter begins a line; formats that were switched off stay off there. */
function newLine(event: KeyboardEvent): void {
  event.preventDefault();
  const off = INLINE.filter((tag) => !squire.hasFormat(tag));
  squire.splitBlock(event.shiftKey);
  for (const tag of off) if (squire.hasFormat(tag)) squire.changeFormat(null, { tag });
}

function listen(): void {
  root.addEventListener("paste", onPaste, true);
  root.addEventListener("drop", onDrop, true);
  root.addEventListener("keydown", onKeyDown, true);
  root.addEventListener("dragover", (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    root.classList.add("over");
  });
  root.addEventListener("dragleave", () => root.classList.remove("over"));
  root.addEventListener("blur", () => hooks.blur());
  // A click below the last line means its end.
  document.documentElement.addEventListener("mousedown", (event) => {
    if (event.target !== document.documentElement && event.target !== document.body) return;
    event.preventDefault();
    squire.moveCursorToEnd();
    squire.focus();
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (link && (event.ctrlKey || event.metaKey)) open(link.href, "_blank", "noopener,noreferrer");
    else if (link) event.preventDefault();
  });
}

const api: FrameApi = {
  start(given) {
    hooks = given;
    document.documentElement.lang = given.language;
    root.id = "editor";
    root.setAttribute("role", "textbox");
    root.setAttribute("aria-multiline", "true");
    root.setAttribute("aria-label", given.label);
    document.body.replaceChildren(root);
    listen();
    squire = new Squire(root, {
      sanitizeToDOMFragment: clean,
      undo: { documentSizeThreshold: 200_000, undoLimit: 50 },
      tagAttributes: {
        a: { target: "_blank", rel: "noopener noreferrer nofollow" },
        blockquote: { type: "cite", style: "margin:0 0 0 .8ex;border-left:2px solid #ccc;padding-left:1ex" },
      },
      didError: (error: unknown) => console.error(error),
    });
    (squire as unknown as { _setRawHTML: (html: string) => Squire })._setRawHTML = (html) => (restore(html), squire);
    squire.setKeyHandler("Enter", (_, event) => newLine(event));
    squire.setKeyHandler("Shift-Enter", (_, event) => newLine(event));
    squire.addEventListener("input", () => hooks.edited());
    const moved = () => hooks.moved(format());
    squire.addEventListener("pathChange", moved);
    squire.addEventListener("select", moved);
    squire.addEventListener("cursor", moved);
  },
  set(html, pictures) {
    api.know(pictures);
    squire.setHTML(html);
  },
  get: serialise,
  focus(end) {
    if (end) squire.moveCursorToEnd();
    else squire.moveCursorToStart();
    squire.focus();
  },
  run,
  picture(cid, url, name) {
    shown.set(cid, url);
    const image = squire.insertImage(url, { alt: name });
    image.dataset["cid"] = cid;
  },
  know(pictures) {
    for (const [cid, url] of pictures) shown.set(cid, url);
  },
  insert(html) {
    squire.insertHTML(html, true);
  },
  sign(html) {
    const fragment = clean(html ? `<div class="signature">${html}</div>` : "");
    const place = root.querySelector(".signature");
    squire.modifyDocument(() => {
      if (place) place.replaceWith(fragment);
      else root.append(fragment);
    });
    hooks.edited();
  },
  selected: () => squire.getSelectedText(),
};

declare global {
  interface Window {
    editor?: FrameApi;
  }
}
window.editor = api;
frameElement?.dispatchEvent(new Event("ready"));
