"""Checks a topic file (``labels/topics/``): its form, and that every name it uses is defined."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from server.dictionaries.lint.findings import Draft, Known, LintRule
from server.dictionaries.topics import TopicEntry, TopicFile
from server.values.text import Text

_BETTER = Text("写法见 docs/topics.md", "docs/topics.md shows how to write it")


def is_topics(data: Mapping[str, Any]) -> bool:
    """Whether this is meant to be a topic file rather than a label file."""
    return "label" not in data and not {"topic", "lexicon"}.isdisjoint(data)


def check(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    """Drafts of findings about a file of topics: what the loader would refuse, and undefined names."""
    try:
        file = TopicFile.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            where = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"])
            message = fault["msg"].removeprefix("Value error, ")
            yield Draft(
                fault["loc"], LintRule.FORM, Text(f"{where} 的写法有误：{message}", f"{where}: {message}"), _BETTER
            )
        return
    topics = file.topic.keys() | (known.topics or frozenset())
    lexicons = file.lexicon.keys() | known.lexicons
    for topic_id, topic in file.topic.items():
        missing = [need for need in topic.needs if need not in topics]
        missing += sorted(f"@{name}" for name in _lexicons(topic) - lexicons)
        for name in missing:
            yield Draft(
                ("topic", topic_id),
                LintRule.EVIDENCE,
                Text(f"{topic_id}：没有 {name}", f"{topic_id}: there is no {name}"),
                Text("请先写出这个词表或话题", "define that lexicon or topic first, in any file of topics/"),
            )


def _lexicons(topic: TopicEntry) -> set[str]:
    terms = [term for group in topic.asked for term in group]
    for rule in topic.rule:
        terms += [*rule.unless, *rule.rather, *(term for group in rule.all for term in group)]
    return {term[1:] for term in terms if term.startswith("@")}
