"""The format of the sounds file (``labels/sounds/``, docs/clap.md), converted to the judgement's dataclasses."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from server.dictionaries.adhoc import is_english
from server.dictionaries.entries import FileModel, Identifier, Sentence, TextEntry, Unit
from server.dictionaries.locate import file_error
from server.dictionaries.toml_text import parse_toml, read_text
from server.judge.sounds import QUIET, SPEAKING, Disturbance, OwnSound, Sounds

FOLDER = "sounds"
FILE_NAME = "sounds.toml"

Texts = Annotated[tuple[Sentence, ...], Field(min_length=2, max_length=20)]


class PlainEntry(FileModel):
    """Quiet or plain speech: none of the named sounds."""

    texts: Texts
    """Several English scenes; their cosines are averaged."""


class SoundEntry(FileModel):
    """One sound that can be named."""

    id: Identifier
    """Final: results refer to it."""
    title: TextEntry
    """As the doctor reads it."""
    texts: Texts
    """Several English scenes that contain the sound, with and without speech; their cosines are averaged."""
    margin: Unit | None = None
    """By how much its share must exceed the next best. Default: the file's margin."""


class DisturbanceEntry(SoundEntry):
    """One ``[[interference]]``: a sound around the patient."""

    prompt: TextEntry
    """What the patient is told if this sound disturbs: kind, without blame, one action."""


class OwnSoundEntry(SoundEntry):
    """One ``[[event]]``: a sound made by the patient, shown to the doctor, never a reason to prompt."""

    rivals: tuple[Identifier, ...] = ()
    """Ids of sounds around the patient that are easily confused with it; if one is nearer, it is not reported."""


class SoundsFile(FileModel):
    """The sounds besides speech that CLAP can name."""

    margin: Unit
    """By how much a sound's share must exceed the next best for it to be named."""
    quiet: PlainEntry
    """What the sounds around the patient are compared with, besides each other."""
    speaking: PlainEntry
    """What the patient's own sounds are compared with, besides each other."""
    interference: tuple[DisturbanceEntry, ...] = Field(min_length=1, max_length=100)
    event: tuple[OwnSoundEntry, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """Rules that span several entries; lint reports the same with lines and advice."""
        for fault in self.faults():
            raise ValueError(fault)
        return self

    def faults(self) -> Iterator[str]:
        """What is wrong between entries that are right alone, a sentence each."""
        ids = Counter(entry.id for entry in (*self.interference, *self.event))
        ids.update((QUIET, SPEAKING))
        yield from (f"sound {one!r} occurs twice: ids must be unique" for one, count in ids.items() if count > 1)
        others = {entry.id for entry in self.interference}
        for entry in self.event:
            yield from (f"{entry.id}: no interference {rival!r}" for rival in entry.rivals if rival not in others)
        for owner, text in self.texts():
            if not is_english(text):
                yield f"{owner}: the text {text!r} is not English; the text encoder reads only English"

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each text with the id that it belongs to."""
        for plain, entry in ((QUIET, self.quiet), (SPEAKING, self.speaking)):
            yield from ((plain, text) for text in entry.texts)
        for sound in (*self.interference, *self.event):
            yield from ((sound.id, text) for text in sound.texts)

    def value(self) -> Sounds:
        """As the scorer has it: every margin filled in."""
        return Sounds(
            quiet=self.quiet.texts,
            speaking=self.speaking.texts,
            interference=tuple(
                Disturbance(one.id, one.title.value(), one.texts, self._margin(one), one.prompt.value())
                for one in self.interference
            ),
            events=tuple(
                OwnSound(one.id, one.title.value(), one.texts, self._margin(one), one.rivals) for one in self.event
            ),
        )

    def _margin(self, sound: SoundEntry) -> float:
        return self.margin if sound.margin is None else sound.margin


def load_sounds(folder: Path) -> Sounds:
    """Read ``folder/sounds/sounds.toml``. The file is optional: without it no sound is named.

    Raises LabelFileError with file and line.
    """
    path = folder / FOLDER / FILE_NAME
    return parse_sounds(read_text(path), str(path)).value() if path.is_file() else Sounds()


def parse_sounds(source: str, path: str) -> SoundsFile:
    """Parse one sounds file; error messages start with ``path``. Raises LabelFileError."""
    data = parse_toml(source, path)
    try:
        return SoundsFile.model_validate(data)
    except ValidationError as error:
        raise file_error(error, source, path) from None
