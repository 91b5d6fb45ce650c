"""What was said: text in; stated, denied or not heard, with a strength, out. Pure, without a model."""

from server.judge.said import SaidState
from server.transcript.matcher import Matcher
from server.transcript.topics import Lexicon, Mention, Topic, TopicFinding, TopicRule, Topics

__all__ = ["Lexicon", "Matcher", "Mention", "SaidState", "Topic", "TopicFinding", "TopicRule", "Topics"]
