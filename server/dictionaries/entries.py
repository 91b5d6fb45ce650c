"""What the formats of all label files have in common: identifiers, texts, and that unknown keys are errors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from server.values.text import Text

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Unit = Annotated[float, Field(ge=0.0, le=1.0)]


class FileModel(BaseModel):
    """Unknown keys are errors: otherwise a misspelt key would silently keep its default."""

    # Editors show the docstrings of the fields as descriptions.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )


class TextEntry(FileModel):
    """A text in Chinese and English."""

    zh: Sentence
    en: Sentence

    def value(self) -> Text:
        """As the judgement has it."""
        return Text(zh=self.zh, en=self.en)
