"""What the code names, the documents name; what the documents show, the code does."""

import re
from pathlib import Path
from typing import get_args

import pytest

from server.access.audit import Act
from server.errors import TingqingError
from server.settings import ENV_PREFIX, Settings
from server.values.notices import NoticeCode
from server.values.scores import Why
from server.wire.messages import ALL_CLIENT_MODELS, SERVER_MODELS
from server.wire.server import EndReason, WarningCode
from tests.repo.markdown import ROOT, code_blocks, documents, links, read

PROTOCOL = read("docs/protocol.md")
CONFIGURATION = read("docs/configuration.md")
ARCHITECTURE = read("docs/architecture.md")
EVERYTHING = "\n".join(read(path) for path in documents())


def error_leaves(error: type[TingqingError] = TingqingError) -> list[type[TingqingError]]:
    below = error.__subclasses__()
    return [leaf for child in below for leaf in error_leaves(child)] if below else [error]


def described_settings() -> dict[str, tuple[str, str]]:
    """Variable to (flag, default) as docs/configuration.md has them."""
    rows = re.findall(r"^\| `(TINGQING_\w+)` \| *(.*?) *\| *(.*?) *\|", CONFIGURATION, re.MULTILINE)
    return {name: (flag, default.strip("`")) for name, flag, default in rows}


def written(default: object) -> str:
    if default is None or default == ():
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default).lower()


def test_every_setting_is_described_with_its_default_and_nothing_else_is() -> None:
    expected = {f"{ENV_PREFIX}{name.upper()}": written(field.default) for name, field in Settings.model_fields.items()}
    assert {name: default for name, (_, default) in described_settings().items()} == expected


@pytest.mark.parametrize("model", [*ALL_CLIENT_MODELS, *SERVER_MODELS], ids=lambda model: model.__name__)
def test_every_message_is_in_the_protocol(model: type) -> None:
    kind = get_args(model.model_fields["type"].annotation)[0]  # type: ignore[attr-defined]
    assert f"`{kind}" in PROTOCOL or f'"{kind}"' in PROTOCOL
    missing = [name for name in model.model_fields if not re.search(rf"\b{name}\b", PROTOCOL)]  # type: ignore[attr-defined]
    assert not missing, f"fields of {kind} that docs/protocol.md does not name"


@pytest.mark.parametrize(
    "code", sorted({leaf.close_code for leaf in error_leaves()} | {1000, 1001, 1002, 1007, 1009, 1012})
)
def test_every_close_code_is_in_the_protocol(code: int) -> None:
    assert re.search(rf"\b{code}\b", PROTOCOL)


@pytest.mark.parametrize("code", sorted({leaf.code for leaf in error_leaves()} - {"invalid_settings"}))
def test_every_error_code_is_documented(code: str) -> None:
    assert f"`{code}`" in EVERYTHING


@pytest.mark.parametrize(
    "word", [*get_args(WarningCode), *get_args(EndReason), *(str(why) for why in (*Why, *NoticeCode))]
)
def test_every_warning_notice_reason_and_why_is_in_the_protocol(word: str) -> None:
    assert re.search(rf"\b{word}\b", PROTOCOL)


def test_every_route_is_in_the_http_document() -> None:
    from server.app import create_app

    document = read("docs/http.md")
    paths = create_app(Settings()).openapi()["paths"]
    assert paths
    assert not [path for path in paths if path.split("{")[0] not in document]


def test_architecture_names_only_files_that_exist() -> None:
    way = ARCHITECTURE[ARCHITECTURE.index("## The path of a chunk") : ARCHITECTURE.index("## Windows")]
    named = {name for block in code_blocks(way, "") for name in re.findall(r"\b([a-z_]+/[a-z_]+(?:\.py|/))", block)}
    assert len(named) > 8
    assert not [name for name in named if not (ROOT / "server" / name).exists()]


def test_architecture_draws_the_order_of_imports_that_is_checked() -> None:
    block = re.search(r"layers = \[\n(.*?)\]", read("pyproject.toml"), re.DOTALL)
    drawing = re.search(r"## Direction of imports\n\n```\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert block
    assert drawing
    checked = [line.strip(' ",()') for line in block[1].splitlines()]
    drawn = [re.split(r"  +", line.strip().removeprefix("└ "))[0] for line in drawing[1].splitlines()]
    assert drawn == checked


def test_every_folder_of_the_server_is_explained() -> None:
    folders = {path.parent.name for path in (ROOT / "server").glob("*/__init__.py")}
    assert not [name for name in folders if f"`server/{name}/`" not in ARCHITECTURE]


def test_index_of_decisions_is_complete() -> None:
    index = read("docs/decisions/README.md")
    records = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    assert re.findall(r"\]\((0\d+-[\w-]+\.md)\) \|", index) == records
    assert len({name[:4] for name in records}) == len(records), "two records with one number"


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_every_decision_says_context_choice_and_cost(record: Path) -> None:
    text = read(record)
    assert text.startswith(f"# {record.name[:4]}: ")
    found = [word for word in ("Context", "Choice", "Cost") if f"**{word}" in text or f"## {word}" in text]
    assert found == ["Context", "Choice", "Cost"]


def test_changelog_has_the_sections_of_keep_a_changelog_in_their_order() -> None:
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for version in re.split(r"^## ", read("CHANGELOG.md"), flags=re.MULTILINE)[1:]:
        sections = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert sections == [name for name in order if name in sections]


def test_every_document_can_be_reached_from_the_readme() -> None:
    start = ROOT / "README.md"
    seen: set[Path] = set()
    to_read = [start]
    while to_read:
        path = to_read.pop()
        if path in seen or path.suffix != ".md" or not path.is_file():
            continue
        seen.add(path)
        to_read += [(path.parent / link.target.split("#")[0]).resolve() for link in links(read(path))]
    assert not [path for path in documents() if path not in seen]


@pytest.mark.parametrize("act", list(Act))
def test_every_act_of_the_audit_is_described(act: Act) -> None:
    rows = re.findall(r"^\| ((?:`[a-z]+\.[a-z_]+`(?:, )?)+) \|", read("docs/access.md"), re.MULTILINE)
    assert f"`{act}`" in ", ".join(rows)
