"""Sentences in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence or title in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """Chinese for every tag that begins with ``zh``, whatever its case; English for any other."""
        return self.zh if language.lower().startswith("zh") else self.en
