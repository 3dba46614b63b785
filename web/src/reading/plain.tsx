/** Plain text: addresses lead where they say, what was quoted is folded away, and a long text comes piece by piece. */

import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { read } from "./texts";

const LINK = /(https?:\/\/[^\s<>"'，。、；：！？（）【】《》]+[^\s<>"'，。、；：！？（）【】《》.,;:!?)\]}])/;
/** A longer text comes in pieces of that many characters, which are laid out each by itself. */
const PIECE = 12 * 1024;
const AT_ONCE = 4;

/** Cut where lines end, or within a line that is too long; a character stays whole. */
function cut(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + PIECE);
    if (end < text.length) {
      const line = text.slice(at, end).lastIndexOf("\n");
      if (line >= 0) end = at + line + 1;
      else if ((text.charCodeAt(end) & 0xfc00) === 0xdc00) end -= 1;
    }
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

export function PlainText({ text }: { text: string }) {
  const pieces = useMemo(() => cut(text), [text]);
  const [count, setCount] = useState(AT_ONCE);
  // What stands there stays as it is: only new pieces are compared and made.
  const made = useRef<{ text: string; list: VNode[] }>({ text: "", list: [] });
  if (made.current.text !== text) made.current = { text, list: [] };
  const { list } = made.current;
  while (list.length < Math.min(count, pieces.length)) list.push(<div key={list.length}><Folded text={pieces[list.length]!} /></div>);
  useEffect(() => setCount(AT_ONCE), [text]);
  useEffect(() => {
    if (count >= pieces.length) return;
    const timer = setTimeout(() => setCount(count + AT_ONCE));
    return () => clearTimeout(timer);
  }, [count, pieces]);
  if (pieces.length <= 1) return list[0] ?? null;
  return <div class="long" aria-busy={count < pieces.length}>{list}</div>;
}

const QUOTED_LINES = 3;

/** What was quoted is folded away, a click shows it. */
function Folded({ text }: { text: string }) {
  const runs: { quoted: boolean; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    const quoted = line.startsWith(">");
    const last = runs[runs.length - 1];
    if (last?.quoted === quoted) last.lines.push(line);
    else runs.push({ quoted, lines: [line] });
  }
  return (
    <>
      {runs.map(({ quoted, lines }, at) => {
        const shown = <Linked text={lines.join("\n") + (at + 1 < runs.length ? "\n" : "")} />;
        if (!quoted || lines.length < QUOTED_LINES) return <span key={at}>{shown}</span>;
        return (
          <details key={at} class="quoted">
            <summary>{read("quoted.show")}</summary>
            {shown}
          </details>
        );
      })}
    </>
  );
}

export function Linked({ text }: { text: string }) {
  return (
    <>
      {text.split(LINK).map((piece, at) =>
        at % 2 ? (
          <a key={at} href={piece} target="_blank" rel="noopener noreferrer nofollow">
            {piece}
          </a>
        ) : (
          piece
        ),
      )}
    </>
  );
}
