"""Finds a doctor's last question, and replies that are only an answer to it."""

import re

from server.judge.said import SaidState
from server.transcript import grammar_en, grammar_zh
from server.transcript.tokens import Tokens

_FEW_WORDS = 5
_SENTENCE_END = re.compile(r"(?<=[.!?。!?])\s*")


def last_question(text: str) -> str:
    """Like ``last_sentence``, but with the previous one if the last is short ("... smoking? For how many years?")."""
    sentences = [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence.strip()]
    return " ".join(sentences[-2:] if sentences and len(sentences[-1].split()) < _FEW_WORDS else sentences[-1:])


def last_sentence(text: str) -> str:
    """The last sentence: a doctor's utterance may hold several questions, and the patient answers the last."""
    sentences = [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence.strip()]
    return sentences[-1] if sentences else ""


def bare_answer(tokens: Tokens) -> SaidState | None:
    """Denied or stated if the first clause is only no or yes; else ``None``."""
    if not tokens.keys:
        return None
    end = 1
    while end < len(tokens.keys) and tokens.sentence[end] == tokens.sentence[0]:
        end += 1
    first = tokens.clause_of(0)[1]
    spans = (end, first)
    for stop in spans:
        if any(tokens.han[:stop]):
            yes = grammar_zh.answer("".join(tokens.keys[:stop]))
        else:
            yes = grammar_en.answer(" ".join(tokens.keys[:stop]))
        if yes is not None:
            return SaidState.STATED if yes else SaidState.DENIED
    return None
