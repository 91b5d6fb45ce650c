"""``rule.matched``: what it says, who gets it, and that it is told once."""

import json
from dataclasses import replace

import pytest

from server.dictionaries.conditions import parse_condition
from server.errors import ConfigError
from server.judge.labels import Label, LabelKind
from server.judge.rules import Match, Moment, Rule, Standing
from server.judge.said import SaidState
from server.notify.changes import RuleMatches
from server.notify.endpoints import new_endpoint
from server.notify.events import BY_DEFAULT, EventType, assessment_events, label_changed, of_rule, rule_matched
from server.notify.outbox import Tried
from server.store.database import Where
from server.store.session_writer import MAX_EVENTS, Change
from server.values.text import Text
from tests.notify.test_outbox import LATER, NOW, opened
from tests.rendering.builders import result_of

URL = "https://clinic.example/hooks"
STATED = parse_condition('state == "stated"')
RULE = Rule("triage", "r", "pain", STATED, "triage.chest_pain", Moment.LIVE, Text("痛", "Pain"))
MATCH = Match(RULE, Standing(0.95, passed=True, state=SaidState.STATED, at_s=12.4))
LABEL = Label("pain", Text("痛", "Pain"), LabelKind.CONTENT)
WHOSE = {"id": "a", "kind": "session", "reference": "case 7", "attempt_of": None}


def test_it_says_which_rule_matched_and_how_the_label_stood_and_nothing_that_was_said() -> None:
    told = rule_matched(MATCH, "ward", NOW, WHOSE)
    body = json.loads(told.body)
    assert (told.type, told.about, body["type"]) == (EventType.RULE_MATCHED, "a", "rule.matched")
    assert body["data"] == {
        "id": "a", "kind": "session", "reference": "case 7", "rule": "r", "dictionary": "triage",
        "event": "triage.chest_pain", "title": {"zh": "痛", "en": "Pain"}, "label": "pain", "score": 0.95,
        "passed": True, "state": "stated", "at_s": 12.4,
    }  # fmt: skip


def test_its_id_is_that_of_the_rule_in_the_session_whoever_tells_it_and_whenever() -> None:
    result = replace(result_of({LABEL: 0.95}), matches=(MATCH,))
    result = replace(result, identity=replace(result.identity, id="a", kind="session"))
    live, *_, ended = rule_matched(MATCH, "ward", NOW, WHOSE), *assessment_events(result, "ward", LATER)
    assert live.id == ended.id
    others = [
        rule_matched(replace(MATCH, rule=replace(RULE, id="s")), "ward", NOW, WHOSE),
        rule_matched(replace(MATCH, rule=replace(RULE, dictionary="d")), "ward", NOW, WHOSE),
        rule_matched(MATCH, "other", NOW, WHOSE),
        rule_matched(MATCH, "ward", NOW, WHOSE | {"id": "b"}),
    ]
    assert len({live.id, *(one.id for one in others)}) == 5


def test_a_file_of_a_batch_tells_its_batch() -> None:
    result = replace(result_of({LABEL: 0.95}), matches=(MATCH,))
    completed, matched = assessment_events(result, "ward", NOW, "b1")
    assert (completed.type, matched.type) == (EventType.ASSESSMENT_COMPLETED, EventType.RULE_MATCHED)
    data = json.loads(matched.body)["data"]
    assert (data["batch_id"], data["kind"], data["id"]) == ("b1", "file", "r")


async def test_an_endpoint_gets_all_of_rules_or_one_event_or_none_and_each_once(where: Where) -> None:
    other = rule_matched(replace(MATCH, rule=replace(RULE, id="s", event="triage.other")), "ward", NOW, WHOSE)
    told = rule_matched(MATCH, "ward", NOW, WHOSE)
    async with opened(where) as (_, stores):
        all_, one, both, none = (
            new_endpoint("ward", URL, events, NOW)
            for events in (
                [EventType.RULE_MATCHED],
                [of_rule("triage.chest_pain")],
                [EventType.RULE_MATCHED, of_rule("triage.chest_pain")],
                BY_DEFAULT,
            )
        )
        for endpoint in (all_, one, both, none):
            assert await stores.endpoints.add(endpoint)
        assert await stores.endpoints.get(one.id) == one
        await stores.outbox.tell([told, other, told])
        await stores.outbox.tell([rule_matched(MATCH, "ward", LATER, WHOSE)])
        got: dict[str, list[str]] = {}
        while taken := await stores.outbox.take({each.id: 9 for each in (all_, one, both, none)}, LATER):
            for each in taken:
                got.setdefault(each.endpoint.id, []).append(each.event.id)
                await stores.outbox.delivered(each.number, Tried(NOW, 204))
    assert got == {all_.id: [told.id, other.id], one.id: [told.id], both.id: [told.id, other.id]}


@pytest.mark.parametrize(
    "name", ["triage.chest_pain", "rule.matched:", "rule.matched:Triage", "rule.matched: x", "rule.*"]
)
def test_a_name_that_no_event_has_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match=r"one event of rules alone: rule\.matched:EVENT"):
        new_endpoint("ward", URL, [name], NOW)


def test_more_names_than_are_kept_are_refused() -> None:
    with pytest.raises(ConfigError, match="At most 400 characters"):
        new_endpoint("ward", URL, [of_rule(f"triage.event_{number}") for number in range(20)], NOW)


def test_nobody_is_told_of_rules_who_did_not_ask() -> None:
    assert EventType.RULE_MATCHED not in BY_DEFAULT


def test_a_process_tells_each_match_of_a_session_once() -> None:
    watched, second = RuleMatches(), replace(MATCH, rule=replace(RULE, id="s"))
    assert watched.seen("a", ()) == ()
    assert watched.seen("a", (MATCH,)) == (MATCH,)
    assert watched.seen("a", (MATCH,)) == ()
    assert watched.seen("b", (MATCH,)) == (MATCH,)
    assert watched.seen("a", (MATCH, second)) == (second,)
    watched.forget("a")
    assert watched.seen("a", (MATCH,)) == (MATCH,)


def test_while_the_database_fails_changes_of_labels_are_dropped_and_matches_kept() -> None:
    match = rule_matched(MATCH, "ward", NOW, WHOSE)
    change = Change(events=(match,))
    changes = [label_changed("a", "ward", None, NOW, {"x": True}) for _ in range(MAX_EVENTS + 5)]
    for one in changes:
        change = change.then(Change(events=(one,)))
    assert change.events == (match, *changes[-MAX_EVENTS:])
