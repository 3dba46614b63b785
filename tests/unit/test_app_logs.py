"""Log lines: structure, and values that cannot forge one."""

import json
import logging

from posthouse.app.logs import OTHERS, JsonFormatter, TextFormatter, set_up


def record(message="hello", **facts):
    made = logging.LogRecord("posthouse", logging.INFO, "", 0, message, (), None)
    made.facts = facts
    return made


def test_text_lines_have_the_facts_before_the_message():
    line = TextFormatter().format(record(conn="a1.2", peer="192.0.2.1"))
    assert line.split(" ", 3)[3] == "conn=a1.2 peer=192.0.2.1 msg=hello"
    assert line.split()[1] == "info"


def test_a_value_of_a_client_cannot_add_a_key_or_a_line():
    line = TextFormatter().format(record(helo='x" msg=forged\nlevel=error \x1b[2J', other="a=b"))
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.count(" msg=") == 2  # the forged one stands inside quotes
    assert r'helo="x\" msg=forged\n' in line
    assert 'other="a=b"' in line


def test_json_lines_are_objects_with_the_stack():
    try:
        raise RuntimeError("why")
    except RuntimeError as error:
        made = record(conn="a1")
        made.exc_info = (type(error), error, error.__traceback__)
    line = json.loads(JsonFormatter().format(made))
    assert line["conn"] == "a1"
    assert line["msg"] == "hello"
    assert "RuntimeError: why" in line["stack"]


def test_warnings_of_libraries_are_lines_like_ours(capsys):
    names = ("posthouse", *OTHERS)
    before = [(log, log.handlers[:], log.propagate, log.level) for log in map(logging.getLogger, names)]
    try:
        set_up("text", "info")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    finally:
        for log, handlers, propagate, level in before:
            log.handlers[:], log.propagate = handlers, propagate
            log.setLevel(level)
    assert capsys.readouterr().err.endswith(' msg="Invalid HTTP request received."\n')
