"""The states of a connection, of its audio and of a registry's entry: illegal transitions are bugs, and say so."""

import asyncio
from itertools import product

import pytest

from server.live import endings
from server.live.connection_state import (
    Closed,
    Closing,
    ConnectionLife,
    ConnectionState,
    Draining,
    Receiving,
    Stopping,
)
from server.live.flow import CatchingUp, Current, Finished, Flow, moved

STATES: dict[type[ConnectionState], ConnectionState] = {
    Receiving: Receiving(),
    Draining: Draining(5.0),
    Stopping: Stopping(endings.LOST),
    Closing: Closing(endings.LOST),
    Closed: Closed(True),
}
LEGAL = {
    (Receiving, Draining),
    (Receiving, Stopping),
    (Draining, Stopping),
    *((kind, Closing) for kind in (Receiving, Draining, Stopping)),
    *((kind, Closed) for kind in (Receiving, Draining, Stopping, Closing)),
}


def life_in(kind: type[ConnectionState]) -> ConnectionLife:
    life = ConnectionLife()
    if kind is not Receiving:
        life.move(STATES[kind])
    return life


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
def test_only_defined_transitions_of_a_connection_are_possible(
    old: type[ConnectionState], new: type[ConnectionState]
) -> None:
    life = life_in(old)
    if (old, new) in LEGAL:
        life.move(STATES[new])
        assert life.state is STATES[new]
    else:
        with pytest.raises(AssertionError, match=old.__name__):
            life.move(STATES[new])
        assert isinstance(life.state, old)


async def test_a_waiting_task_gets_the_state_it_waits_for() -> None:
    life = ConnectionLife()
    waiting = asyncio.create_task(life.until(Stopping))
    life.move(Draining(1.0))
    await asyncio.sleep(0)
    life.move(Stopping(endings.EXPIRED))
    assert (await waiting).ending is endings.EXPIRED


@pytest.mark.parametrize(
    ("old", "new", "legal"),
    [
        (CatchingUp(1), Current(), True),
        (CatchingUp(1), Finished(), True),
        (Current(), Finished(), True),
        (Current(), Current(), False),
        (Finished(), Current(), False),
        (Finished(), Finished(), False),
        (Current(), CatchingUp(1), False),
    ],
)
def test_audio_flows_one_way(old: Flow, new: Flow, legal: bool) -> None:
    if legal:
        assert moved(old, new) is new
    else:
        with pytest.raises(AssertionError, match="comes after"):
            moved(old, new)
