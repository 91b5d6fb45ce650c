"""What the caller should know beside the scores: a stable code, and a sentence in both languages."""

from dataclasses import dataclass
from enum import StrEnum

from server.values.text import Text


class NoticeCode(StrEnum):
    """For programs: codes are added, never changed."""

    DEFAULT_CONTRAST = "default_contrast"
    """A label in English had no contrast; one was made."""
    UNSCORABLE_LABEL = "unscorable_label"
    """A label is in no dictionary, and not English."""
    MISTYPED_LABEL = "mistyped_label"
    """A name is nearly that of a dictionary or a label."""
    NOTHING_JUDGED = "nothing_judged"
    """None of the labels can be judged here."""
    LATE_TRANSCRIPT = "late_transcript"
    """Lines of the transcript begin after the recording's end."""
    DEAD_CHANNEL = "dead_channel"
    """A channel holds no sound; the others were judged."""
    INVERTED_CHANNELS = "inverted_channels"
    """Channels would cancel each other; one was judged."""
    DIFFERENT_CHANNELS = "different_channels"
    """The channels hold different people; each was judged, and this is the worse result."""
    ONE_SOUND = "one_sound"
    """Channels carry the same sound; one was judged."""
    MIXED_CHANNELS = "mixed_channels"
    """Channels differ, but not as those of different people do; their mix was judged."""
    UNEXAMINED_CHANNELS = "unexamined_channels"
    """There are too many channels to compare; their mix was judged."""
    LITTLE_SPEECH = "little_speech"
    """Someone speaks in less than a tenth of the time."""
    AS_HEARD = "as_heard"
    """A processed microphone was judged as the doctor hears it."""
    FAINT_VOICE = "faint_voice"
    """One voice is much fainter than another."""
    WINDOWS_LOST = "windows_lost"
    """At the end of a session there was no time to score the last windows."""
    PARTS_LEFT_OUT = "parts_left_out"
    """Some models gave nothing for a twentieth of the windows or more."""
    WINDOWS_THINNED = "windows_thinned"
    """The result has many windows, and this answer lists some of them."""
    CUT_SHORT = "cut_short"
    """A recording breaks off: what came after could not be decoded."""
    DAMAGED_FILE = "damaged_file"
    """Pieces of a recording could not be decoded."""
    SEVERAL_TRACKS = "several_tracks"
    """A file has several sound tracks; the first was judged."""


@dataclass(frozen=True, slots=True)
class Notice(Text):
    """``code`` says which; the words may change."""

    code: NoticeCode
