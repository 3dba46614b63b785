/** One contact, shown. */

import { useEffect, useState } from "preact/hooks";
import { compose } from "../draft";
import { client, guarded, jmap } from "../store";
import { Icon } from "../views/icon";
import type { Book, Contact } from "./model";
import { belong, emailsOf, inBook, keep, keyOf, loadGroups, membersOf, nameOf } from "./model";
import { bookName, say, ownerOf } from "./text";

export function Face({ one }: { one: Contact }) {
  const name = nameOf(one);
  return (
    <span class="face" aria-hidden="true">
      {one.kind === "group" ? <Icon name="threads" /> : (name.match(/[\p{L}\p{N}]/u)?.[0] ?? "?").toUpperCase()}
    </span>
  );
}

function Photo({ one }: { one: Contact }) {
  const [url, setUrl] = useState("");
  const photo = Object.values(one.media ?? {}).find((media) => media.kind === "photo" && media.blobId);
  useEffect(() => {
    let made = "";
    if (photo?.blobId)
      void guarded(async () => {
        made = URL.createObjectURL(await jmap().at(one.account).download(photo.blobId!, photo.mediaType ?? "image/jpeg", "photo"));
        setUrl(made);
      });
    return () => made && URL.revokeObjectURL(made);
  }, [photo?.blobId]);
  return url ? <img class="face" src={url} alt="" /> : <Face one={one} />;
}

interface ShownProps {
  one: Contact;
  /** One that it is in, and where a copy of it would go. */
  book: Book | undefined;
  into: Book | undefined;
  /** null where the rights do not go that far. */
  edit: (() => void) | null;
  drop: (one: Contact) => void;
  copy: (one: Contact, into: Book) => void;
  choose: (one: Contact) => void;
  changed: () => void;
}

export function Shown({ one, book, into, edit, drop, copy, choose, changed }: ShownProps) {
  const [members, setMembers] = useState<Contact[]>([]);
  useEffect(() => {
    setMembers([]);
    if (one.kind === "group") void guarded(async () => setMembers(await membersOf(one)));
  }, [keyOf(one)]);
  const name = nameOf(one);
  const to = one.kind === "group" ? members.flatMap((member) => emailsOf(member).slice(0, 1).map((email) => ({ name: nameOf(member), email }))) : emailsOf(one).slice(0, 1).map((email) => ({ name, email }));
  const birth = Object.values(one.anniversaries ?? {}).find((day) => day.kind === "birth")?.date;
  const about = [...Object.values(one.titles ?? {}).map((title) => title.name), ...Object.values(one.organizations ?? {}).map((place) => place.name ?? "")].filter(Boolean);
  return (
    <article class="card contact">
      <header>
        <Photo one={one} />
        <div class="what">
          <h1>{name || say("name.none")}</h1>
          {one.kind === "group" && <small>{say("group")}</small>}
          {about.length > 0 && <small>{about.join(" · ")}</small>}
          {book?.owner && (
            <small>
              {bookName(book)} · {ownerOf(book)} {edit === null && <span class="tag">{say("readonly")}</span>}
            </small>
          )}
        </div>
      </header>
      <div class="actions">
        {client.value?.sends && to.length > 0 && (
          <button class="main" onClick={() => compose({ to })}>
            <Icon name="write" /> {say(one.kind === "group" ? "write.all" : "write")}
          </button>
        )}
        {edit && (
          <>
            <button onClick={edit}>
              <Icon name="drafts" /> {say("edit")}
            </button>
            <button onClick={() => drop(one)}>
              <Icon name="trash" /> {say("delete")}
            </button>
          </>
        )}
        {book && into && !inBook(one, into) && book.account !== into.account && (
          <button onClick={() => copy(one, into)}>
            <Icon name="copy" /> {say("copy")}
          </button>
        )}
      </div>
      <dl>
        <Lines label={say("email")} lines={Object.values(one.emails ?? {}).map((email) => [email.address, email.label ?? "", () => compose({ to: [{ name, email: email.address }] })])} />
        <Lines label={say("phone")} lines={Object.values(one.phones ?? {}).map((phone) => [phone.number.replace(/^tel:/, ""), phone.label ?? ""])} />
        <Lines label={say("address")} lines={Object.values(one.addresses ?? {}).map((place) => [place.full ?? (place.components ?? []).map((part) => part.value).join(" "), ""])} />
        <Lines label={say("website")} lines={Object.values(one.links ?? {}).map((link) => [link.uri, ""])} />
        <Lines label={say("birthday")} lines={birth ? [[[birth.year, birth.month, birth.day].filter((part) => part !== undefined).map((part) => String(part).padStart(2, "0")).join("-"), ""]] : []} />
        <Lines label={say("note")} lines={Object.values(one.notes ?? {}).map((note) => [note.note, ""])} />
        <Lines label={say("members")} lines={members.map((member) => [nameOf(member), emailsOf(member)[0] ?? "", () => choose(member)])} />
      </dl>
      {edit && one.kind !== "group" && one.uid && <Groups one={one} changed={changed} />}
    </article>
  );
}

function Lines({ label, lines }: { label: string; lines: [text: string, more: string, act?: () => void][] }) {
  const told = lines.filter(([text]) => text);
  if (told.length === 0) return null;
  return (
    <>
      <dt>{label}</dt>
      {told.map(([text, more, act], at) => (
        <dd key={at}>
          {act ? (
            <button class="plain link" onClick={act}>
              {text}
            </button>
          ) : (
            text
          )}
          {more && <small> {more}</small>}
        </dd>
      ))}
    </>
  );
}

/** In which groups somebody is; a new one can be made on the spot. */
function Groups({ one, changed }: { one: Contact; changed: () => void }) {
  const [groups, setGroups] = useState<Contact[]>([]);
  const [made, setMade] = useState("");
  const reload = async () => setGroups(await loadGroups(one.account));
  useEffect(() => void guarded(reload), [keyOf(one)]);
  const put = (group: Contact, on: boolean) => void guarded(async () => (await belong(group, one.uid, on), await reload(), changed()));
  const make = (event: Event) => {
    event.preventDefault();
    const name = made.trim();
    if (!name) return;
    setMade("");
    void guarded(async () => {
      await keep(one.account, null, { kind: "group", name: { full: name }, members: { [one.uid]: true }, addressBookIds: one.addressBookIds });
      await reload();
      changed();
    });
  };
  return (
    <fieldset class="groups">
      <legend>{say("groups")}</legend>
      <div>
        {groups.map((group) => (
          <label key={group.id}>
            <input type="checkbox" checked={one.uid in (group.members ?? {})} onChange={(event) => put(group, event.currentTarget.checked)} />
            {nameOf(group)}
          </label>
        ))}
        <form onSubmit={make}>
          <input type="text" aria-label={say("group.new")} placeholder={say("group.new")} value={made} onInput={(event) => setMade(event.currentTarget.value)} />
          <button disabled={!made.trim()}>{say("group.add")}</button>
        </form>
      </div>
    </fieldset>
  );
}
