"""Resolves a request (a dictionary's name, a list of labels, an array with thresholds) to a LabelSet."""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.dictionaries.adhoc import MAX_LABEL_CHARACTERS, ad_hoc_label, fold, normalise
from server.dictionaries.digest import Digests
from server.dictionaries.loader import DEFAULT_DICTIONARY, SPEECH_PRESENT, Dictionary, ListedDictionary, load_folder
from server.dictionaries.topics import load_topics
from server.errors import LabelQueryError
from server.judge.labels import Label, LabelSet
from server.transcript import Topics
from server.transcript.sources import matcher_for
from server.values.labels import LabelQuery, RequestedLabel
from server.values.notices import Notice, NoticeCode
from server.values.text import Text

MAX_LABELS = 200
MAX_PARTS = 4 * MAX_LABELS
"""Mentions of labels in one request, repeated and empty ones too: what is cheap once is not cheap ten thousand times.
"""

MAX_HINTS = 10
"""Number of unknown labels for which similar titles are looked up: it is the slowest step, and the event loop waits."""
MATCHERS = 16
"""Sets of topics whose matcher is kept: a few dictionaries, and choices of their labels."""

NEARLY = 0.8
"""``SequenceMatcher`` ratio from which one word is taken for a mistyped name."""
SEPARATORS = re.compile("[,，、﹐﹑､]")
"""English and Chinese commas, and the Chinese enumeration comma, in every width."""


@dataclass(frozen=True, slots=True)
class _Found:
    label: Label
    dictionary: str | None
    notice: Notice | None = None


class Dictionaries:
    """The dictionaries of a folder, read once; ``resolve`` is pure."""

    def __init__(self, dictionaries: Mapping[str, Dictionary], topics: Topics | None = None) -> None:
        self.topics = topics or Topics({}, {})
        self._digests = Digests(self.topics)
        self.matcher = functools.lru_cache(MATCHERS)(lambda wanted: matcher_for(self.topics, wanted))
        """Of these topics, a frozenset. Building one takes a second or so of CPU: sessions share it."""
        self._dictionaries = dict(dictionaries)
        self._folded = {fold(name): dictionary for name, dictionary in reversed(self._dictionaries.items())}
        for dictionary in self._dictionaries.values():
            for title in (dictionary.title.zh, dictionary.title.en):
                self._folded.setdefault(fold(title), dictionary)
        self._index = _index(tuple(self._dictionaries.values()))
        # The most parts that separators split a known name into: 1 unless a title or an alias contains one.
        self._longest_name = max((len(SEPARATORS.split(name)) for name in self._index), default=1)
        self._titles: tuple[Text, ...] = tuple(
            label.title for dictionary in self._dictionaries.values() for label in dictionary.own()
        )

    @classmethod
    def load(cls, folder: Path) -> "Dictionaries":
        """Read every ``*.toml`` of ``folder`` and its ``topics``. Raises LabelFileError with file and line."""
        return cls(load_folder(folder), load_topics(folder))

    def names(self) -> tuple[str, ...]:
        """All names: ``telemedicine`` first, the others sorted."""
        return tuple(self._dictionaries)

    def dictionary(self, name: str) -> Dictionary:
        """Raises LabelQueryError if no dictionary has that name."""
        found = self._dictionaries.get(name)
        if found is None:
            raise LabelQueryError(
                f"no dictionary {name!r}; known: {', '.join(self.names())}",
                zh=f"没有词典“{name}”；已有：{'、'.join(self.names())}。",
                param="labels",
            )
        return found

    def listed(self) -> list[ListedDictionary]:
        """All dictionaries with their digests, for display; the default first."""
        whole = [({label.id: label for label in one.labels}, one) for one in self._dictionaries.values()]
        return [ListedDictionary(one, self._label_set(labels, (one.name,), ()).digest) for labels, one in whole]

    def resolve(self, query: LabelQuery) -> LabelSet:
        """The requested labels, each once, in the requested order; ``None`` = all of ``telemedicine``.

        A string is a dictionary's name or title (心内科), or a list of ids, titles, aliases and ad hoc labels,
        separated by commas or ``、``. Labels are looked up in ``telemedicine`` first, then in the others by name. A
        label requested twice is one label; a later explicit threshold or weight wins.
        Raises LabelQueryError for an empty request, more than 200 labels or 800 mentions of them, or an invalid ad hoc
        text.
        """
        if query is None:
            query = DEFAULT_DICTIONARY
        if not isinstance(query, str) and len(query) > MAX_PARTS:
            raise _too_many()
        requests = self._split(query) if isinstance(query, str) else list(query)
        labels: dict[str, Label] = {}
        notices: dict[Notice, None] = {}
        sources: dict[str, None] = {}
        known: dict[str, list[_Found]] = {}
        for request in requests:
            if request.label not in known:
                known[request.label] = self._find(request.label, hint=len(notices) < MAX_HINTS)
            for found in known[request.label]:
                labels[found.label.id] = _applied(labels.get(found.label.id, found.label), request)
                if found.dictionary is not None:
                    sources[found.dictionary] = None
                if found.notice is not None:
                    notices[found.notice] = None
            if len(labels) > MAX_LABELS:
                raise _too_many()
        if not labels:
            raise LabelQueryError(
                "no label given. Name a dictionary or at least one label",
                zh="没有给出标签。请给出一个词典，或至少一个标签。",
                param="labels",
            )
        return self._label_set(labels, tuple(sources) or (DEFAULT_DICTIONARY,), tuple(notices))

    def _label_set(self, labels: Mapping[str, Label], sources: Sequence[str], notices: tuple[Notice, ...]) -> LabelSet:
        computed = tuple(labels.values())
        if SPEECH_PRESENT not in labels:
            computed += tuple(
                label for label in self._dictionaries[DEFAULT_DICTIONARY].labels if label.id == SPEECH_PRESENT
            )
        return LabelSet(
            labels=computed,
            requested=frozenset(labels),
            dictionary="+".join(sources),
            version="+".join(self._dictionaries[name].version for name in sources),
            notices=notices,
            digest=self._digests.of(computed),
            rules=tuple(
                written.rule
                for name in sources
                for written in self._dictionaries[name].rules
                if written.rule.label in labels
            ),
        )

    def _split(self, query: str) -> list[RequestedLabel]:
        """Split at the separators, but not within a title or alias that contains one: the longest known name wins."""
        if len(SEPARATORS.findall(query)) > MAX_PARTS * self._longest_name:
            raise _too_many()
        cuts = [0, *(found.end() for found in SEPARATORS.finditer(query)), len(query) + 1]
        requests: list[RequestedLabel] = []
        at = 0
        while at < len(cuts) - 1:
            longest = min(self._longest_name, len(cuts) - 1 - at)
            texts = ((size, query[cuts[at] : cuts[at + size] - 1]) for size in range(longest, 0, -1))
            size, text = next((size, text) for size, text in texts if size == 1 or self._is_known(text))
            if normalise(text):
                requests.append(RequestedLabel(normalise(text)))
            at += size
        return requests

    def _is_known(self, text: str) -> bool:
        return len(text) <= MAX_LABEL_CHARACTERS and fold(text) in self._index

    def _find(self, asked: str, *, hint: bool) -> list[_Found]:
        text = normalise(asked)
        if not text:
            return []
        whole = self._folded.get(fold(text))
        if whole is not None:
            return [_Found(label, whole.name) for label in whole.labels]
        known = self._index.get(fold(text))
        if known is not None:
            return [known]
        label, notice = ad_hoc_label(asked, self._titles if hint else ())
        near = self._mistyped(text) if hint else None
        return [_Found(label, None, notice if near is None else near)]

    def _mistyped(self, text: str) -> Notice | None:
        """A notice for one word that is nearly the name of a dictionary or the id of a label."""
        names = [*self._dictionaries, *(found.label.id for found in self._index.values())]
        near = difflib.get_close_matches(fold(text), names, n=1, cutoff=NEARLY) if " " not in text else []
        if not near:
            return None
        return Notice(
            f"没有“{text}”，是不是 {near[0]}？",
            f"There is no '{text}'. Did you mean {near[0]}?",
            NoticeCode.MISTYPED_LABEL,
        )


def _too_many() -> LabelQueryError:
    return LabelQueryError(f"more than {MAX_LABELS} labels requested", zh=f"标签超过 {MAX_LABELS} 个。", param="labels")


def _index(dictionaries: Sequence[Dictionary]) -> dict[str, _Found]:
    """Labels by name. An earlier dictionary wins; within one, ids come before titles before aliases."""
    index: dict[str, _Found] = {}
    for dictionary in dictionaries:
        rounds: list[list[tuple[str, Label]]] = [
            [(label.id, label) for label in dictionary.own()],
            [(title, label) for label in dictionary.own() for title in (label.title.zh, label.title.en)],
            [(alias, label) for label in dictionary.own() for alias in label.aliases],
        ]
        for names in rounds:
            for name, label in names:
                index.setdefault(fold(name), _Found(label, dictionary.name))
    return index


def _applied(label: Label, request: RequestedLabel) -> Label:
    """The label with the request's threshold and weight. ``clear`` keeps its distance from the threshold, up to 1."""
    if request.threshold is not None:
        clear = min(1.0, request.threshold + (label.clear - label.threshold))
        label = replace(label, threshold=request.threshold, clear=clear)
    if request.weight is not None:
        label = replace(label, weight=request.weight)
    return label
