/**
 * Every key there is, as the help shows it: in rows, by where it holds.  What a key does stands in `views/keys.ts` and `team/model.ts`, whose
 * tables the compiler holds against this one: neither can have a key that the other lacks.
 */

const LIST = [
  { keys: ["j", "ArrowDown"], text: "help.next" },
  { keys: ["k", "ArrowUp"], text: "help.previous" },
  { keys: ["PageDown", "PageUp", "Home"], text: "help.far" },
  { keys: ["Enter", "o"], text: "help.open" },
  { keys: ["u", "Escape"], text: "help.back" },
  { keys: ["x"], text: "help.choose" },
  { keys: ["*"], text: "help.all" },
] as const;

const LETTER = [
  { keys: ["e"], text: "help.archive" },
  { keys: ["#", "Delete"], text: "help.delete" },
  { keys: ["!"], text: "help.junk" },
  { keys: ["s"], text: "help.star" },
  { keys: ["i"], text: "help.read" },
  { keys: ["v"], text: "help.move" },
  { keys: ["y"], text: "help.copy" },
  { keys: ["l"], text: "help.label" },
  { keys: ["b"], text: "help.snooze" },
  { keys: ["p"], text: "help.pin" },
  { keys: ["m"], text: "help.mute" },
] as const;

const WRITE = [
  { keys: ["c"], text: "help.write" },
  { keys: ["r"], text: "help.reply" },
  { keys: ["a"], text: "help.replyall" },
  { keys: ["f"], text: "help.forward" },
] as const;

const GO = [
  { keys: ["/"], text: "help.search" },
  { keys: [","], text: "help.settings" },
  { keys: ["?"], text: "help.help" },
] as const;

const TEAM = [
  { keys: ["t"], text: "help.take" },
  { keys: ["n"], text: "help.note" },
] as const;

/** In the window in which a letter is written; the editor itself knows what they do. */
const EDITOR = [
  { keys: ["Ctrl+Enter"], text: "help.send" },
  { keys: ["Ctrl+B", "Ctrl+I", "Ctrl+U", "Ctrl+Shift+7"], text: "help.formats" },
  { keys: ["Ctrl+K"], text: "help.link" },
  { keys: ["Escape"], text: "help.aside" },
] as const;

export const SHORTCUTS = { list: LIST, letter: LETTER, write: WRITE, editor: EDITOR, go: GO, team: TEAM } as const;

export type MailKey = (typeof LIST | typeof LETTER | typeof WRITE | typeof GO)[number]["keys"][number];
export type TeamKey = (typeof TEAM)[number]["keys"][number];
export type EditorKey = (typeof EDITOR)[number]["keys"][number];
