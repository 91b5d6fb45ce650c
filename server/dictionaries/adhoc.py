"""Labels that no dictionary has: English text, ``中文标题=English text|English contrast``, or nothing scorable."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from server.errors import LabelQueryError
from server.judge.labels import ClapEvidence, Label, LabelKind
from server.values.text import Text

MAX_LABEL_CHARACTERS = 200
MAX_CONTRASTS = 4
"""Of one label. Each text is work for the text encoder, which all sessions share, and a place in its memory."""

NEAREST_TITLES = 3
NEAREST_RATIO = 0.4
"""``SequenceMatcher`` ratio over which a known title counts as near: half of a four-character title in common."""

SURROUNDINGS = re.compile(
    r"\b(nois\w*|quiet\w*|silen\w*|background|ambien\w*|surround\w*|loud\w*|volume|faint\w*|soft\w*|distant\w*|"
    r"far|near|close|hum|humm\w*|hiss\w*|buzz\w*|static|drone|droning|rumbl\w*|whirr?\w*|crowd\w*|babbl\w*|chatter\w*|"
    r"music\w*|songs?|singing|radio|television|tv|traffic|streets?|roads?|cars?|engines?|horns?|trains?|planes?|wind|"
    r"rain\w*|storm\w*|thunder\w*|water|fans?|air.?condition\w*|appliances?|vacuum\w*|blender|typing|keyboard|"
    r"dogs?|bark\w*|birds?|sirens?|alarms?|doors?|kettle|phone ringing|construction|drill\w*|hammer\w*)\b",
    re.IGNORECASE,
)
"""Words of noise, loudness and what sounds around a speaker: labels about these are falsified by a browser's
processing, which is made to take such sounds away."""


def normalise(text: str) -> str:
    """NFC, white space collapsed, invisible format characters dropped.

    Raises LabelQueryError for control characters, lone surrogates and private use: none can be a title or be spoken
    of in a log line safely. Over 200 characters are refused too.
    """
    text = " ".join(unicodedata.normalize("NFC", text).split())
    text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip()
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co") for char in text):
        raise LabelQueryError("a label holds control characters; write plain text", param="labels")
    if len(text) > MAX_LABEL_CHARACTERS:
        raise LabelQueryError(
            f"a label of {len(text)} characters; {MAX_LABEL_CHARACTERS} are the limit: one short claim each",
            param="labels",
        )
    return text


def fold(text: str) -> str:
    """The key by which names are compared: normalised, without case, width, inner dashes or spaces beside commas."""
    key = unicodedata.normalize("NFKC", normalise(text)).casefold().replace("-", "_").replace(" ", "_")
    return re.sub("_*([,、])_*", r"\1", key)


def for_encoder(text: str) -> str:
    """The text as the encoder's vocabulary has it: letters and marks of a Chinese keyboard's full width made narrow."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def is_english(text: str) -> bool:
    """True where the text encoder can read it: Latin letters only, two at least."""
    letters = [char for char in text if char.isalpha()]
    return len(letters) >= 2 and all(unicodedata.name(char, "").startswith("LATIN") for char in letters)


def custom_id(text: str) -> str:
    """A stable id from the text alone: the same label keeps its history when the label set changes."""
    return f"custom_{hashlib.sha256(normalise(text).encode()).hexdigest()[:10]}"


def ad_hoc_label(asked: str, known: Sequence[Text]) -> tuple[Label, Text | None]:
    """A label for a text no dictionary has, and a notice for the person who asked, if there is one to give.

    ``known``: titles to name as near ones where nothing can be scored; none: they are not looked for.
    """
    text = normalise(asked).replace("＝", "=").replace("｜", "|")
    if "=" in text:
        return _bilingual(text)
    if is_english(for_encoder(text)):
        return _english(normalise(asked), for_encoder(text))
    label = Label(id=custom_id(text), title=Text(text, text), kind=LabelKind.QUALITY, asked_as=text)
    return label, _unscorable_notice(text, known)


def _english(asked: str, text: str) -> tuple[Label, Text | None]:
    positive, *contrast = [part.strip() for part in text.split("|")]
    if not positive or not all(contrast):
        raise LabelQueryError(f"{text!r}: write 'English text' or 'English text|English contrast'", param="labels")
    label = Label(
        id=custom_id(text),
        title=Text(positive, positive),
        kind=LabelKind.QUALITY,
        clap=_clap(positive, contrast),
        asked_as=asked,
    )
    return label, None if contrast else _contrast_notice(positive)


def _bilingual(text: str) -> tuple[Label, Text | None]:
    title, _, english = text.partition("=")
    positive, *contrast = [part.strip() for part in for_encoder(english).split("|")]
    title = title.strip()
    if not title or not positive or not all(contrast):
        raise LabelQueryError(
            f"{text!r}: write '中文标题=English text' or '中文标题=English text|English contrast'", param="labels"
        )
    identifier = custom_id(text)
    not_english = next((part for part in (positive, *contrast) if not is_english(part)), None)
    if not_english is not None:
        label = Label(id=identifier, title=Text(title, positive), kind=LabelKind.QUALITY)
        notice = Text(
            f"“{title}”无法评分:等号后面要写英文,不能写“{not_english}”",
            f"'{title}' cannot be scored: the text after '=' must be English, not '{not_english}'",
        )
        return label, notice
    label = Label(id=identifier, title=Text(title, positive), kind=LabelKind.QUALITY, clap=_clap(positive, contrast))
    return label, None if contrast else _contrast_notice(positive)


def _clap(positive: str, contrast: Sequence[str]) -> ClapEvidence:
    if len(contrast) > MAX_CONTRASTS:
        raise LabelQueryError(
            f"'{positive}' with {len(contrast)} contrasts; {MAX_CONTRASTS} are the limit", param="labels"
        )
    hidden = any(SURROUNDINGS.search(text) for text in (positive, *contrast))
    return ClapEvidence((positive,), tuple(contrast) or generated_contrast(positive), hidden)


def generated_contrast(positive: str) -> tuple[str, ...]:
    """What the label is not, where nobody said: plain speech and plain quiet, which every recording is compared to.

    A negation ("no barking dog") would not do: text encoders of this family read it as the thing itself.
    """
    candidates = ("a person speaking in a quiet room", "silence", "a person speaking in a noisy place")
    others = [text for text in candidates if text != positive.casefold()]
    return tuple(others[:2])


def _contrast_notice(positive: str) -> Text:
    contrast = generated_contrast(positive)
    joined = "' and '".join(contrast)
    return Text(
        f"“{positive}”没有写对照,已用“{'”和“'.join(contrast)}”代替;自己写对照:“text|contrast”",
        f"'{positive}': compared with '{joined}'; give your own contrast as 'text|contrast'",
    )


def _unscorable_notice(text: str, known: Sequence[Text]) -> Text:
    near = nearest(text, known)
    hint_zh = f";相近的有:{'、'.join(near)}" if near else ""
    hint_en = f"; the nearest known: {', '.join(near)}" if near else ""
    return Text(
        f"“{text}”无法评分:词典里没有,也不是英文(可写成“{text}=English text”){hint_zh}",
        f"'{text}' cannot be scored: no dictionary has it, and it is not English (write '{text}=English text')"
        f"{hint_en}",
    )


def nearest(text: str, known: Sequence[Text]) -> list[str]:
    """Up to three known titles that look like ``text``, the nearest first."""
    matcher = SequenceMatcher(None, "", text, autojunk=False)
    rated: dict[str, float] = {}
    for title in {title for pair in known for title in (pair.zh, pair.en)}:
        matcher.set_seq1(title)
        # Upper bounds first: a request may hold hundreds of such texts, and the live loop waits for the answer.
        if matcher.real_quick_ratio() >= NEAREST_RATIO and matcher.quick_ratio() >= NEAREST_RATIO:
            rated[title] = matcher.ratio()
    near = sorted((title for title, ratio in rated.items() if ratio >= NEAREST_RATIO), key=lambda t: (-rated[t], t))
    return near[:NEAREST_TITLES]
