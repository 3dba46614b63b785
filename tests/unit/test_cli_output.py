"""What commands print: nothing a terminal would act on, whoever wrote it."""

import json

import pytest

from posthouse.cli.output import Output

HOSTILE = "a\x1b]0;owned\x07\x9b31m\u202egpj.exe"
SHOWN = r"a\u001b]0;owned\u0007\u009b31m\u202egpj.exe"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_strangers_wrote_is_shown_and_not_obeyed(capsys, as_json):
    out = Output(lambda key, **_: key, "en", as_json=as_json)
    out.line(HOSTILE)
    out.table(("id",), [(HOSTILE,), ("b\nc",)])
    out.result({"message_id": HOSTILE, "text": "b\nc 张"})
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    if as_json:
        assert json.loads(said) == {"message_id": HOSTILE, "text": "b\nc 张"}
    else:
        assert said.split("\n") == [SHOWN, "column.id", SHOWN, "b c", ""]
