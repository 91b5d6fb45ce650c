"""A short digest of what judges: the same digest means the same labels, word for word and curve for curve.

A dictionary's ``version`` is what its author wrote; an included label or a lexicon may change without it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from server.judge.labels import Label
from server.transcript import Topics

DIGITS = 12
"""Hexadecimal: 48 bits tell any two versions of a clinic's files apart."""


class Digests:
    """Digests of label sets. Remembers those of topics: their lexicons hold thousands of terms and never change."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._known: dict[str, str] = {}

    def of(self, labels: Iterable[Label]) -> str:
        """Of these labels in their order, as they are applied, and of the words that their topics listen for."""
        parts = [[asdict(label), self._topic(label.transcript.topic) if label.transcript else None] for label in labels]
        return _digest(parts)

    def _topic(self, topic: str) -> str:
        if topic not in self._known:
            self._known[topic] = _digest(asdict(self._topics.only([topic])))
        return self._known[topic]


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=sorted)  # sets have no order of their own
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
