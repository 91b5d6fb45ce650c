"""The whole page: a summary of several recordings, and a report of each."""

from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from pathlib import PurePath

from server.rendering import words
from server.rendering.page import phrases
from server.rendering.page.sections import missing, report_of
from server.rendering.report import said
from server.wire.result import ResultModel

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Of the page: whatever a file is called, it runs nothing and calls nobody."""


class Document:
    """``add`` each recording in order, ``finish`` once: only then is anything written, since the summary comes first.

    Keeps some 20 kB of a recording, whatever its length. ``write`` takes text.
    """

    def __init__(self, language: str, write: Callable[[str], object]) -> None:
        self._language = language
        self._write = write
        self._rows: list[str] = []
        self._reports: list[str] = []
        self._unread: list[str] = []
        self._names: set[str] = set()
        self._passed = 0

    def add(self, result: ResultModel, peaks: Sequence[int] = ()) -> None:
        """``peaks``: whole dBFS in equal steps of time, empty where none were kept, as of a session."""
        at = len(self._reports) + 1
        name = self._short(result.source.name or result.reference or result.id)
        self._reports.append(report_of(result, peaks, self._language, f"r{at}", name))
        self._passed += result.overall.passed
        look = words.GRADES[result.overall.grade]
        self._rows.append(
            f'<tr><td><a href="#r{at}">{escape(name)}</a></td>'
            f'<td class="n">{escape(look.shape)} {escape(look.word(self._language))}</td>'
            f'<td class="n">{words.number(result.overall.score)}</td>'
            f'<td class="n">{words.clock(result.source.duration_s)}</td>'
            f"<td>{escape(' '.join([said(result.advice, self._language), *missing(result, self._language)]))}</td></tr>"
        )

    def add_unread(self, name: str, message: str, zh: str = "") -> None:
        """A file that could not be judged, and why."""
        text = zh if zh and self._language.startswith("zh") else message
        self._unread.append(f"<tr><td>{escape(self._short(name))}</td><td>{escape(text)}</td></tr>")

    def _short(self, name: str) -> str:
        """Without its folder, which says nothing to who reads the page, unless another file was called so before."""
        short = PurePath(name).name or name
        told = name if short in self._names else short
        self._names.add(short)
        return told

    def finish(self) -> None:
        """Write the page."""
        language = self._language
        style = (files("server.rendering.page") / "style.css").read_text(encoding="utf-8")
        title = escape(phrases.TITLE(language))
        self._write(
            f'<!doctype html>\n<html lang="{"zh-CN" if language.startswith("zh") else "en"}">\n<head>'
            f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{style}</style></head>\n<body><main><h1>{title}</h1>\n"
        )
        if len(self._reports) != 1 or self._unread:
            self._write(self._summary())
        for report in self._reports:
            self._write(report)
        self._write(f'<p class="foot">{escape(words.DISCLAIMER(language))}</p>\n</main></body></html>\n')

    def _summary(self) -> str:
        language = self._language
        heads = (words.FILE, words.OVERALL, words.SCORE, phrases.LENGTH, words.ADVICE)
        count = phrases.COUNT(language).format(passed=self._passed, all=len(self._reports) + len(self._unread))
        parts = [f'<section class="sum"><h2>{escape(phrases.SUMMARY(language))}{count}</h2>']
        if self._rows:
            head = "".join(f"<th>{escape(one(language))}</th>" for one in heads)
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(self._rows)}</tbody></table>")
        if self._unread:
            parts.append(f"<h3>{escape(phrases.UNREAD(language))}</h3><table>{''.join(self._unread)}</table>")
        return "".join([*parts, "</section>\n"])
