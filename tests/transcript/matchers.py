"""The matcher of the project's own topics, built when a test first needs it: that takes seconds."""

from functools import cache

from server.dictionaries.topics import load_topics
from server.resources import labels_dir
from server.transcript import Matcher


@cache
def matcher(*topics: str) -> Matcher:
    """Of these topics, or of all."""
    known = load_topics(labels_dir())
    return Matcher(known.only(topics) if topics else known)
