/** Mail in from files and out again, the same; then what all of it takes, and less of it. */

import { readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { join } from "node:path";
import { PHONE, done, jmap, look, open, pictures } from "./rig.mjs";

const found = {};
const page = await open("/mail/settings/transfer");
await page.waitForSelector("#import select");
await look(page, "transfer");
const letter = (name, more = "", body = "hello") => `${more}From: wang@example.org\nTo: me@example.org\nSubject: ${name}\nMessage-ID: <${name}@example.org>\nDate: Sat, 28 Nov 2020 12:00:00 +0000\n\n${body}\n`;
const line = "From wang@example.org Sat Nov 28 12:00:00 2020\n";
const mbox = [letter("first", "Status: RO\nX-Status: F\n", "one\n\n>From here"), letter("large", "", "x".repeat(3_000_000)), ...Array.from({ length: 30 }, (_, at) => letter(`n${at}`))].map((one) => `${line}${one}\n`).join("");

async function put(name, content) {
  await page.setInputFiles("#import input[type=file]", { name, mimeType: "application/octet-stream", buffer: Buffer.from(content) });
  await page.waitForSelector("#import [role=status]:empty", { state: "attached" });
  await page.click("#import .main");
  await page.waitForSelector("#import [role=status]:has-text('完成')");
  return (await page.textContent("#import [role=status]")).trim();
}

found.first = await put("mail.mbox", mbox);
found.again = await put("mail.mbox", mbox);
found.eml = await put("one.eml", letter("eml"));

// A zip with a packed letter of a Maildir, and something that is no letter.
const crcless = (name, content) => {
  const packed = deflateRawSync(Buffer.from(content));
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20);
  entry.writeUInt32LE(content.length, 24);
  entry.writeUInt16LE(name.length, 28);
  return { local: Buffer.concat([local, Buffer.from(name), packed]), entry, name };
};
const files = [crcless("cur/1.host:2,FS", letter("zipped")), crcless("note.txt", "no letter")];
let [offset, body, list] = [0, Buffer.alloc(0), Buffer.alloc(0)];
for (const { local, entry, name } of files) {
  entry.writeUInt32LE(offset, 42);
  offset += local.length;
  body = Buffer.concat([body, local]);
  list = Buffer.concat([list, entry, Buffer.from(name)]);
}
const end = Buffer.alloc(22);
end.writeUInt32LE(0x06054b50, 0);
end.writeUInt16LE(files.length, 10);
end.writeUInt32LE(list.length, 12);
end.writeUInt32LE(body.length, 16);
found.zip = await put("mail.zip", Buffer.concat([body, list, end]));
await page.setInputFiles("#import input[type=file]", { name: "x.eml", mimeType: "", buffer: Buffer.from("just words") });
await page.click("#import .main");
await page.waitForSelector("#import .fault p");
found.none = await page.textContent("#import .fault p");
await look(page, "imported");

const [boxes] = await jmap(["Mailbox/get", { ids: null }]);
const archive = boxes.list.find((one) => one.role === "archive");
const [, emails] = await jmap(
  ["Email/query", { filter: { inMailbox: archive.id } }],
  ["Email/get", { "#ids": { resultOf: "0", name: "Email/query", path: "/ids" }, properties: ["subject", "keywords", "receivedAt", "preview"] }],
);
const of = (subject) => emails.list.find((one) => one.subject === subject);
found.kept = [of("first"), of("zipped")].map((one) => [Object.keys(one.keywords).sort(), one.receivedAt]);
found.preview = of("first").preview;

// Out again.
await page.selectOption("#export select >> nth=0", archive.id);
const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export .main")]);
const out = readFileSync(await download.path(), "latin1");
found.exported = [download.suggestedFilename(), out.split(/^From /m).length - 1, out.includes("\n>From here"), /X-Status: F\n/.test(out)];
await page.selectOption("#export select >> nth=1", "zip");
const [packed] = await Promise.all([page.waitForEvent("download"), page.click("#export .main")]);
found.zipPath = join(pictures, "out.zip");
await packed.saveAs(found.zipPath);

// What it takes.
await page.click(".sections a:has-text('存储用量')");
await page.waitForSelector(".treemap rect");
await page.waitForSelector("#largest .things strong");
found.largest = await page.textContent("#largest .things strong");
await look(page, "storage");
await page.click("#largest input >> nth=0");
await page.click("#largest .main");
await page.waitForSelector("#clean button");
await page.click("#clean button");
await page.click(".modal .main");
await page.waitForSelector("#clean", { state: "detached" });
found.left = (await jmap(["Email/query", { filter: { subject: "large" } }]))[0].ids.length;
await page.setViewportSize(PHONE);
await page.emulateMedia({ colorScheme: "dark" });
await look(page, "storage-phone");
await page.click(".pane header a");
await page.click(".sections a:has-text('导入')");
await page.waitForSelector("#import select");
await look(page, "transfer-phone");
await done(found);
