"""One try of a delivery, against a real receiver."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from server.errors import ConfigError
from server.notify.delivering import utc_now
from server.notify.endpoints import Endpoint, checked_url, new_endpoint, new_secret
from server.notify.events import EventType, event, trial_event
from server.notify.reach import Reach
from server.notify.sending import Answer, Sender
from tests.notify.receiver import Receiver


def endpoint(url: str) -> Endpoint:
    return new_endpoint("ward", url, [EventType.SESSION_ENDED], utc_now())


def sender(*allowed: str, **more: Any) -> Sender:
    return Sender(Reach.of(allowed), "1", utc_now, **more)


async def sent(to: Endpoint, by: Sender | None = None) -> Answer:
    return await (by or sender("127.0.0.1")).send(trial_event("ward", to.id, utc_now()), to)


async def test_what_arrives_is_signed_and_says_what_it_is(receiver: Receiver) -> None:
    to = endpoint(receiver.url)
    answer = await sent(to)
    assert answer.delivered
    (came,) = receiver.came
    assert came.signed_with(to.secret)
    assert came.headers["content-type"] == "application/json"
    assert came.headers["user-agent"] == "Tingqing/1"
    assert came.body["type"] == "webhook.test"
    assert came.body["data"] == {"endpoint": to.id}
    assert came.body["timestamp"].endswith("Z")


async def test_while_a_secret_is_changed_both_verify_and_then_the_new_one_alone(receiver: Receiver) -> None:
    old, new, now = new_secret(), new_secret(), utc_now()
    for until, old_verifies in ((now + timedelta(hours=1), True), (now - timedelta(seconds=1), False)):
        to = Endpoint("wh_1", "ward", receiver.url, frozenset(), new, now, old, until)
        await sent(to)
        assert receiver.came[-1].signed_with(new)
        if old_verifies:
            assert receiver.came[-1].signed_with(old)
        else:
            assert len(receiver.came[-1].headers["webhook-signature"].split()) == 1


@pytest.mark.parametrize("allowed", [(), ("10.0.0.0/8",)])
async def test_a_private_address_is_not_even_connected_to(receiver: Receiver, allowed: tuple[str, ...]) -> None:
    for host in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"):
        answer = await sent(endpoint(receiver.url.replace("127.0.0.1", host)), sender(*allowed))
        assert not answer.delivered
        assert answer.tried.why == "address not allowed"
    assert receiver.came == []


class Rebinding:
    """A name that is public when it is looked at first, and then this machine's. Fake: no such name is at hand."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.asked = 0

    async def __call__(self, _host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(self._answers), port))]


async def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Rebinding("127.0.0.1", "10.9.9.9")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names, raising=False)
    assert (await sent(endpoint(receiver.url.replace("127.0.0.1", "hooks.example")))).delivered
    assert names.asked == 1
    assert receiver.came[0].headers["host"].startswith("hooks.example")
    assert (await sent(endpoint(receiver.url.replace("127.0.0.1", "hooks.example")))).tried.why == "address not allowed"


async def test_redirects_are_failures_and_lead_nowhere(receiver: Receiver) -> None:
    receiver.answers.append((307, {"Location": receiver.url}))
    answer = await sent(endpoint(receiver.url))
    assert not answer.delivered
    assert (answer.tried.status, answer.tried.why) == (307, "redirect")
    assert len(receiver.came) == 1


async def test_a_receiver_that_hangs_costs_the_deadline_and_no_more(receiver: Receiver) -> None:
    receiver.hold.clear()
    answer = await sent(endpoint(receiver.url), sender("127.0.0.1", deadline_s=0.2))
    assert (answer.delivered, answer.tried.why) == (False, "no answer in time")


async def test_a_receiver_that_is_not_there_or_speaks_no_http_is_a_failure() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        assert (await sent(endpoint(url))).tried.why == "no connection"

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await sent(endpoint(f"http://127.0.0.1:{port}/"))).tried.why == "broken connection"
        answer = await sent(endpoint(f"https://127.0.0.1:{port}/"))
        assert answer.tried.why == "certificate or TLS refused"


async def test_who_asks_for_time_or_wants_nothing_more_is_heard(receiver: Receiver) -> None:
    receiver.answers += [(503, {"Retry-After": "120"}), 410]
    assert (await sent(endpoint(receiver.url))).retry_after_s == 120
    assert (await sent(endpoint(receiver.url))).gone


@pytest.mark.parametrize(
    "url",
    ["ftp://a/", "https://", "https://u:p@a/", "https://a/#x", "https://a b/", "https://a:0/", "https://例.example/",
     "a.example", "https://a/" + "x" * 2000],
)  # fmt: skip
def test_what_is_no_address_of_a_receiver_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigError, match="https://HOST/PATH"):
        checked_url(url)


def test_an_event_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"session\.ended"):
        new_endpoint("ward", "https://a/", ["session.over"], utc_now())


def test_fields_without_a_value_are_left_out_of_a_payload() -> None:
    told = event(EventType.SESSION_ENDED, "ward", "x", utc_now(), {"reference": None, "reason": "client"})
    assert '"reference"' not in told.body
