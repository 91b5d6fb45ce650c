"""The web client knows what the server says, its codes are documented, and its Chinese is written as Chinese is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from server.errors import TingqingError
from server.values.scores import Why
from server.wire.messages import SERVER_MODELS
from server.wire.server import WarningCode
from tests.repo.markdown import ROOT, read

CLIENT = ROOT / "web_client"
TYPES = read("web_client/protocol/types.js")
FAILURES = read("web_client/protocol/failures.js")
CHINESE = re.compile("[\u3001\u3002\u4e00-\u9fff]")
HALF_WIDTH = re.compile(r"[,:;!?()]")


def union(name: str) -> set[str]:
    """The members of a union of words in types.js."""
    found = re.search(rf"@typedef \{{([^{{}}]*)\}} {name}\b", TYPES)
    assert found, name
    return set(re.findall(r"'(\w+)'", found[1]))


def error_codes(error: type[TingqingError] = TingqingError) -> set[str]:
    codes = {error.code} if "code" in vars(error) else set()
    return codes.union(*(error_codes(leaf) for leaf in error.__subclasses__()))


def failure_codes() -> dict[str, str]:
    return dict(re.findall(r"^ +([A-Z_]+): '(\w+)',$", FAILURES, re.MULTILINE))


def sentences() -> Iterator[tuple[Path, str]]:
    """Every quoted string of the client with Chinese in it."""
    for path in [*CLIENT.rglob("*.js"), *CLIENT.glob("*.html")]:
        for quoted in re.findall(r"'((?:[^'\\\n]|\\.)*)'|>([^<>]+)<", path.read_text(encoding="utf-8")):
            text = "".join(quoted)
            if CHINESE.search(text):
                yield path, text


def test_the_client_knows_every_reason_warning_and_message() -> None:
    assert union("Why") == {str(why) for why in Why}
    assert union("WarningCode") == set(get_args(WarningCode))
    messages = {get_args(model.model_fields["type"].annotation)[0] for model in SERVER_MODELS}
    named = re.findall(r"\{type: ((?:'[\w.]+'(?: \| )?)+)", TYPES)
    assert {word for kinds in named for word in re.findall(r"'([\w.]+)'", kinds)} == messages


@pytest.mark.parametrize("code", sorted(failure_codes().values()))
def test_every_failure_code_is_documented(code: str) -> None:
    document = read("docs/web-client.md")
    table = document[document.index("## When something fails") : document.index("## Microphone")]
    assert f"`{code}`" in table


def test_codes_that_the_server_reports_are_the_servers_own() -> None:
    document = read("docs/web-client.md")
    (row,) = [line for line in document.splitlines() if line.endswith("| reported by the server |")]
    reported = set(re.findall(r"`(\w+)`", row))
    assert reported
    assert reported <= error_codes()
    assert reported == set(failure_codes().values()) & error_codes()


def test_chinese_has_full_width_punctuation() -> None:
    found = list(sentences())
    assert len(found) > 150
    assert not [(path.name, text) for path, text in found if HALF_WIDTH.search(text)]
