"""Finds labels that say the same thing twice, exactly or nearly."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations

from server.dictionaries.adhoc import fold
from server.dictionaries.lint.findings import Draft, Known, LintRule, Location, RawLabel
from server.dictionaries.lint.vocabulary import words
from server.errors import LabelQueryError
from server.transcript.pinyin import spoken
from server.values.text import Text

_NEAR = 0.8
_NEAR_LETTERS = 0.9
"""Ratio of ``SequenceMatcher`` over Chinese cores, and share of common characters regardless of order."""

_ZH_ENDING = re.compile(
    "有无(说|讲|提)(到|过|清楚)?$|(说|讲|提)无(说|讲|提)(到|过|清楚)?$|已?(说明|说清楚?|交代|问及|提及|描述|给出)(清楚|明确)?$|(描述|读数|表达)?(明确|清楚|清晰|具体)$|的|地|得|很|较|比较|强|明显"
)
_ZH_SAME = (
    ("噪音|杂音|吵闹声", "噪声"),
    ("没有|没|不存在", "无"),
    ("周围|环境|四周", "背景"),
    ("回声|回响", "回音"),
    ("讲话|发言", "说话"),
    ("疼痛|痛", "疼"),
    ("药品名称|药物名称|药品名|药物名", "药名"),
    ("用量|药量", "剂量"),
    ("位置|地方", "部位"),
    ("麦克风", "话筒"),
    ("呼吸困难|气短", "气促"),
)
_ZH_OPPOSITES = words("左右 上下 高低 前后 内外 早晚 多少 快慢 大小 冷热 日夜 餐空 收舒 进出 父母 男女")
_EN_IDLE = words(
    "the a an of is are was be to in on at for with and stated addressed described mentioned given named clear clearly "
    "noted reported strong no not too much any patient patient's"
)
_EN_SAME = {"noises": "noise", "ache": "pain", "site": "location", "place": "location", "position": "location"}
_EN_SAME |= {"medication": "medicine", "drug": "medicine", "echo": "reverberation"}
_EN_SAME |= {"length": "duration", "voice": "speech", "talking": "speaking", "dosage": "dose"}


def check(labels: Sequence[RawLabel], known: Known, name: str) -> Iterator[Draft]:
    """Drafts of findings about pairs of labels; ``name`` is that of their dictionary."""
    named_alike = list(_same_names(labels))
    yield from named_alike
    told = {draft.at[1] for draft in named_alike}
    for first, second in combinations(labels, 2):
        if second.index in told:
            continue
        if what := _same_evidence(first, second):
            told.add(second.index)
            yield _duplicate(second.at(what), first, Text("依据完全相同", "has the same evidence"))
        elif _nearly_same(first, second):
            told.add(second.index)
            yield Draft(
                second.at("title"),
                LintRule.NEAR_DUPLICATE,
                Text(
                    f"和“{first.text('title', 'zh')}”（{first.id}）意思几乎相同",
                    f"nearly the same as “{first.text('title', 'en')}” ({first.id})",
                ),
                Text(
                    "请留一个，把另一个的说法写进 aliases；如果确实是两件事，请在标题里写明差别",
                    "keep one and make the other an alias; if they do differ, say how in the title",
                ),
            )
    yield from _taken_ids(labels, known, name)


def _duplicate(at: Location, first: RawLabel, what: Text) -> Draft:
    return Draft(
        at,
        LintRule.DUPLICATE,
        Text(
            f"和前面的“{first.text('title', 'zh') or first.id}”（{first.id}）重复：{what.zh}",
            f"{what.en} as {first.id!r} above",
        ),
        Text(
            "请删掉一个；同一件事的不同说法写进 aliases", "delete one; other words for the same thing belong in aliases"
        ),
    )


def _same_names(labels: Sequence[RawLabel]) -> Iterator[Draft]:
    """Ids, titles and aliases share one namespace: a name must refer to one label."""
    seen: dict[str, RawLabel] = {}
    for label in labels:
        told = False
        for at, name in _names(label):
            key = _folded(name)
            owner = seen.setdefault(key, label) if key else label
            if owner is not label and not told:
                told = True
                yield _duplicate(at, owner, Text(f"名称“{name}”已被占用", f"has the same name {name!r}"))
        yield from _same_aliases(label)


def _same_aliases(label: RawLabel) -> Iterator[Draft]:
    keys = [key for _, alias in label.strings("aliases") if (key := _folded(alias))]
    twice = next((key for key, count in Counter(keys).items() if count > 1), None)
    if twice is not None:
        yield Draft(
            label.at("aliases"),
            LintRule.DUPLICATE,
            Text(f"别名“{twice}”写了两遍", f"the alias {twice!r} occurs twice"),
            Text("请删掉一个", "delete one"),
        )


def _names(label: RawLabel) -> Iterator[tuple[Location, str]]:
    yield label.at("id"), label.id
    for language in ("zh", "en"):
        yield label.at("title", language), label.text("title", language)
    for place, alias in label.strings("aliases"):
        yield label.at("aliases", place), alias


def _folded(name: str) -> str:
    try:
        return fold(name)
    except LabelQueryError:
        return ""


def _same_evidence(first: RawLabel, second: RawLabel) -> str | None:
    """The evidence table that is identical in both, if any."""
    for kind, keys in (("clap", ("positive", "contrast")), ("transcript", ("topic",))):
        left, right = first.table(kind), second.table(kind)
        if left and right and all(left.get(key) == right.get(key) for key in keys):
            return kind
    return None


def _nearly_same(first: RawLabel, second: RawLabel) -> bool:
    zh = near_zh(first.text("title", "zh"), second.text("title", "zh"))
    return zh or near_en(first.text("title", "en"), second.text("title", "en"))


def near_zh(left: str, right: str) -> bool:
    """Whether two Chinese titles say the same: fillers aside, by sound, or but for a character or two."""
    left, right = _core_zh(left), _core_zh(right)
    if not left or not right or left == right:
        return bool(left) and left == right
    differing = {frozenset(left) - frozenset(right), frozenset(right) - frozenset(left)}
    if any({pair[0]} in differing and {pair[1]} in differing for pair in _ZH_OPPOSITES):
        return False
    if min(len(left), len(right)) >= 2 and spoken(left) == spoken(right):
        return True  # typed by sound, such as 便秘 and 便密
    shared = sum((Counter(left) & Counter(right)).values())
    long = min(len(left), len(right)) >= 4
    alike = SequenceMatcher(None, left, right, autojunk=False).ratio() >= _NEAR
    return long and (alike or 2 * shared / (len(left) + len(right)) >= _NEAR_LETTERS)


def _core_zh(title: str) -> str:
    """The core of a title: synonyms unified (没 becomes 无), words that only claim that it was said removed."""
    title = re.sub(r"[\W_]", "", title)
    for variants, one in _ZH_SAME:
        title = re.sub(variants, one, title)
    return _ZH_ENDING.sub("", title)


def near_en(left: str, right: str) -> bool:
    """Whether two English titles say the same: by their words, fillers aside, in any order."""
    ours, theirs = _core_en(left), _core_en(right)
    if not ours or not theirs:
        return False
    return ours == theirs or (len(ours & theirs) >= 3 and len(ours & theirs) / len(ours | theirs) >= _NEAR)


def _core_en(title: str) -> frozenset[str]:
    words = (word for word in re.findall(r"[a-z']+", title.casefold()) if word not in _EN_IDLE)
    return frozenset(_EN_SAME.get(word, word.removesuffix("s") if len(word) > 4 else word) for word in words)


def _taken_ids(labels: Sequence[RawLabel], known: Known, name: str) -> Iterator[Draft]:
    """Results are keyed by id: an id with two meanings could not be compared between departments."""
    for label in labels:
        owner = next((other for other, ids in known.written.items() if other != name and label.id in ids), None)
        if owner is not None:
            yield Draft(
                label.at("id"),
                LintRule.DUPLICATE,
                Text(f"{owner} 里已有编号 {label.id}", f"{label.id!r} is already a label of {owner}"),
                Text(
                    f'请用 include = ["{owner}:{label.id}"] 引用它，或换一个编号',
                    f'write include = ["{owner}:{label.id}"], or choose another id',
                ),
                "note",
            )
