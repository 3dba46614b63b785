/** What the pages of the lens show, and how it is kept fresh. */

import { batch, computed, signal } from "@preact/signals";
import { forget, type Authorize } from "../auth";
import { Api, Refusal, type Access, type Dialogue, type Line, type Stage } from "./api";
import { language, say } from "./text";

const LOOK_MS = 800;
const PAGE = 60;
const LINES_SHOWN = 3000;

export const ready = signal(false);
export const authorize = signal<Authorize | null>(null);
export const access = signal<Access | null>(null);
export const fault = signal("");
export const explained = signal(localStorage.getItem("lens.explained") !== "no");

export const tab = signal<"dialogues" | "practice">("dialogues");
export const kind = signal("");
export const dialogues = signal<Dialogue[]>([]);
export const more = signal(false);
export const chosen = signal("");
export const opened = signal<Dialogue | null>(null);
export const lines = signal<Line[]>([]);

/** Services by the name of their filter. */
export const KINDS: Record<string, { name: string; services: string[] }> = {
  smtp: { name: "SMTP", services: ["smtp", "lmtp", "relay"] },
  submission: { name: "Submission", services: ["submission", "submissions"] },
  pop3: { name: "POP3", services: ["pop3", "pop3s"] },
  imap: { name: "IMAP", services: ["imap", "imaps"] },
  jmap: { name: "JMAP", services: ["jmap"] },
  oauth: { name: "OAuth", services: ["oauth"] },
  sieve: { name: "ManageSieve", services: ["managesieve"] },
};

export const shown = computed(() => {
  const services = KINDS[kind.value]?.services;
  return services ? dialogues.value.filter((one) => services.includes(one.service)) : dialogues.value;
});

let api: Api | null = null;

export async function start(): Promise<void> {
  api = new Api(authorize.value!, () => language.value);
  readAddress();
  addEventListener("popstate", readAddress);
  addEventListener("visibilitychange", () => void look());
  await guarded(async () => {
    access.value = await api!.get<Access>("");
    void look();
  });
}

/** Run what asks the server; say what went wrong. */
export async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    fault.value = "";
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) leave();
    else if (error instanceof Refusal && error.status > 0) fault.value = say("error", { detail: error.message });
    else fault.value = say("error.network");
  }
}

export function leave(): void {
  forget(true);
  batch(() => {
    authorize.value = access.value = opened.value = null;
    dialogues.value = [];
    lines.value = [];
  });
}

// --- where we are: /lens/, /lens/practice, /lens/DIALOGUE ---

function readAddress(): void {
  const place = decodeURIComponent(location.pathname.slice("/lens/".length));
  batch(() => {
    tab.value = place === "practice" || place.startsWith("practice/") ? "practice" : "dialogues";
    open(tab.value === "dialogues" ? place : "");
    if (place.startsWith("practice/")) practice.value = place.slice("practice/".length);
  });
}

export function go(place: string): void {
  history.pushState(null, "", `/lens/${place}`);
  readAddress();
}

function open(id: string): void {
  if (id === chosen.value) return;
  chosen.value = id;
  opened.value = null;
  lines.value = [];
  if (id && api) void guarded(readLines);
}

// --- keeping fresh ---

let looking = false;

async function look(): Promise<void> {
  if (looking || !api || access.value?.sees === "none") return;
  looking = true;
  while (authorize.value !== null && document.visibilityState === "visible") {
    await guarded(async () => {
      if (tab.value === "dialogues") {
        await readList();
        if (chosen.value) await readLines();
      } else if (practice.value) await readStages();
    });
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  looking = false;
}

async function readList(): Promise<void> {
  const found = await api!.get<{ items: Dialogue[] }>(`/dialogues?limit=${PAGE}`);
  const oldest = found.items.at(-1)?.began ?? 0;
  const kept = dialogues.value.filter((one) => one.began < oldest);
  if (dialogues.value.length === 0) more.value = found.items.length === PAGE;
  dialogues.value = [...found.items, ...kept];
}

export async function readEarlier(): Promise<void> {
  await guarded(async () => {
    const before = dialogues.value.at(-1)?.began ?? 0;
    const found = await api!.get<{ items: Dialogue[] }>(`/dialogues?limit=${PAGE}&before=${before}`);
    more.value = found.items.length === PAGE;
    dialogues.value = [...dialogues.value, ...found.items];
  });
}

async function readLines(): Promise<void> {
  const id = chosen.value;
  const before = lines.value;
  const page = await readDialogue(id, before.at(-1)?.number ?? 0);
  if (id !== chosen.value || before !== lines.value) return; // somebody else was quicker
  batch(() => {
    opened.value = page.dialogue;
    if (page.lines.length > 0) lines.value = [...lines.value, ...page.lines].slice(-LINES_SHOWN);
  });
}

export function readDialogue(id: string, after: number): Promise<{ dialogue: Dialogue; lines: Line[] }> {
  return api!.get(`/dialogues/${encodeURIComponent(id)}?after=${after}`);
}

// What was read in one language is read again in the other.
language.subscribe(() => {
  if (api && chosen.peek()) {
    lines.value = [];
    void guarded(readLines);
  }
});

export async function exportText(id: string): Promise<void> {
  await guarded(async () => {
    const { text } = await api!.get<{ text: string }>(`/dialogues/${encodeURIComponent(id)}/text`);
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: `dialogue-${id}.txt` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
}

// --- practice letters ---

export const practice = signal("");
export const source = signal("");
export const stages = signal<Stage[]>([]);

export async function sendPractice(letter: Record<string, string>): Promise<void> {
  await guarded(async () => {
    const begun = await api!.ask<{ id: string; source: string }>("POST", "/practice", letter);
    batch(() => {
      source.value = begun.source;
      stages.value = [];
      go(`practice/${begun.id}`);
    });
  });
}

async function readStages(): Promise<void> {
  const settled = stages.value.length > 0 && !stages.value.some((one) => one.state === "waiting");
  if (!settled) stages.value = (await api!.get<{ items: Stage[] }>(`/practice/${practice.value}`)).items;
}

export function practiceAgain(): void {
  batch(() => {
    practice.value = source.value = "";
    stages.value = [];
    go("practice");
  });
}
