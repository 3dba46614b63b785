"""The help of the webmail shows every key that does something, and none that does nothing."""

from __future__ import annotations

import re
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "web" / "src"
KEY = re.compile(r'^  (?:"([^"]+)"|([\w$]+))(?:\(|:)', re.MULTILINE)


def source(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def table(name: str, head: str) -> set[str]:
    """The keys of the object that begins with `head`."""
    body = source(name).partition(head)[2].partition("\n};")[0]
    return {quoted or plain for quoted, plain in KEY.findall(body)}


def shown() -> dict[str, list[tuple[list[str], str]]]:
    """By group of the help: its rows of keys and what says their text."""
    found = {}
    for group, body in re.findall(
        r"^const (\w+) = \[\n(.*?)^\] as const;", source("views/shortcuts.ts"), re.M | re.S
    ):
        rows = re.findall(r'keys: \[(.*?)\], text: "([\w.]+)"', body)
        found[group] = [(re.findall(r'"([^"]+)"', keys), text) for keys, text in rows]
    return found


def keys(*groups: str) -> list[str]:
    return [key for group in groups for row, _ in shown()[group] for key in row]


def test_the_help_has_the_keys_that_there_are() -> None:
    mail = keys("LIST", "LETTER", "WRITE", "GO")
    assert sorted(mail) == sorted(table("views/keys.ts", "const KEYS: Record<MailKey, () => void> = {"))
    assert sorted(keys("TEAM")) == sorted(
        table("team/model.ts", "const KEYS: Record<TeamKey, () => boolean> = {")
    )
    assert len(mail) > 20
    assert {"t", "n"} == set(keys("TEAM"))


def test_the_editor_offers_what_the_help_says() -> None:
    [formats] = re.findall(
        r"const KEYS: Partial<Record<Command, EditorKey>> = \{(.*?)\};", source("compose/toolbar.tsx")
    )
    named = set(re.findall(r'"([^"]+)"', formats))
    assert named | {"Ctrl+Enter", "Escape"} == set(keys("EDITOR"))
    frame = source("compose/frame.ts")
    for key in ("Escape", "Enter", "k"):
        assert f'event.key === "{key}"' in frame


def test_no_key_listens_beside_the_tables() -> None:
    """Whoever adds a listener for the whole page adds its keys to a table."""
    whole_page = re.compile(r'(?<![\w.])(?:document\.|window\.)?addEventListener\("keydown"')
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.ts*")
        if path.relative_to(SOURCES).parts[0] not in ("admin", "lens")
        and whole_page.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"views/app.tsx", "team/model.ts"}


def test_every_row_has_a_text_and_no_key_is_there_twice() -> None:
    texts = set(re.findall(r'^  "(help\.[\w.]+)":', source("views/help.text.ts"), re.M))
    used = {text for rows in shown().values() for _, text in rows}
    assert used == {text for text in texts if not text.startswith("help.group.")} - {"help.title"}
    page = keys("LIST", "LETTER", "WRITE", "GO", "TEAM")
    assert len(page) == len(set(page))
