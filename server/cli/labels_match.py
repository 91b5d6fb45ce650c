"""``tingqing labels match``: which labels each line of a transcript states, to try out and measure dictionaries."""

import sys
from collections.abc import Set
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.console import ExitCode, compact_json, fail, guarded, write_line
from server.cli.options import LabelsFolderOption

if TYPE_CHECKING:
    from server.transcript import Matcher

EPILOG = """\
[bold]Examples[/bold]
  echo '{"text": "肚子疼三天了"}' | tingqing labels match
  tingqing labels match --labels cardiology < lines.jsonl

[bold]Exit codes[/bold]: 0 every line was read, 2 a line was invalid (its output is an error) or nothing can be matched.
"""


class MatchFormat(StrEnum):
    """What standard output holds: one JSON object per line of the transcript."""

    JSONL = "jsonl"


@guarded
def match(
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="A dictionary's name, or labels by id, title or alias. Default: telemedicine."),
    ] = None,
    output_format: Annotated[
        MatchFormat, typer.Option("--format", help="[bold]jsonl[/bold]: one answer per line.")
    ] = MatchFormat.JSONL,
    labels_folder: LabelsFolderOption = None,
) -> None:
    """Report which content labels each line of standard input states or denies.

    Lines are JSON: {"text", "before"?, "speaker"?}. before is what the doctor
    said immediately before. Each line, Chinese or English, is judged on its
    own and gives one line of output, in order. Nothing is stored.
    """
    from server.dictionaries import Dictionaries
    from server.errors import TranscriptError
    from server.resources import labels_dir
    from server.settings import load_settings
    from server.transcript.files import read_line
    from server.transcript.sources import content_topics, matcher_for, wanted_of

    assert output_format is MatchFormat.JSONL
    dictionaries = Dictionaries.load(load_settings(labels_dir=labels_folder).labels_dir or labels_dir())
    chosen = dictionaries.resolve(labels)
    shown = {label.id for label in chosen.shown()}
    asked = {label_id: topic for label_id, topic in content_topics(chosen).items() if label_id in shown}
    if not asked:
        fail("None of these is a content label.", hint="To see some: tingqing labels show telemedicine")
    for topic in sorted(set(asked.values()) - dictionaries.topics.topics.keys()):
        print(f"tingqing: topic {topic!r} is not in labels/topics, so it is never heard", file=sys.stderr)
    matcher, caregiver = matcher_for(dictionaries.topics, asked.values()), wanted_of(chosen).caregiver
    unread = False
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            answer = _answer(matcher, asked, caregiver, read_line(line, number))
        except TranscriptError as error:
            unread = True
            answer = {"error": {"code": error.code, "message": error.message, "line": number}}
        write_line(compact_json(answer))
    if unread:
        fail("At least one line was invalid. Its line of output holds the error.")
    raise typer.Exit(ExitCode.PASSED)


def _answer(matcher: "Matcher", asked: dict[str, str], caregiver: Set[str], line: Any) -> dict[str, Any]:
    from server.transcript.speakers import Speaker, speaker_named
    from server.transcript.topics import NOT_HEARD

    counts = {Speaker.PATIENT: set(asked.values()), Speaker.OTHER: caregiver}.get(speaker_named(line.speaker))
    found = matcher.match(line.text, line.before, topics=counts) if counts else {}
    findings = {label_id: found.get(topic, NOT_HEARD) for label_id, topic in asked.items()}
    told = {key: {"state": one.state.value, "strength": round(one.strength, 2)} for key, one in findings.items()}
    return {"labels": told}
