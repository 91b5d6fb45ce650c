"""Labels that are not in any dictionary: English text, ``中文标题=English text|English contrast``, or unscorable."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from server.errors import LabelQueryError
from server.judge.labels import ClapEvidence, Label, LabelKind
from server.values.notices import Notice, NoticeCode
from server.values.text import Text

MAX_LABEL_CHARACTERS = 200
MAX_CONTRASTS = 4
"""Contrasts per label. All sessions share the text encoder: each text costs it time and a cache entry."""

NEAREST_TITLES = 3
NEAREST_RATIO = 0.4
"""``SequenceMatcher`` ratio above which a known title counts as near: half of a four-character title in common."""

SURROUNDINGS = re.compile(
    r"\b(nois\w*|quiet\w*|silen\w*|background|ambien\w*|surround\w*|loud\w*|volume|faint\w*|soft\w*|distant\w*|"
    r"far|near|close|hum|humm\w*|hiss\w*|buzz\w*|static|drone|droning|rumbl\w*|whirr?\w*|crowd\w*|babbl\w*|chatter\w*|"
    r"music\w*|songs?|singing|radio|television|tv|traffic|streets?|roads?|cars?|engines?|horns?|trains?|planes?|wind|"
    r"rain\w*|storm\w*|thunder\w*|water|fans?|air.?condition\w*|appliances?|vacuum\w*|blender|typing|keyboard|"
    r"dogs?|bark\w*|birds?|sirens?|alarms?|doors?|kettle|phone ringing|construction|drill\w*|hammer\w*)\b",
    re.IGNORECASE,
)
"""Words for noise, loudness and sounds around a speaker. A browser's processing removes such sounds and so falsifies
labels about them.
"""


def normalise(text: str) -> str:
    """NFC with white space collapsed and invisible format characters removed.

    Raises LabelQueryError for control characters, lone surrogates and private use: none of them is safe in a title
    or a log line. Also raised for more than 200 characters.
    """
    text = " ".join(unicodedata.normalize("NFC", text).split())
    text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip()
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co") for char in text):
        raise LabelQueryError(
            "a label contains control characters. Use plain text",
            zh="标签里有控制字符。请只写普通文字。",
            param="labels",
        )
    if len(text) > MAX_LABEL_CHARACTERS:
        raise LabelQueryError(
            f"a label has {len(text)} characters; the limit is {MAX_LABEL_CHARACTERS}. Write one short claim per label",
            zh=f"标签有 {len(text)} 个字符，上限是 {MAX_LABEL_CHARACTERS} 个。每个标签请写一句短的描述。",
            param="labels",
        )
    return text


def fold(text: str) -> str:
    """The key for comparing names: normalised, ignoring case, width, inner dashes and spaces beside commas."""
    key = unicodedata.normalize("NFKC", normalise(text)).casefold().replace("-", "_").replace(" ", "_")
    return re.sub("_*([,、])_*", r"\1", key)


def for_encoder(text: str) -> str:
    """The text for the encoder: full-width letters and punctuation of a Chinese keyboard become half-width."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def is_english(text: str) -> bool:
    """Whether the text encoder can read it: Latin letters only, at least two."""
    letters = [char for char in text if char.isalpha()]
    return len(letters) >= 2 and all(unicodedata.name(char, "").startswith("LATIN") for char in letters)


def custom_id(text: str) -> str:
    """A stable id derived from the text alone: a label keeps its history when the label set changes."""
    return f"custom_{hashlib.sha256(normalise(text).encode()).hexdigest()[:10]}"


def ad_hoc_label(asked: str, known: Sequence[Text]) -> tuple[Label, Notice | None]:
    """A label for a text that is not in any dictionary, and a notice for the caller, if there is one.

    ``known``: titles to suggest if the text cannot be scored; empty: suggest none.
    """
    text = normalise(asked).replace("＝", "=").replace("｜", "|")
    if "=" in text:
        return _bilingual(text)
    if is_english(for_encoder(text)):
        return _english(normalise(asked), for_encoder(text))
    label = Label(id=custom_id(text), title=Text(text, text), kind=LabelKind.QUALITY, asked_as=text)
    return label, _unscorable_notice(text, known)


def _english(asked: str, text: str) -> tuple[Label, Notice | None]:
    positive, *contrast = [part.strip() for part in text.split("|")]
    if not positive or not all(contrast):
        raise LabelQueryError(
            f"{text!r}: write 'English text' or 'English text|English contrast'",
            zh=f"“{text}”：请写成 English text 或 English text|English contrast",
            param="labels",
        )
    label = Label(
        id=custom_id(text),
        title=Text(positive, positive),
        kind=LabelKind.QUALITY,
        clap=_clap(positive, contrast),
        asked_as=asked,
    )
    return label, None if contrast else _contrast_notice(positive)


def _bilingual(text: str) -> tuple[Label, Notice | None]:
    title, _, english = text.partition("=")
    positive, *contrast = [part.strip() for part in for_encoder(english).split("|")]
    title = title.strip()
    if not title or not positive or not all(contrast):
        raise LabelQueryError(
            f"{text!r}: write '中文标题=English text' or '中文标题=English text|English contrast'",
            zh=f"“{text}”：请写成 中文标题=English text 或 中文标题=English text|English contrast",
            param="labels",
        )
    identifier = custom_id(text)
    not_english = next((part for part in (positive, *contrast) if not is_english(part)), None)
    if not_english is not None:
        label = Label(id=identifier, title=Text(title, positive), kind=LabelKind.QUALITY)
        notice = Notice(
            f"“{title}”无法评分：等号后面请写英文，现在写的是“{not_english}”",
            f"'{title}' cannot be scored: the text after '=' must be English, not '{not_english}'",
            NoticeCode.UNSCORABLE_LABEL,
        )
        return label, notice
    label = Label(id=identifier, title=Text(title, positive), kind=LabelKind.QUALITY, clap=_clap(positive, contrast))
    return label, None if contrast else _contrast_notice(positive)


def _clap(positive: str, contrast: Sequence[str]) -> ClapEvidence:
    if len(contrast) > MAX_CONTRASTS:
        raise LabelQueryError(
            f"'{positive}' has {len(contrast)} contrasts; the limit is {MAX_CONTRASTS}",
            zh=f"“{positive}”有 {len(contrast)} 个对照，上限是 {MAX_CONTRASTS} 个。",
            param="labels",
        )
    hidden = any(SURROUNDINGS.search(text) for text in (positive, *contrast))
    return ClapEvidence((positive,), tuple(contrast) or generated_contrast(positive), hidden)


def generated_contrast(positive: str) -> tuple[str, ...]:
    """The contrast of a label without one: plain speech and plain quiet, which fit every recording.

    A negation ("no barking dog") would not work: text encoders of this family read it as the thing itself.
    """
    candidates = ("a person speaking in a quiet room", "silence", "a person speaking in a noisy place")
    others = [text for text in candidates if text != positive.casefold()]
    return tuple(others[:2])


def _contrast_notice(positive: str) -> Notice:
    contrast = generated_contrast(positive)
    joined = "' and '".join(contrast)
    return Notice(
        f"“{positive}”没有写对照，已用“{'”和“'.join(contrast)}”代替；也可以自己写对照：“text|contrast”",
        f"'{positive}': compared with '{joined}'; to give your own contrast, write 'text|contrast'",
        NoticeCode.DEFAULT_CONTRAST,
    )


def _unscorable_notice(text: str, known: Sequence[Text]) -> Notice:
    near = nearest(text, known)
    hint_zh = f"；相近的有：{'、'.join(near)}" if near else ""
    hint_en = f"; similar labels: {', '.join(near)}" if near else ""
    return Notice(
        f"“{text}”无法评分：词典里没有，也不是英文（可写成“{text}=English text”）{hint_zh}",
        f"'{text}' cannot be scored: it is in no dictionary and not English (write '{text}=English text'){hint_en}",
        NoticeCode.UNSCORABLE_LABEL,
    )


def nearest(text: str, known: Sequence[Text]) -> list[str]:
    """Up to three known titles similar to ``text``, the nearest first."""
    matcher = SequenceMatcher(None, "", text, autojunk=False)
    rated: dict[str, float] = {}
    for title in {title for pair in known for title in (pair.zh, pair.en)}:
        matcher.set_seq1(title)
        # Upper bounds first: a request may hold hundreds of such texts, and the event loop waits for the answer.
        if matcher.real_quick_ratio() >= NEAREST_RATIO and matcher.quick_ratio() >= NEAREST_RATIO:
            rated[title] = matcher.ratio()
    near = sorted((title for title, ratio in rated.items() if ratio >= NEAREST_RATIO), key=lambda t: (-rated[t], t))
    return near[:NEAREST_TITLES]
