"""What was said: text in; stated, denied or not heard with a strength out. Pure, without a model."""

from server.judge.matcher.match import Matcher
from server.judge.matcher.topics import Finding, Lexicon, Mention, Rule, State, Topic, Topics

__all__ = ["Finding", "Lexicon", "Matcher", "Mention", "Rule", "State", "Topic", "Topics"]
