"""The READMEs: the same in both languages, with links that lead somewhere and commands that work and that CI runs."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from server.cli.main import app
from tests.repo.markdown import ROOT, anchors, documents, headings, links, read, shell_commands

READMES = ["README.md", "README.zh-CN.md"]
CLI = typer.main.get_group(app)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))


def commands_named(text: str, program: str) -> list[list[str]]:
    """The words after ``program`` in shell blocks and in inline code."""
    inline = re.findall(rf"`((?:\.venv/bin/)?{program} [^`\n]+)`", text)
    # An image may have the program's name.
    found = [line for line in [*shell_commands(text), *inline] if not line.startswith("docker ")]
    return [shlex.split(line.split(f"{program} ", 1)[1]) for line in found if re.search(rf"(^|[\s/]){program} ", line)]


def ci_commands() -> list[str]:
    """Without what is said of their output and failing."""
    lines = [line.strip() for line in read(".ci/run").splitlines() if line.startswith("make ")]
    return [re.split(r" (?:>|\|\|)", line)[0] for line in lines]


def test_both_begin_with_what_it_does_a_picture_and_the_two_commands() -> None:
    for name in READMES:
        text = read(name)
        assert 0 < text.index("docs/images/patient") < text.index("\nmake run\n") < text.index("\nmake test\n") < 2500


def test_both_have_the_same_sections() -> None:
    english, chinese = (headings(read(name)) for name in READMES)
    assert [depth for depth, _ in english] == [depth for depth, _ in chinese]


def test_both_show_the_same_commands() -> None:
    english, chinese = ([re.sub("<.*?>", "", line) for line in shell_commands(read(name))] for name in READMES)
    assert english == chinese


def test_both_link_to_the_same() -> None:
    english, chinese = ([link.target for link in links(read(name)) if not link.image] for name in READMES)
    assert english[0] == "README.zh-CN.md"
    assert chinese[0] == "README.md"
    assert english[1:] == chinese[1:]


def test_every_picture_says_in_words_what_it_shows() -> None:
    for name in READMES:
        text = read(name)
        shown = re.findall(r"<img\b[^>]*>", text) + re.findall(r"!\[[^\]]*\]", text)
        assert len(shown) == len([link for link in links(text) if link.image]) > 2
        assert all(re.search(r'alt="[^"]{10,}"|!\[.{10,}\]', picture) for picture in shown)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = [command.split(" ARGS=")[0] for command in ci_commands()]
    assert commands[-2:] == ["make check", "make test"]
    assert "make test" in shell_commands(read("README.md"))


def test_commands_of_the_readmes_work_as_pasted() -> None:
    """Nobody has the environment of a fresh checkout active: the program is named by its path."""
    for name in READMES:
        assert not [line for line in shell_commands(read(name)) if line.startswith("tingqing")]
        assert "visit.wav" in next(line for line in shell_commands(read(name)) if "tingqing demo --save" in line)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_command_has_a_target(document: Path) -> None:
    for words in commands_named(read(document), "make"):
        targets = [word for word in words if re.fullmatch(r"[a-z]+", word)]
        assert set(targets) <= make_targets(), words


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_tingqing_command_is_one_with_flags_that_exist(document: Path) -> None:
    for words in commands_named(read(document), "tingqing"):
        if words[0].startswith("-") or words[0] not in CLI.commands:
            assert words[0] in {"--version", "--help", "COMMAND"}, words
            continue
        command = CLI.commands[words[0]]
        command = getattr(command, "commands", {}).get(words[1] if words[1:] else "", command)
        flags = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)}
        used = {word.split("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
        assert used <= flags | {"--help", "-h"}, words


@pytest.mark.parametrize("name", sorted(CLI.commands))
def test_every_command_and_flag_is_in_the_command_document(name: str) -> None:
    text = read("docs/cli.md")
    assert f"tingqing {name}" in text
    for param in CLI.commands[name].params:
        for flag in (*param.opts, *param.secondary_opts):
            if flag.startswith("--") and flag != "--help":
                assert f"{flag}" in text, f"docs/cli.md does not name {flag} of {name}"


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_picture_leads_somewhere(document: Path) -> None:
    for link in links(read(document)):
        if re.match(r"[a-z]+:", link.target):
            continue
        path, _, fragment = link.target.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{document.name}: {link.target}"
        assert target.is_relative_to(ROOT), f"{document.name}: {link.target} leaves the repository"
        if fragment and target.suffix == ".md":
            assert fragment in anchors(read(target)), f"{document.name}: {link.target}"
        if link.image:
            assert target.stat().st_size > 1000
