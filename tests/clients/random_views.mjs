/**
 * Two browsers and an IMAP client do at random what people do, on one account; at the end all see the same:
 * `node random_views.mjs CHROMIUM URL ADDRESS PASSWORD IMAP_PORT SUBMISSION_PORT SECONDS SEED`.
 *
 * Prints one JSON document: how much was done, and what differs; then also everything that was done.
 */

import { ImapFlow } from "imapflow";
import { isDeepStrictEqual } from "node:util";
import { bounded, launch, open, signIn } from "./browser.mjs";
import { submission } from "./submission.mjs";

const [chromium, url, address, password, imapPort, smtpPort, seconds, seed] = process.argv.slice(2);
const STEP_S = 30;
const SETTLE_S = 30;
const FOLDERS = ["Ant", "Bee", "Cat"];
const LABELS = ["$label1", "$label2"];
const log = [];
const found = { seed: Number(seed), actions: {}, differs: [], notices: {}, console: [] };

let state = Number(seed);
/** mulberry32: the same choices for the same seed. */
function chance() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const pick = (list) => list[Math.floor(chance() * list.length)];
function weighted(table) {
  let at = chance() * Object.values(table).reduce((sum, one) => sum + one, 0);
  for (const [name, weight] of Object.entries(table)) if ((at -= weight) < 0) return name;
  return Object.keys(table)[0];
}
let made = 0;
const fresh = () => `s${(made += 1)}`;

// --- a browser ---

class Person {
  constructor(name, page) {
    Object.assign(this, { name, page, offline: false });
    page.on("dialog", (dialog) => dialog.accept());
    page.on("pageerror", (error) => found.console.push(`${name}: ${error}`));
  }

  key(key) {
    return this.page.keyboard.press(key);
  }

  async choose() {
    const action = weighted({
      keys: 30, press: 40, many: 8, undo: 6, folder: 14, search: 6, move: 10, copy: 4, label: 6, write: 8, drafts: 4, flip: this.offline ? 20 : 3, manage: 5,
    });
    await this[action]();
    return action;
  }

  /** Nothing lies over the list, and the keys are its. */
  async clear() {
    for (let n = 0; n < 6; n += 1) {
      const over = await this.page.evaluate(() => {
        if (document.activeElement?.matches("input, select, textarea")) document.activeElement.blur();
        // What lies over the page takes the clicks of all else.
        if (document.querySelector("dialog[open]")) return "dialog";
        if (document.querySelector(".compose .question")) return "question";
        return document.querySelector(".compose") ? "compose" : "";
      });
      if (!over) return;
      if (over === "question") await this.page.click(".compose .question .main", { timeout: 2000 }).catch(() => undefined);
      else if (over === "compose") await this.page.click(".compose .head button:last-child", { timeout: 2000 }).catch(() => undefined);
      else await this.key("Escape");
      await this.page.waitForTimeout(60);
    }
  }

  async keys() {
    for (let n = 1 + Math.floor(chance() * 4); n > 0; n -= 1) await this.key(pick(["j", "k", "j", "Enter", "u", "Home"]));
  }

  async press() {
    await this.key(pick(["s", "i", "e", "#", "p", "s", "i", "e", "m", "!"]));
  }

  async many() {
    for (let n = 2 + Math.floor(chance() * 3); n > 0; n -= 1) {
      await this.key("x");
      await this.key("j");
    }
    await this.key(pick(["s", "i", "e", "#"]));
  }

  async undo() {
    await this.page.click(".notice button:not(.plain)", { timeout: 300 }).catch(() => undefined);
  }

  async folder() {
    const list = this.page.locator(".folders .folder[title]");
    await list.nth(Math.floor(chance() * (await list.count()))).click({ timeout: 2000 }).catch(() => undefined);
  }

  async search() {
    await this.key("/");
    await this.page.keyboard.type(pick(["s1", "is:starred", "is:unread", "subject:s2", "in:archive"]));
    await this.key("Enter");
  }

  /** A dialog in which one types what one means. */
  async typed(key, text) {
    await this.key(key);
    const box = await this.page.waitForSelector("dialog[open] [role=combobox]", { timeout: 1000 }).catch(() => null);
    if (!box) return;
    await this.page.keyboard.type(text);
    await this.key("Enter");
    await this.page.waitForTimeout(30);
    await this.clear();
  }

  move = () => this.typed("v", pick([...FOLDERS, "Archive", "Inbox", "Trash"]));
  copy = () => this.typed("y", pick(FOLDERS));
  label = () => this.typed("l", pick(["red", "work", "home"]));

  async write() {
    const subject = fresh();
    await this.key("c");
    if (!(await this.page.waitForSelector(".compose [role=combobox]", { timeout: 3000 }).catch(() => null))) return;
    const done = async () => {
      await this.page.fill(".compose [role=combobox]", address, { timeout: 2000 });
      await this.key(",");
      await this.page.fill(".compose .line input", subject, { timeout: 2000 });
      const end = pick(["send", "close", "discard"]);
      log.push(`${this.name} ${end} ${subject}`);
      if (end === "send") await this.key("Control+Enter");
      else if (end === "discard") await this.page.click(".compose .foot > button", { timeout: 2000 });
      await this.page.waitForTimeout(200);
      await this.clear();
    };
    await done().catch(() => undefined);
  }

  async drafts() {
    await this.page.click(".folders .folder:has-text('Drafts')", { timeout: 2000 }).catch(() => undefined);
    await this.key("Enter");
    await this.page.click(".letter .more button:not(.plain)", { timeout: 500 }).catch(() => undefined);
    await this.page.waitForTimeout(100);
    await this.page.fill(".compose .line input", fresh(), { timeout: 500 }).catch(() => undefined);
    await this.clear();
  }

  async flip(to = !this.offline) {
    this.offline = to;
    await this.page.context().setOffline(to);
  }

  async manage() {
    await this.page.locator(".folders .folder.faint").first().click({ timeout: 1000 }).catch(() => undefined);
    const name = pick(["Owl", "Fox", "Yak"]);
    await this.page.fill("dialog[open] .folder-form input[maxlength]", name, { timeout: 1000 }).catch(() => undefined);
    await this.key("Enter");
    await this.page.waitForTimeout(50);
    await this.clear();
  }

  async state() {
    return this.page.evaluate(() => ({ folder: document.querySelector(".list h1").textContent, notice: document.querySelector(".notice span")?.textContent ?? "" }));
  }
}

// --- the IMAP client ---

class Program {
  constructor(client) {
    this.client = client;
    this.name = "imap";
  }

  async choose() {
    const action = weighted({ flag: 12, move: 6, copy: 4, remove: 5, append: 8, arrive: 8, make: 2, rename: 2, drop: 1, keyword: 5 });
    await this[action]();
    return action;
  }

  async boxes() {
    return (await this.client.list()).map((one) => one.path);
  }

  /** A letter of some mailbox, if there is one. */
  async within(work) {
    const path = pick((await this.boxes()).sort());
    const lock = await this.client.getMailboxLock(path);
    try {
      const uids = await this.client.search({ all: true }, { uid: true });
      const uid = uids?.length ? pick(uids) : null;
      if (uid !== null) {
        log.push(`imap   ${path} ${uid}`);
        await work(uid);
      }
    } finally {
      lock.release();
    }
  }

  async flags(uid, flag) {
    await (chance() < 0.5 ? this.client.messageFlagsAdd(uid, [flag], { uid: true }) : this.client.messageFlagsRemove(uid, [flag], { uid: true }));
  }

  flag = () => this.within((uid) => this.flags(uid, pick(["\\Seen", "\\Flagged", "\\Answered"])));
  keyword = () => this.within((uid) => this.flags(uid, pick(LABELS)));
  move = () => this.within((uid) => this.client.messageMove(uid, pick(FOLDERS), { uid: true }));
  copy = () => this.within((uid) => this.client.messageCopy(uid, pick(FOLDERS), { uid: true }));
  remove = () => this.within((uid) => this.client.messageDelete(uid, { uid: true }));

  async append() {
    const subject = fresh();
    await this.client.append(pick(["INBOX", ...FOLDERS]), `From: b@else.test\r\nTo: ${address}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}.${seed}@else.test>\r\n\r\ntext\r\n`);
  }

  async arrive() {
    await smtp.send(fresh());
  }

  async make() {
    await this.client.mailboxCreate(pick(["Owl", "Fox", "Yak", "Fox/Den"])).catch(() => undefined);
  }

  async rename() {
    const name = pick(["Owl", "Fox", "Yak"]);
    await this.client.mailboxRename(name, pick(["Owl", "Fox", "Yak", "Elk"])).catch(() => undefined);
  }

  async drop() {
    await this.client.mailboxDelete(pick(["Owl", "Yak", "Elk"])).catch(() => undefined);
  }
}

// --- what is seen ---

/** Folders with their counts, and the rows of the list that is shown. */
function view(page) {
  return page.evaluate(() => {
    const text = (one, selector) => one.querySelector(selector)?.textContent.trim() ?? "";
    return {
      folders: [...document.querySelectorAll(".folders .folder[title]")].map((one) => `${one.title} [${text(one, ".count")}]`),
      place: document.querySelector(".list h1").textContent,
      count: document.querySelector(".list .count").textContent,
      rows: [...document.querySelectorAll(".row")]
        .sort((one, other) => Number(one.getAttribute("aria-rowindex")) - Number(other.getAttribute("aria-rowindex")))
        .map((one) => `${one.classList.contains("unread") ? "unread " : ""}${one.querySelector(".star.on") ? "star " : ""}${text(one, ".people")} | ${text(one, ".subject")} | ${text(one, ".marks")} | ${text(one, ".preview")}`),
    };
  });
}

/** What differs once nothing is on its way; asked again while it does. */
async function settled(name, one, other) {
  let [mine, theirs] = [null, null];
  for (const end = Date.now() + SETTLE_S * 1000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 250))) {
    [mine, theirs] = [await one(), await other()];
    if (isDeepStrictEqual(mine, theirs)) return;
  }
  found.differs.push({ name, mine, theirs });
}

const browser = await launch(chromium);
const size = { width: 1280, height: 860 };
const people = [];
for (const name of ["a", "b"]) {
  const page = await open(browser, url, {}, { size });
  await signIn(page, address, password);
  people.push(new Person(name, page));
}
const client = new ImapFlow({ host: "127.0.0.1", port: Number(imapPort), secure: false, auth: { user: address, pass: password }, tls: { rejectUnauthorized: false }, logger: false });
await client.connect();
const smtp = await submission(Number(smtpPort), address, password);
const program = new Program(client);
for (const name of FOLDERS) await client.mailboxCreate(name);
for (let n = 0; n < 25; n += 1) await program.append();

const actors = [...people, program];
const until = Date.now() + Number(seconds) * 1000;
/** Each acts by itself; the choices come in the order in which they are made. */
async function live(actor) {
  while (Date.now() < until) {
    if (actor.page) await actor.clear();
    const begun = Date.now();
    let done = "";
    const act = async () => (done = await actor.choose());
    if (actor.page) await bounded(actor.page, `${actor.name} acts`, STEP_S, act);
    else await act();
    found.actions[`${actor.name} ${done}`] = (found.actions[`${actor.name} ${done}`] ?? 0) + 1;
    const where = actor.page ? await actor.state() : { folder: "", notice: "" };
    if (where.notice) found.notices[where.notice] = (found.notices[where.notice] ?? 0) + 1;
    log.push(`${new Date(begun).toISOString().slice(14, 23)} ${actor.name} ${done} ${where.folder} ${where.notice}`);
    await new Promise((resolve) => setTimeout(resolve, 40 + chance() * 200));
  }
}

try {
  await Promise.all(actors.map(live));
  for (const one of people) {
    await one.flip(false);
    await one.clear();
    // Room for all rows at once.
    await one.page.setViewportSize({ width: 1280, height: 12_000 });
  }
  // Letters that waited for the connection go first.
  for (const one of people) {
    const waits = () => one.page.evaluate(() => document.querySelector(".no-network, .aside, .compose, dialog[open]") !== null);
    // A question may come yet: whether a draft that was sent elsewhere is kept, say.
    const gone = async () => {
      while (await waits()) {
        await one.clear();
        await one.page.waitForTimeout(100);
      }
    };
    await bounded(one.page, `${one.name}: what waited goes`, SETTLE_S, gone);
  }
  const third = new Person("fresh", await open(browser, url, {}, { size: { width: 1280, height: 12_000 } }));
  await signIn(third.page, address, password);
  const [a, b] = people;
  const anew = async () => {
    await third.page.reload();
    await third.page.waitForSelector(".folders .folder[title]");
    await third.page.waitForTimeout(300);
  };
  // As they stand, without being touched.
  await anew();
  for (const one of people) {
    await settled(`folders of ${one.name}`, async () => (await view(one.page)).folders, async () => (await view(third.page)).folders);
  }
  const names = await third.page.locator(".folders .folder[title] .name").allTextContents();
  const untouched = new Map();
  for (const one of people) untouched.set(one, await view(one.page));
  for (const [at, name] of names.entries()) {
    const rows = async (person) => {
      await person.page.locator(".folders .folder[title]").nth(at).click();
      await person.page.waitForFunction((name) => document.querySelector(".list h1").textContent === name && !document.querySelector(".row.waiting"), name).catch(() => undefined);
      await person.page.waitForTimeout(150);
      return view(person.page);
    };
    const [truth] = await Promise.all([rows(third), rows(a), rows(b)]);
    for (const [one, before] of untouched) {
      if (before.place === name && !isDeepStrictEqual(before.rows, truth.rows)) found.differs.push({ name: `${name} as ${one.name} left it`, mine: before, theirs: truth });
    }
    for (const one of people) await settled(`${name} of ${one.name}`, () => view(one.page), () => view(third.page));
  }
  // What IMAP says of the same folders; an email in two of them has one mark of being read here, and two there.
  await settled(
    "counts by IMAP",
    async () => (await view(third.page)).folders.map((one) => /unread of (\d+)/.exec(one)[1]).sort(),
    async () => (await client.list({ statusQuery: { messages: true } })).map((one) => String(one.status.messages)).sort(),
  );
} catch (error) {
  found.differs.push({ name: "not finished", error: String(error.message) });
}
if (found.differs.length > 0 || found.console.length > 0) found.log = log;
console.log(JSON.stringify(found));
smtp.close();
await client.logout();
await browser.close();
