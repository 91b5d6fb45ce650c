"""``tingqing labels``: shows and checks label dictionaries."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli import labels_match
from server.cli.console import ExitCode, fail, guarded, indented_json, language_or_locale, write_line
from server.cli.options import LabelsFolderOption

if TYPE_CHECKING:
    from server.dictionaries import Dictionaries
    from server.dictionaries.lint import Known

EPILOG = """\
[bold]Examples[/bold]
  tingqing labels list                     list the dictionaries
  tingqing labels show cardiology          show the labels of one
  tingqing labels lint our-clinic.toml     check your own

docs/labels.md explains how to write one with a clinical team.
"""

LIST_EPILOG = """\
[bold]Examples[/bold]
  tingqing labels list
  tingqing labels list --format json
"""

SHOW_EPILOG = """\
[bold]Examples[/bold]
  tingqing labels show pediatrics
  tingqing labels show "心悸描述具体,low_background"
  tingqing labels show "犬吠=a dog barking|a quiet yard"   your own label
"""

LINT_EPILOG = """\
[bold]Examples[/bold]
  tingqing labels lint our-clinic.toml
  tingqing labels lint --format json labels/*.toml

Each finding reads [bold]file:line: \\[rule] what is wrong[/bold]; the next line says how to fix
it. Notes are not problems. docs/labels.md explains the rules.

[bold]Exit codes[/bold]: 0 no problems found (notes do not count), 1 problems found, 2 unreadable file.
"""

app = typer.Typer(
    name="labels",
    help="Show the label dictionaries, and check your own.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class LabelsFormat(StrEnum):
    """What standard output holds."""

    TEXT = "text"
    JSON = "json"


Language = Annotated[
    str | None,
    typer.Option("--language", help="zh or en (BCP 47). Default: the terminal's language.", metavar="LANGUAGE"),
]
Format = Annotated[LabelsFormat, typer.Option("--format", help="[bold]text[/bold], to read, or [bold]json[/bold].")]


@app.command("list", epilog=LIST_EPILOG)
@guarded
def list_(
    language: Language = None, output_format: Format = LabelsFormat.TEXT, labels_folder: LabelsFolderOption = None
) -> None:
    """List the available dictionaries."""
    from server.cli.console import stdout_console
    from server.cli.labels_text import print_list
    from server.rendering.catalogue import label_sets

    sets = label_sets(_dictionaries(labels_folder).listed())
    if output_format is LabelsFormat.JSON:
        write_line(indented_json(sets.model_dump(mode="json")))
    else:
        print_list(stdout_console(), sets, language_or_locale(language))


@app.command(epilog=SHOW_EPILOG)
@guarded
def show(
    name: Annotated[
        str, typer.Argument(help="A dictionary's name or title, or labels as for --labels.", show_default=False)
    ],
    language: Language = None,
    output_format: Format = LabelsFormat.TEXT,
    labels_folder: LabelsFolderOption = None,
) -> None:
    """Show the labels of a dictionary: titles, aliases, evidence, what is at risk when one fails; and its rules."""
    from server.cli.console import stdout_console
    from server.cli.labels_text import print_labels
    from server.rendering.catalogue import known_label, known_rule, label_sets

    dictionaries = _dictionaries(labels_folder)
    found = dictionaries.resolve(name)
    whole = next((one for one in label_sets(dictionaries.listed()).label_sets if one.name == found.dictionary), None)
    places = {label.id: label.dictionary for label in whole.labels} if whole else {}
    labels = [known_label(label, places.get(label.id, found.dictionary)) for label in found.shown()]
    if output_format is LabelsFormat.JSON:
        value = {
            "dictionary": {"name": found.dictionary, "version": found.version, "digest": found.digest},
            "labels": [label.model_dump(mode="json") for label in labels],
            "rules": [known_rule(rule).model_dump(mode="json") for rule in found.rules],
            "notices": [{"zh": notice.zh, "en": notice.en, "code": notice.code} for notice in found.notices],
        }
        write_line(indented_json(value))
    else:
        print_labels(stdout_console(), found, labels, language_or_locale(language))


@app.command(epilog=LINT_EPILOG)
@guarded
def lint(
    files: Annotated[list[Path], typer.Argument(help="Label files (TOML).", show_default=False)],
    language: Language = None,
    output_format: Format = LabelsFormat.TEXT,
    labels_folder: LabelsFolderOption = None,
) -> None:
    """Check label files for wording, languages, evidence and duplicates. Every finding says how to fix it."""
    from server.cli.console import stdout_console
    from server.cli.labels_text import finding_json, print_findings
    from server.dictionaries.lint import Known, LintFinding, lint_file
    from server.filenames import readable

    known: dict[Path, Known] = {}
    findings: list[LintFinding] = []
    for path in files:
        where = _folder(labels_folder, _folder_of(path))
        if where not in known:
            known[where] = _known(where)
        try:
            findings += lint_file(path, known[where])
        except OSError as error:
            fail(f"{readable(path)}: cannot be read ({error.strerror})")
    if output_format is LabelsFormat.JSON:
        write_line(indented_json({"files": len(files), "findings": [finding_json(one) for one in findings]}))
    else:
        print_findings(stdout_console(), findings, len(files), language_or_locale(language))
    if any(one.severity == "finding" for one in findings):
        raise typer.Exit(ExitCode.NOT_PASSED)


app.command(epilog=labels_match.EPILOG)(labels_match.match)


def _folder(asked: Path | None, near: Path | None = None) -> Path:
    """The folder given or set, else ``near``, else the shipped folder."""
    from server.resources import labels_dir
    from server.settings import load_settings

    return load_settings(labels_dir=asked).labels_dir or near or labels_dir()


def _dictionaries(folder: Path | None) -> "Dictionaries":
    from server.dictionaries import Dictionaries

    return Dictionaries.load(_folder(folder))


def _folder_of(path: Path) -> Path | None:
    """The label folder that holds the file directly or in its ``topics`` or ``sounds``, if there is one."""
    folder = path.absolute().parent
    folder = folder.parent if folder.name in ("topics", "sounds") else folder
    return folder if (folder / "telemedicine.toml").is_file() else None


def _known(where: Path) -> "Known":
    """What the product can score, and the entries of the other dictionaries. CLAP and transcripts are optional.

    The file to lint may itself make this folder unloadable; the shipped folder is used instead.
    """
    from server.dictionaries import Dictionaries
    from server.dictionaries.lint import Known
    from server.dictionaries.loader import load_folder
    from server.dictionaries.topics import load_topics
    from server.errors import LabelFileError
    from server.model.acoustic.names import MEASURE_NAMES
    from server.resources import labels_dir

    try:
        topics = load_topics(where)
    except LabelFileError:
        topics = load_topics(labels_dir())
    try:
        dictionaries = Dictionaries(load_folder(where))
    except LabelFileError:
        dictionaries = Dictionaries(load_folder(labels_dir()))
    return Known(
        measures=MEASURE_NAMES,
        topics=frozenset(topics.topics),
        lexicons=frozenset(topics.lexicons),
        kinds={
            f"{name}:{label.id}": label.kind
            for name in dictionaries.names()
            for label in dictionaries.dictionary(name).own()
        },
        written={
            name: frozenset(label.id for label in dictionaries.dictionary(name).own()) for name in dictionaries.names()
        },
    )
