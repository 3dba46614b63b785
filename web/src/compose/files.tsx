/** What goes with a letter, and how far it is on its way to the server. */

import { formatSize } from "../text";
import { Icon } from "../views/icon";
import type { File, Letter } from "./letter";
import { say } from "./text";
import { drop, upload } from "./upload";

export function Files({ letter }: { letter: Letter }) {
  const list = letter.draft.value.files.filter((one) => !one.inline || (one.fault && one.blobId === null));
  if (list.length === 0) return null;
  return (
    <ul class="files" aria-label={say("files")}>
      {list.map((file) => <One key={file.key} file={file} letter={letter} />)}
    </ul>
  );
}

function One({ file, letter }: { file: File; letter: Letter }) {
  const moving = file.progress < 1 && !file.fault;
  const percent = Math.round(file.progress * 100);
  return (
    <li class={file.fault ? "failed" : ""}>
      {file.url ? <img src={file.url} alt="" /> : <Icon name="clip" />}
      <span class="name">{file.name}</span>
      <small>{formatSize(file.size)}</small>
      {moving && <progress max={100} value={percent} aria-label={say("files.progress", { name: file.name, percent })} />}
      {file.fault && (
        <>
          <small class="fault">{file.fault}</small>
          {file.source && <button onClick={() => void upload(letter, file.key)}>{say("files.retry")}</button>}
        </>
      )}
      <button class="plain" aria-label={say(moving ? "files.cancel" : "files.remove", { name: file.name })} onClick={() => drop(letter, file.key)}>
        <Icon name="close" />
      </button>
    </li>
  );
}
