"""A short digest of labels: equal digests mean equal labels, word for word and curve for curve.

A dictionary's ``version`` is written by its author; an included label or a lexicon may change without it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from server.judge.labels import Label
from server.transcript import Topics

DIGITS = 12
"""Hexadecimal digits: 48 bits distinguish any two versions of a clinic's files."""


class Digests:
    """Digests of label sets. Caches those of topics: their lexicons hold thousands of terms and never change."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._known: dict[str, str] = {}

    def of(self, labels: Iterable[Label]) -> str:
        """The digest of these labels in their order, as applied, and of the terms of their topics."""
        parts = [[asdict(label), self._topic(label.transcript.topic) if label.transcript else None] for label in labels]
        return _digest(parts)

    def _topic(self, topic: str) -> str:
        if topic not in self._known:
            self._known[topic] = _digest(asdict(self._topics.only([topic])))
        return self._known[topic]


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=sorted)  # sets have no order of their own
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
