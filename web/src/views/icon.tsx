/** Pictures of one line each, drawn on 24 by 24. */
const PATHS = {
  menu: "M4 6h16M4 12h16M4 18h16",
  logo: "M3 6h18v13H3zM3 6l9 7 9-7",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.8.4-1 .9-1 1.7M12 17h.01",
  close: "M6 6l12 12M18 6L6 18",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.5 15.5L20 20",
  inbox: "M4 5h16v14H4zM4 14h4l2 3h4l2-3h4",
  drafts: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  sent: "M4 12l16-8-6 16-3-7z",
  archive: "M4 4h16v5H4zM5 9v11h14V9M10 13h4",
  junk: "M12 3l9 5v8l-9 5-9-5V8zM12 8v5M12 16h.01",
  trash: "M5 7h14M10 4h4M7 7l1 13h8l1-13",
  folder: "M3 6h6l2 2h10v11H3z",
  star: "M12 4l2.5 5.2 5.5.8-4 4 1 5.6-5-2.7-5 2.7 1-5.6-4-4 5.5-.8z",
  clip: "M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",
  back: "M14 6l-6 6 6 6",
  reply: "M9 7L4 12l5 5M4 12h9a7 7 0 0 1 7 7",
  replyall: "M12 7l-5 5 5 5M7 7l-5 5 5 5M7 12h7a7 7 0 0 1 7 7",
  forward: "M15 7l5 5-5 5M20 12h-9a7 7 0 0 0-7 7",
  unread: "M4 6h16v12H4zM4 6l8 6 8-6M19 4h.01",
  write: "M12 5v14M5 12h14",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M13 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M7 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  play: "M7 5l12 7-12 7z",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  away: "M4 19h16M6 19V9l6-5 6 5v10M10 19v-6h4v6",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
  server: "M4 4h16v7H4zM4 13h16v7H4zM8 7.5h.01M8 16.5h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4 4-6 8-6s8 2 8 6",
  rules: "M4 6h10M4 12h6M4 18h10M17 9l3 3-3 3",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3 3",
  check: "M5 12l5 5 9-10",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  route: "M6 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4M18 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4M8 17h7a3 3 0 0 0 0-6H9a3 3 0 0 1 0-6h7",
  read: "M4 9l8-5 8 5v10H4zM4 9l8 6 8-6",
  label: "M4 5h9l7 7-7 7H4zM8 12h.01",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  mute: "M5 9h4l5-4v14l-5-4H5zM17 9l4 6M21 9l-4 6",
  print: "M7 9V4h10v5M5 9h14v7h-3v4H8v-4H5z",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  threads: "M4 5h12v8H8l-4 3zM20 9v11l-4-3h-6",
  bookmark: "M7 4h10v16l-5-4-5 4z",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  move: "M3 6h6l2 2h10v11H3zM12 11v5M12 11l-2.5 2.5M12 11l2.5 2.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
