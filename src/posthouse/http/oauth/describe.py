"""What a scope means to the person who is asked."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.core.scope import ALL
from posthouse.http.texts import TEXTS, say
from posthouse.services.oauth.scope import NARROWED, Scopes

JOINED = {"zh": "、", "en": ", "}


def permissions(scopes: Scopes, foreign: Sequence[str], language: str) -> list[str]:
    """`foreign`: resources that are not ours."""
    lines: list[str] = []
    for name, part in scopes.parts.items():
        key = f"scope.{name}.{part.actions}"
        line = say(key if key in TEXTS else f"scope.{name}.{ALL}", language=language)
        if part.folders:
            kind = "domains" if NARROWED[name] == "domain" else "folders"
            line += say(f"scope.{kind}", language=language, folders=JOINED[language].join(part.folders))
        lines.append(line)
    lines += [say(f"scope.{name}", language=language) for name in scopes.identity]
    if foreign:
        lines.append(say("scope.resources", language=language, resources=JOINED[language].join(foreign)))
    return list(dict.fromkeys(lines))
