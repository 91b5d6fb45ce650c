"""Checks whether any scorer of the product can give a label's evidence."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from server.dictionaries.adhoc import is_english
from server.dictionaries.files import LabelEntry
from server.dictionaries.lint.findings import Draft, Known, LintRule, Location, RawLabel
from server.dictionaries.lint.language import reads_as_english
from server.judge.labels import LabelKind
from server.values.scores import EvidenceKind
from server.values.text import Text

KINDS: tuple[EvidenceKind, ...] = ("acoustic", "clap", "transcript")


def check(label: RawLabel, known: Known) -> Iterator[Draft]:
    """Drafts of findings about one label: its lines, its kind, and whether a scorer can give it."""
    yield from _clear(label)
    yield from _muted_prompt(label)
    yield from _kind(label)
    yield from _measures(label, known)
    yield from _topic(label, known)
    if "clap" in label.entry:
        yield from _clap(label)


def _clear(label: RawLabel) -> Iterator[Draft]:
    threshold, clear = label.number("threshold", 0.70), label.number("clear", 0.75)
    if threshold is None or clear is None or clear >= threshold or not 0.0 <= threshold <= 1.0:
        return
    at = label.at("clear") if "clear" in label.entry else label.at("threshold")
    better = min(1.0, threshold + 0.05)
    yield Draft(
        at,
        LintRule.CLEAR,
        Text(
            f"clear（{clear:g}）低于合格线 threshold（{threshold:g}），提示会反复闪现",
            f"clear ({clear:g}) is below threshold ({threshold:g}): the prompt would flicker",
        ),
        Text(f"写成 clear = {better:.2f}", f"write clear = {better:.2f}"),
    )


def _muted_prompt(label: RawLabel) -> Iterator[Draft]:
    if "muted_prompt" in label.entry and "prompt" not in label.entry:
        yield Draft(
            label.at("muted_prompt"),
            LintRule.FORM,
            Text("有 muted_prompt，没有 prompt", "muted_prompt without prompt"),
            Text("muted_prompt 代替 prompt：请补上 prompt", "muted_prompt is raised instead of prompt: add a prompt"),
        )


def _kind(label: RawLabel) -> Iterator[Draft]:
    kind = label.entry.get("kind")
    if kind == LabelKind.CONTENT and "clap" in label.entry:
        yield Draft(
            label.at("clap"),
            LintRule.CLAP_CONTENT,
            Text(
                "内容标签用了 CLAP，而 CLAP 听不懂说了什么", "a content label uses CLAP, which cannot hear what is said"
            ),
            Text(
                '请改用 [label.transcript]；如果要评声音，写 kind = "quality"',
                'use [label.transcript]; for a sound, write kind = "quality"',
            ),
        )
    if kind == LabelKind.CONTENT and "acoustic" in label.entry:
        yield Draft(
            label.at("acoustic"),
            LintRule.EVIDENCE,
            Text(
                "内容标签用了声学指标，但声音反映不了说的内容",
                "a content label uses acoustic evidence, but sound does not tell what was said",
            ),
            Text("请改用 [label.transcript]", "use [label.transcript]"),
        )
    if kind == LabelKind.QUALITY and "transcript" in label.entry:
        yield Draft(
            label.at("transcript"),
            LintRule.EVIDENCE,
            Text(
                "质量标签用了转写，但文字反映不了音质",
                "a quality label uses a transcript, which does not tell how it sounds",
            ),
            Text(
                '请改用 [label.acoustic] 或 [label.clap]；如果要评内容，写 kind = "content"',
                'use [label.acoustic] or [label.clap]; for what was said, write kind = "content"',
            ),
        )
    if not any(name in label.entry for name in KINDS) and not _of_unknown_kind(label):
        yield Draft(
            label.at(),
            LintRule.EVIDENCE,
            Text("没有任何依据，不会有分数", "no evidence: it would never get a score"),
            Text(
                "请补上 [label.acoustic]、[label.clap] 或 [label.transcript]",
                "add [label.acoustic], [label.clap] or [label.transcript]",
            ),
        )


def _of_unknown_kind(label: RawLabel) -> bool:
    """Whether there is a table that is not a key of a label; it has its own finding."""
    return any(isinstance(value, dict) and key not in LabelEntry.model_fields for key, value in label.entry.items())


def _measures(label: RawLabel, known: Known) -> Iterator[Draft]:
    for table in ("acoustic", "acoustic_processed"):
        yield from _measures_of(label, table, known)


def _measures_of(label: RawLabel, table: str, known: Known) -> Iterator[Draft]:
    parts = label.table(table).get("parts")
    for place, part in enumerate(parts if isinstance(parts, list) else []):
        measure = part.get("measure") if isinstance(part, dict) else None
        if isinstance(measure, str) and measure not in known.measures:
            yield Draft(
                label.at(table, "parts", place, "measure"),
                LintRule.EVIDENCE,
                Text(f"没有“{measure}”这个指标", f"nothing measures {measure!r}"),
                _instead(measure, known.measures, "docs/measures.md"),
            )


def _topic(label: RawLabel, known: Known) -> Iterator[Draft]:
    topic = label.table("transcript").get("topic")
    if isinstance(topic, str) and known.topics is not None and topic not in known.topics:
        yield Draft(
            label.at("transcript", "topic"),
            LintRule.EVIDENCE,
            Text(
                f"没有“{topic}”这个话题，转写里找不到它",
                f"no topic {topic!r}: it would never be found in a transcript",
            ),
            _instead(topic, known.topics, "docs/topics.md"),
        )


def _instead(name: str, names: frozenset[str], document: str) -> Text:
    near = get_close_matches(name, sorted(names), n=2, cutoff=0.5)
    if near:
        return Text(
            f"是不是 {'、'.join(near)}？全部名称见 {document}",
            f"did you mean {' or '.join(near)}? {document} lists all of them",
        )
    return Text(f"可用的名称见 {document}", f"{document} lists all of them")


def _clap(label: RawLabel) -> Iterator[Draft]:
    positive, contrast = label.strings("clap", "positive"), label.strings("clap", "contrast")
    for key, texts in (("positive", positive), ("contrast", contrast)):
        for place, text in texts:
            yield from check_text(label.at("clap", key, place), text)
    if not any(text for _, text in contrast):
        yield Draft(
            label.at("clap", "contrast"),
            LintRule.CLAP_CONTRAST,
            Text("CLAP 只有正面文本，没有对照", "CLAP has no contrast to compare with"),
            Text('请写出相反的声音：contrast = ["…"]', 'describe the opposite sound: contrast = ["…"]'),
        )
    same = {_bare(text) for _, text in positive} & {_bare(text) for _, text in contrast}
    if same:
        yield Draft(
            label.at("clap", "contrast"),
            LintRule.CLAP_CONTRAST,
            Text(f"正面和对照都写了“{min(same)}”", f"positive and contrast both contain “{min(same)}”"),
            Text("对照请写相反的声音", "describe the opposite sound in the contrast"),
        )


def check_text(at: Location, text: str) -> Iterator[Draft]:
    """Check one text for the encoder: it must be English and describe a sound that is there."""
    if text and not (is_english(text) and reads_as_english(text)):
        yield Draft(
            at,
            LintRule.CLAP_LANGUAGE,
            Text(f"CLAP 文本“{text}”不是英文", f"the CLAP text “{text}” is not English"),
            Text(
                "文本编码器只懂英文，例如 a person speaking in a quiet room",
                "the text encoder reads only English, for example “a person speaking in a quiet room”",
            ),
        )
    if _ABSENCE.match(text):
        yield Draft(
            at,
            LintRule.CLAP_CONTRAST,
            Text(f"“{text}”写的是没有什么声音", f"“{text}” describes a sound that is absent"),
            Text(
                "编码器不懂“没有”，会当成有；请写实际听到的声音，例如 a person speaking in a quiet room",
                "the encoder reads it as the sound itself; describe what is heard instead, for example “a person "
                "speaking in a quiet room”",
            ),
        )


_ABSENCE = re.compile(
    r"(?:there is )?(?:no|not|without|absence of|lack of|free of|never)\s+(?:any |a |an |the )?", re.IGNORECASE
)


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def notes(labels: Sequence[RawLabel], known: Known) -> Iterator[Draft]:
    """One note for each kind of scorer that some label needs and this installation lacks."""
    hints: dict[EvidenceKind, Text] = {
        "acoustic": Text("此处没有声学评分", "acoustic scoring is off here"),
        "clap": Text("此处没有加载 CLAP 模型", "CLAP is not loaded here"),
        "transcript": Text(
            "此处没有接入转写（评估文件时可用 --transcript）", "no transcripts here, except with assess --transcript"
        ),
    }
    for kind in KINDS:
        needing = [
            label for label in labels if kind in label.entry and not any(other in label.entry for other in known.loaded)
        ]
        if kind not in known.loaded and needing:
            yield Draft(
                needing[0].at(),
                LintRule.NOT_LOADED,
                Text(
                    f"{hints[kind].zh}，有 {len(needing)} 个标签暂时没有分数",
                    f"{hints[kind].en}: {len(needing)} labels have no score for now",
                ),
                Text("不是错误，加载后就有分数", "not a problem: they are scored once it is loaded"),
                "note",
            )
