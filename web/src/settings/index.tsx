/** The settings: a list of sections with a search, and the section that the path names. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { HOME, SETTINGS, anchor, follow, path } from "../route";
import { Icon } from "../views/icon";
import { Asking } from "./parts";
import { SECTIONS, find, linkTo } from "./sections";
import { say } from "./text";
import "./settings.css";

const WIDE = matchMedia("(min-width: 681px)");

export function Settings() {
  const [sought, setSought] = useState("");
  const named = path.value.slice(SETTINGS.length + 1).split("/")[0] ?? "";
  // On a phone the list of sections is a page of its own.
  const section = SECTIONS.find((one) => one.id === named) ?? (WIDE.matches || named ? SECTIONS[0]! : null);
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${section ? say(section.title) : say("title")} · 驿站`;
    if (!first.current) heading.current?.focus();
    first.current = false;
    return () => (document.title = "驿站 Posthouse");
  }, [section]);
  useEffect(() => {
    const target = anchor.value && document.getElementById(anchor.value);
    if (!target) return;
    target.scrollIntoView({ block: "center" });
    target.classList.add("sought");
    const timer = setTimeout(() => target.classList.remove("sought"), 2500);
    return () => clearTimeout(timer);
  }, [section, anchor.value]);
  return (
    <main class={`settings${section ? " inside" : ""}`}>
      <nav class="sections" aria-label={say("nav")}>
        <header>
          <a class="button plain" href={HOME} onClick={follow} aria-label={say("mail")} title={say("mail")}>
            <Icon name="back" />
          </a>
          {section ? <strong>{say("title")}</strong> : <h1>{say("title")}</h1>}
        </header>
        <search class="search">
          <Icon name="search" />
          <input type="search" aria-label={say("search")} placeholder={say("search")} value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
        </search>
        {sought.trim() ? <Found text={sought} /> : <Sections current={section?.id ?? ""} />}
        <OtherPages />
      </nav>
      {section && (
        <div class="pane" key={section.id}>
          <header>
            <a class="button plain only-narrow" href={SETTINGS} onClick={follow} aria-label={say("back")}>
              <Icon name="back" />
            </a>
            <h1 ref={heading} tabIndex={-1}>
              {say(section.title)}
            </h1>
          </header>
          <section.View />
        </div>
      )}
      <Asking />
    </main>
  );
}

function Sections({ current }: { current: string }) {
  return (
    <ul>
      {SECTIONS.map((one) => (
        <li key={one.id}>
          <a href={linkTo(one.id)} onClick={follow} aria-current={one.id === current ? "page" : undefined}>
            <Icon name={one.icon} /> {say(one.title)}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** What else the node has for this account. */
function OtherPages() {
  const [self, setSelf] = useState<{ administrates: boolean; lens: boolean } | null>(null);
  useEffect(() => {
    // Without a token of our own authorization server there is no API; then there are no such pages either.
    api<{ administrates: boolean; lens: boolean }>("GET", "/self").then(setSelf, () => null);
  }, []);
  if (!self?.administrates && !self?.lens) return null;
  return (
    <ul aria-label={say("pages")}>
      {self.administrates && (
        <li>
          <a href="/admin/">
            <Icon name="settings" /> {say("pages.admin")}
          </a>
        </li>
      )}
      {self.lens && (
        <li>
          <a href="/lens/">
            <Icon name="search" /> {say("pages.lens")}
          </a>
        </li>
      )}
    </ul>
  );
}

function Found({ text }: { text: string }) {
  const found = find(text);
  return (
    <>
      <p class="spoken" role="status">
        {found.length === 0 ? say("search.none") : found.length}
      </p>
      {found.length === 0 && <p class="empty">{say("search.none")}</p>}
      <ul>
        {found.map((one) => (
          <li key={one.link}>
            <a href={one.link} onClick={follow}>
              <span>
                {one.title}
                {one.within && <small> · {one.within}</small>}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
