"""Rules of label files in running sessions: when they match, once, and what becomes of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from server.dictionaries import Dictionaries
from server.dictionaries.loader import load_folder
from server.dictionaries.topics import load_topics
from server.errors import SnapshotError
from server.judge.rules import Match
from server.live.checkpoint import CheckpointStore, MemoryCheckpoints
from server.live.checkpointing import restore_session
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from tests.fakes import BytesCheckpoints, FakeClock
from tests.live.patient import Patient, noise
from tests.live.test_checkpoints import open_engine, power_cut, process, ticket
from tests.triage import DENIED, EVENT, LABEL, RULE, STATED, triage_folder


@pytest.fixture(scope="module")
def dictionaries(tmp_path_factory: pytest.TempPathFactory) -> Dictionaries:
    """With a live rule on a score beside those of the guide."""
    folder = triage_folder(tmp_path_factory.mktemp("rules"))
    path = folder / "triage.toml"
    rule = '\n[[rule]]\nid = "loud"\nlabel = "low_background"\nwhen = "score > 0.01"\nevent = "loud"\nat = "live"\n'
    path.write_text(path.read_text(encoding="utf-8") + rule, encoding="utf-8")
    found = Dictionaries(load_folder(folder), load_topics(folder))
    found.matcher(frozenset({LABEL}))
    return found


@pytest.fixture
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


def said(text: str, name: str = "1", start_s: float = 1.0) -> dict[str, Any]:
    segment = {"id": name, "text": text, "start_s": start_s, "end_s": start_s + 1.0, "final": True}
    return {"segments": [segment]}


async def hear(manager: SessionManager, session_id: str, text: str, name: str = "1") -> None:
    await manager.transcribing.hear(session_id, "local", json.dumps(said(text, name)))


async def matches_of(store: CheckpointStore, session_id: str) -> tuple[Match, ...]:
    kept = await store.get(session_id)
    assert kept is not None
    return kept.matches


@pytest.fixture
async def begun(manager: SessionManager, clock: FakeClock) -> tuple[Patient, str]:
    patient = Patient(manager, clock)
    return patient, (await patient.start(labels="triage"))["session_id"]


async def test_a_statement_matches_as_soon_as_it_is_handed_over_once_for_good(
    manager: SessionManager, checkpoints: MemoryCheckpoints, begun: tuple[Patient, str]
) -> None:
    patient, session_id = begun
    await hear(manager, session_id, DENIED)
    assert await matches_of(checkpoints, session_id) == ()
    await hear(manager, session_id, STATED, "2")
    [match] = await matches_of(checkpoints, session_id)
    assert (match.rule.id, match.rule.event, match.rule.dictionary) == (RULE, EVENT, "triage")
    assert (match.standing.state, match.standing.at_s, match.standing.passed) == ("stated", 1.0, True)
    await hear(manager, session_id, DENIED, "2")  # the recogniser corrects itself: what was started stays
    assert await matches_of(checkpoints, session_id) == (match,)
    rules = (await patient.end())["result"]["rules"]
    assert [(one["id"], one["event"], one["state"], one["at_s"]) for one in rules] == [(RULE, EVENT, "stated", 1.0)]
    assert STATED not in str(rules)


async def test_a_score_matches_with_the_window_that_makes_it_and_what_is_null_with_none(
    checkpoints: MemoryCheckpoints, begun: tuple[Patient, str]
) -> None:
    patient, session_id = begun
    await patient.speak_scored(noise(5))
    [match] = await matches_of(checkpoints, session_id)
    assert (match.rule.id, match.standing.at_s, match.standing.state) == ("loud", 3.0, None)
    result = (await patient.end())["result"]
    assert result["labels"][LABEL]["score"] is None
    assert [one["id"] for one in result["rules"]] == ["loud"], "nothing was said, so nothing was stated"
    assert result["rules"][0]["score"] == match.standing.score


async def test_labels_asked_for_later_bring_their_rules_and_keep_what_matched(
    manager: SessionManager, checkpoints: MemoryCheckpoints, begun: tuple[Patient, str]
) -> None:
    patient, session_id = begun
    await hear(manager, session_id, STATED)
    patient.socket.say({"type": "labels.update", "labels": "telemedicine"})
    await patient.socket.expect("labels.updated")
    await patient.speak_scored(noise(4))
    assert [one.rule.id for one in await matches_of(checkpoints, session_id)] == [RULE]
    assert [one["id"] for one in (await patient.end())["result"]["rules"]] == [RULE]


@pytest.mark.parametrize("store", [MemoryCheckpoints(), BytesCheckpoints()], ids=["memory", "bytes"])
async def test_another_process_knows_what_matched(dictionaries: Dictionaries, store: CheckpointStore) -> None:
    clock = FakeClock()
    async with process(dictionaries, store, clock) as first:
        patient = Patient(first, clock)
        started = await patient.start(labels="triage")
        await hear(first, started["session_id"], STATED)
        await power_cut(patient)
    async with process(dictionaries, store, clock) as second:
        patient = Patient(second, clock)
        await patient.start(resume=ticket(started))
        await hear(second, started["session_id"], DENIED)
        [rule] = (await patient.end())["result"]["rules"]
    assert (rule["id"], rule["state"], rule["title"]) == (
        RULE,
        "stated",
        {"zh": "患者说左胸痛", "en": "Left chest pain stated"},
    )


async def test_a_checkpoint_without_rules_is_read_and_a_damaged_one_refused(dictionaries: Dictionaries) -> None:
    clock, store = FakeClock(), BytesCheckpoints()
    async with process(dictionaries, store, clock) as server:
        patient = Patient(server, clock)
        session_id = (await patient.start(labels="triage"))["session_id"]
        await hear(server, session_id, STATED)
        await power_cut(patient)
    kept = await store.get(session_id)
    assert kept is not None
    [rule] = kept.state["rules"]
    older = {name: value for name, value in kept.state.items() if name != "rules"}
    async with open_engine(dictionaries) as engine:
        assert restore_session(replace(kept, state=older), engine, LiveLimits(), clock).rules.matches == ()
        for damage in ({"when": "1"}, {"score": "x"}, {"at_s": -1.0}, {"state": "maybe"}, {"title": ["a"]}):
            state = kept.state | {"rules": [rule | damage]}
            with pytest.raises(SnapshotError):
                restore_session(replace(kept, state=state), engine, LiveLimits(), clock)
