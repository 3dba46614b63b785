/** A letter while it is written, and the window it is written in. */

import { computed, signal } from "@preact/signals";
import type { Address, Id } from "../jmap";
import { client, identities } from "../store";
import type { Language } from "../text";

export interface Person extends Address {
  /** What was typed is no address. */
  bad?: boolean;
}

export interface File {
  /** Of this window; pictures inside of the text have it as their content id. */
  key: string;
  blobId: Id | null;
  name: string;
  type: string;
  size: number;
  inline: boolean;
  /** Of the upload, 0 to 1; 1 when it is on the server. */
  progress: number;
  fault: string;
  /** As long as it has to be uploaded from here. */
  source?: Blob;
  /** Where a picture is shown from. */
  url?: string;
}

/** The letter that is answered or passed on, as it will stand below. */
export interface Quote {
  kind: "reply" | "forward";
  html: string;
  text: string;
  name: string;
  email: string;
  date: string;
  to: Address[];
  cc: Address[];
  subject: string;
  language: Language;
}

export interface Draft {
  identity: Id | null;
  to: Person[];
  cc: Person[];
  bcc: Person[];
  subject: string;
  rich: boolean;
  html: string;
  text: string;
  quote: Quote | null;
  files: File[];
  messageId: string;
  inReplyTo: string[];
  references: string[];
  /** The letter that is answered or passed on, and what is noted on it once this is sent. */
  origin: { id: Id; account: Id; keyword: "$answered" | "$forwarded" } | null;
  receipt: boolean;
  priority: "high" | "normal" | "low";
  /** Of another address than the own one: written for it (Sender), not as it. */
  behalf: boolean;
  /** Whether the signature of the identity was put in. */
  signed: boolean;
}

/** "local": in this browser only, as the server cannot be reached. */
export type Saved = "new" | "dirty" | "saving" | "local" | Date;
export type Field = "to" | "cc" | "bcc";

/** What is asked before something is done. */
export interface Question {
  text: string[];
  yes: string;
  run: () => void;
}

export class Letter {
  readonly key: string;
  readonly draft;
  readonly saved = signal<Saved>("new");
  readonly small = signal(false);
  readonly large = signal(false);
  readonly fault = signal("");
  readonly sending = signal(false);
  readonly question = signal<Question | null>(null);
  /** What is typed in a field of recipients and not yet one of them. */
  readonly typing: Record<Field, string> = { to: "", cc: "", bcc: "" };
  /** The draft was changed elsewhere meanwhile: what is there now, or null when it is gone. */
  readonly conflict = signal<{ other: Id | null } | null>(null);
  /** On the server. */
  kept: Id | null;
  /** Counts what was changed, so that a save knows whether it is still the newest. */
  version = 0;
  timer = 0;
  mirrorTimer = 0;
  saving: Promise<void> = Promise.resolve();
  release: () => void = () => undefined;
  /** A save may have arrived without its answer. */
  unsure = false;
  /** The moment it is to be sent, where it was given one. */
  sentAt: Date | null = null;
  /** It was sent without a connection and goes when there is one. */
  readonly queued = signal(false);
  /** Its window was closed without a connection: it goes as soon as the server has it. */
  closing = false;
  /** It may have been sent, though the answer did not arrive. */
  maybeSent = false;
  /** What the editor knows that the draft does not yet. */
  collect: () => void = () => undefined;

  constructor(start: Partial<Draft>, kept: Id | null = null, key: string = crypto.randomUUID()) {
    this.key = key;
    this.kept = kept;
    this.draft = signal<Draft>({ ...empty(key), ...start });
  }

  readonly busy = computed(() => this.draft.value.files.some((one) => one.progress < 1 && !one.fault));
}

function empty(key: string): Draft {
  const domain = client.value?.address.split("@")[1] ?? "localhost";
  return {
    identity: identities.value[0]?.id ?? null,
    to: [], cc: [], bcc: [], subject: "", rich: localStorage.getItem("compose.plain") !== "1", html: "", text: "", quote: null, files: [],
    messageId: `${key}@${domain}`, inReplyTo: [], references: [], origin: null, receipt: false, priority: "normal", behalf: false, signed: false,
  };
}

export const letters = signal<Letter[]>([]);
