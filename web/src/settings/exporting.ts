/** A folder as one file: mbox (the kind "mboxrd"), or a zip of EML files. */

import type { Id } from "../jmap";
import { jmap } from "../store";

const PAGE = 200;
const AT_ONCE = 4;
/** Files in a zip without its later extensions; bytes too are numbers of 32 bits. */
const ZIP_MAX = 65_000;
const ZIP_MAX_BYTES = 4_000_000_000;
const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

interface Row {
  id: Id;
  blobId: Id;
  receivedAt: string;
  keywords: Record<string, boolean>;
  from: { email: string }[] | null;
  subject: string | null;
}

export interface Progress {
  done: number;
  total: number;
}

export async function exportFolder(mailbox: Id, format: "mbox" | "zip", tell: (progress: Progress) => void, running: () => boolean): Promise<Blob | null> {
  const made = format === "mbox" ? new Mbox() : new Zip();
  let [done, total] = [0, 1];
  for (let position = 0; position < total; position += PAGE) {
    const found = await jmap().call([
      ["Email/query", { filter: { inMailbox: mailbox }, sort: [{ property: "receivedAt", isAscending: true }], position, limit: PAGE, calculateTotal: true }, "q"],
      ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "blobId", "receivedAt", "keywords", "from", "subject"] }, "g"],
    ]);
    total = found["q"].total as number;
    if (format === "zip" && total > ZIP_MAX) throw new RangeError();
    const byId = new Map((found["g"].list as Row[]).map((row) => [row.id, row]));
    const rows = (found["q"].ids as Id[]).flatMap((id) => byId.get(id) ?? []);
    if (rows.length === 0) break;
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      if (!running()) return null;
      const some = rows.slice(at, at + AT_ONCE);
      const blobs = await Promise.all(some.map((row) => jmap().download(row.blobId, "message/rfc822", "letter.eml")));
      for (const [number, row] of some.entries()) await made.add(row, blobs[number]!);
      done += some.length;
      tell({ done, total });
    }
  }
  return made.end();
}

class Mbox {
  private readonly parts: BlobPart[] = [];

  async add(row: Row, blob: Blob): Promise<void> {
    const text = new TextDecoder("latin1").decode(await blob.arrayBuffer()).replaceAll("\r\n", "\n");
    const [, day, date, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) (.*) GMT$/.exec(new Date(row.receivedAt).toUTCString())!;
    const sender = row.from?.[0]?.email.replace(/\s/g, "") || "MAILER-DAEMON";
    const has = (name: string, mark: string) => (row.keywords[name] ? mark : "");
    const others = Object.keys(row.keywords).filter((name) => !/^\$(seen|answered|flagged|draft)$/.test(name));
    const head = text.indexOf("\n\n") === -1 ? text.length : text.indexOf("\n\n") + 1;
    // Our own of an earlier journey are replaced.
    const fields = text.slice(0, head).replace(/^(Status|X-Status|X-Keywords):.*\n([ \t].*\n)*/gim, "");
    const marks = [
      `Status: ${has("$seen", "R")}O`,
      `X-Status: ${has("$answered", "A")}${has("$flagged", "F")}${has("$draft", "T")}`,
      ...(others.length > 0 ? [`X-Keywords: ${others.join(" ")}`] : []),
    ];
    const body = text.slice(head).replace(/^(>*From )/gm, ">$1");
    const whole = `From ${sender} ${day} ${month} ${date!.replace(/^0/, " ")} ${time} ${year}\n${fields}${marks.join("\n")}\n${body}${body.endsWith("\n") ? "" : "\n"}\n`;
    this.parts.push(new Blob([Uint8Array.from(whole, (char) => char.charCodeAt(0))]));
  }

  end(): Blob {
    return new Blob(this.parts, { type: "application/mbox" });
  }
}

const CRC = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Not packed: letters with files are packed already. */
class Zip {
  private readonly parts: BlobPart[] = [];
  private readonly list: Uint8Array<ArrayBuffer>[] = [];
  private size = 0;

  async add(row: Row, blob: Blob): Promise<void> {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    if (this.size + bytes.length > ZIP_MAX_BYTES) throw new RangeError();
    let crc = 0xffffffff;
    for (const byte of bytes) crc = (crc >>> 8) ^ CRC[(crc ^ byte) & 255]!;
    crc = (crc ^ 0xffffffff) >>> 0;
    const date = new Date(row.receivedAt);
    const title = (row.subject ?? "").replace(/[\\/:*?"<>|\x00-\x1f]/g, "_").trim().slice(0, 60) || "letter";
    const name = encode(`${row.receivedAt.slice(0, 10)} ${title} ${row.id}.eml`);
    const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
    const day = ((Math.max(1980, date.getUTCFullYear()) - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
    const common = (view: DataView, at: number) => {
      view.setUint16(at, 20, true);
      view.setUint16(at + 2, 0x0800, true); // names in UTF-8
      view.setUint16(at + 6, time, true);
      view.setUint16(at + 8, day, true);
      view.setUint32(at + 10, crc, true);
      view.setUint32(at + 14, bytes.length, true);
      view.setUint32(at + 18, bytes.length, true);
      view.setUint16(at + 22, name.length, true);
    };
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    common(local, 4);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(4, 20, true);
    common(entry, 6);
    entry.setUint32(42, this.size, true);
    this.parts.push(local.buffer, name, new Blob([bytes]));
    this.list.push(new Uint8Array(entry.buffer), name);
    this.size += 30 + name.length + bytes.length;
  }

  end(): Blob {
    const size = this.list.reduce((sum, part) => sum + part.length, 0);
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, this.list.length / 2, true);
    end.setUint16(10, this.list.length / 2, true);
    end.setUint32(12, size, true);
    end.setUint32(16, this.size, true);
    return new Blob([...this.parts, ...this.list, end.buffer], { type: "application/zip" });
  }
}
