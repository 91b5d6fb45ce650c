"""Checks the wording of a label's title: one claim, about something that can be heard or was said."""

import re
from collections.abc import Iterator

from server.dictionaries.lint.findings import Draft, LintRule, RawLabel
from server.dictionaries.lint.vocabulary import (
    EN_FILLER,
    EN_SEVERAL,
    EN_SUBJECTIVE,
    EN_VERDICT,
    SAID,
    ZH_ADJACENT,
    ZH_FILLER,
    ZH_SEVERAL,
    ZH_SUBJECTIVE,
    ZH_VERDICT,
)
from server.values.text import Text


def check(label: RawLabel) -> Iterator[Draft]:
    """Drafts of findings about one label's title."""
    zh, en = label.text("title", "zh"), label.text("title", "en")
    if is_vague_zh(zh) or is_vague_en(en):
        yield Draft(
            label.at("title"),
            LintRule.VAGUE,
            Text(
                f"“{zh or en}”太笼统，两个人听了打分会不一样",
                f"“{en or zh}” is too vague: two listeners would score it differently",
            ),
            Text(
                "请写出好在哪里，例如“无背景强干扰”“离话筒够近”，或者说了什么，例如“疼痛部位明确”",
                "say what is good about it, such as “No strong background noise”, or what was said, such as "
                "“Pain location stated”",
            ),
        )
    if _is_subjective(label, zh, en):
        yield Draft(
            label.at("title"),
            LintRule.SUBJECTIVE,
            Text(
                f"“{zh or en}”是对人的印象，录音里没有可以核对的依据",
                f"“{en or zh}” is an impression of a person, which no recording can prove",
            ),
            Text(
                "评估录音，不评价患者：请写听得到的，例如“语速适中”，或说出来的，例如“胸痛诱因已说明”",
                "judge the recording, not the patient: write what can be heard, such as “Comfortable pace”, or what "
                "was said, such as “Trigger of chest pain addressed”",
            ),
        )
    if found := several_claims(zh, en):
        yield Draft(
            label.at("title"),
            LintRule.SEVERAL_CLAIMS,
            Text(f"“{zh or en}”里不止一件事（“{found}”）", f"“{en or zh}” claims more than one thing (“{found}”)"),
            Text(
                "一个标签只说一件事：请拆成几个标签，各有各的分数",
                "one claim per label: split it, so that each claim has its own score",
            ),
        )


def is_vague_zh(title: str) -> bool:
    """Whether a Chinese title consists only of praise, blame and filler words."""
    return bool(title) and not re.sub(r"[\W_]", "", ZH_FILLER.sub("", ZH_VERDICT.sub("", title)))


def is_vague_en(title: str) -> bool:
    """Whether an English title holds praise and fillers only."""
    words = re.findall(r"[a-z']+", title.casefold())
    return bool(words) and all(word in EN_FILLER or word in EN_VERDICT for word in words)


def _is_subjective(label: RawLabel, zh: str, en: str) -> bool:
    if label.entry.get("kind") == "content" and (SAID.search(zh) or SAID.search(en.casefold())):
        return False
    return ZH_SUBJECTIVE.search(zh) is not None or EN_SUBJECTIVE.search(en) is not None


def several_claims(zh: str, en: str) -> str | None:
    """The word that joins two claims in a title, as written there."""
    found = ZH_SEVERAL.search(zh) or ZH_ADJACENT.search(zh) or EN_SEVERAL.search(en)
    return found[0].strip() if found else None
