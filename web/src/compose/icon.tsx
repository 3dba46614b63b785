/** Pictures of what one does with a text, drawn on 24 by 24 as in `../views/icon`. */
const PATHS = {
  bold: "M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z",
  italic: "M10 5h7M7 19h7M14 5l-4 14",
  underline: "M7 4v8a5 5 0 0 0 10 0V4M6 20h12",
  strike: "M16.5 8c-.6-1.8-2.3-3-4.5-3-2.5 0-4.5 1.3-4.5 3.3 0 1.6 1.3 2.7 3 3.7M4 12h16M14.5 12.5c1.5.8 2.2 1.8 2.2 3 0 2-2 3.5-4.7 3.5-2.4 0-4.2-1.2-4.8-3",
  size: "M3 19l5-13 5 13M4.7 15h6.6M14 19l3.2-8 3.3 8M15.2 16.5h4",
  color: "M6 17L12 4l6 13M8.2 12.5h7.6M5 21h14",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  numbers: "M10 6h10M10 12h10M10 18h10M4 4.5l1.5-1v5M3.8 14.5c.4-.9 2.4-1 2.4.3 0 1-2.4 1.7-2.4 3.2h2.6",
  quote: "M5 5v14M9 8h11M9 12h11M9 16h7",
  unquote: "M5 5v4M5 15v4M14 8h6M14 16h6M3 12h9M8 9l-4 3 4 3",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9h.01",
  left: "M4 6h16M4 10h10M4 14h16M4 18h10",
  center: "M4 6h16M7 10h10M4 14h16M7 18h10",
  right: "M4 6h16M10 10h10M4 14h16M10 18h10",
  clear: "M6 5h12M12 5l-2 9M4 20h8M15 15l5 5M20 15l-5 5",
  undo: "M8 5L4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11H9",
  redo: "M16 5l4 4-4 4M20 9H10a5.5 5.5 0 0 0 0 11h5",
  small: "M5 18h14",
  large: "M5 5h14v14H5z",
  restore: "M4 9h11v11H4zM9 9V4h11v11h-5",
  dots: "M5 12h.01M12 12h.01M19 12h.01",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3.5 2",
} as const;

export type MarkName = keyof typeof PATHS;

export function Mark({ name }: { name: MarkName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
