"""Structured log lines on standard error: key=value for people, JSON for machines.

Callers pass what varies as `extra={"facts": {...}}`; the message itself is a constant, so lines can be counted.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from typing import Any, Final

NAME: Final = "posthouse"
OTHERS: Final = ("asyncio", "uvicorn.error")
"""Loggers of libraries whose warnings belong in the same lines."""
_PLAIN: Final = re.compile(r"[^\s\"=\\]+")


def _value(value: Any) -> str:
    text = str(value)
    # A value of a client is never allowed to look like another key, or like another line.
    return text if _PLAIN.fullmatch(text) and text.isprintable() else json.dumps(text, ensure_ascii=True)


def _time(created: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created)) + f".{int(created * 1000) % 1000:03d}Z"


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        parts = [_time(record.created), record.levelname.lower(), f"pid={record.process}"]
        facts = getattr(record, "facts", {})
        parts += [f"{key}={_value(value)}" for key, value in facts.items()]
        parts.append(f"msg={_value(record.getMessage())}")
        if record.exc_info and record.exc_info[0] is not None:
            parts.append(f"stack={_value(''.join(traceback.format_exception(*record.exc_info)))}")
        return " ".join(parts)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "pid": record.process,
            **getattr(record, "facts", {}),
            "msg": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["stack"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(style: str, level: str) -> logging.Logger:
    """The logger of the house; calling again replaces what was set up."""
    log = logging.getLogger(NAME)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
    for name in OTHERS:
        other = logging.getLogger(name)
        other.handlers[:] = [handler]
        other.propagate = False
    return log
