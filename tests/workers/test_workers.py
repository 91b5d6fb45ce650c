"""Several workers behind one port, as patients, doctors and operators meet them."""

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.client.sample_visit import sample_visit
from server.model.small.store import SmallModels
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, http, receive, start, until
from tests.reliability.caller import RATE, Caller, same
from tests.tls.making import authority, der, made, trusting
from tests.workers.landing import Workers, stopped

pytestmark = pytest.mark.timeout(400)  # three processes start, one after the other, on a machine that may be busy

PCM = sample_visit()[: 20 * RATE].tobytes()


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Workers]:
    """Without keys and without a folder; two sessions in all, and one upload. With the models that `make setup` put."""
    places = {"TINGQING_MAX_ASSESSMENTS": "1", "TINGQING_MAX_WAITING_UPLOADS": "0"}
    places["TINGQING_MODEL_CACHE_DIR"] = str(SmallModels().cache)
    with Workers("--max-sessions", "2", "--admission", "fixed", **places) as serving:
        yield serving


@pytest.fixture
def plain(plain_server: Workers) -> Workers:
    return plain_server.rest()


def stream(server: Workers) -> str:
    return f"{server.ws}/v1/stream"


async def unbroken(server: Workers) -> dict[str, Any]:
    caller = Caller(PCM)
    await caller.connect(stream(server))
    return await caller.result()


async def test_a_doctor_whose_socket_lands_on_the_other_worker_watches_the_session(plain: Workers) -> None:
    patient = Caller(PCM)
    started = await patient.connect(stream(plain), sock=plain.on(1))
    await patient.judged_until(12)
    assert plain.live() == {1: 1, 2: 0}
    watching = f"{plain.ws}/v1/sessions/{started['session_id']}/observe"
    async with connect(watching, sock=plain.on(2), subprotocols=[PROTOCOL], max_size=None) as doctor:
        assert doctor.subprotocol == PROTOCOL
        snapshot = await receive(doctor)
        assert snapshot["type"] == "snapshot"
        assert snapshot["update"]["window"]["end_s"] >= 12
        await doctor.send('{"type":"nonsense"}')
        assert (await until(doctor, "error"))["error"]["code"]
        result = await patient.result()
        assert (await until(doctor, "session.ended"))["result"] == result
        await doctor.wait_closed()
        assert doctor.close_code == 1000
    async with connect(watching, sock=plain.on(2), subprotocols=[PROTOCOL], max_size=None) as late:
        assert (await receive(late))["ended"]["result"] == result
    async with connect(f"{plain.ws}/v1/sessions/{'0' * 32}/observe", sock=plain.on(2)) as lost:
        assert (await faults_until_close(lost))[1] == 4404


async def test_a_patient_who_comes_back_to_the_other_worker_goes_on_with_the_same_session(plain: Workers) -> None:
    patient = Caller(PCM)
    first = await patient.connect(stream(plain), sock=plain.on(1))
    await patient.judged_until(13)
    await patient.vanish()
    again = await patient.connect(stream(plain), sock=plain.on(2))
    assert again["session_id"] == first["session_id"]
    assert plain.live() == {1: 1, 2: 0}
    assert same(await patient.result(), await unbroken(plain))


async def test_a_socket_that_is_superseded_from_the_other_worker_is_told_so(plain: Workers) -> None:
    patient, again = Caller(PCM), Caller(PCM)
    await patient.connect(stream(plain), sock=plain.on(2))
    again.started = patient.started
    await again.connect(stream(plain), sock=plain.on(1))
    assert await patient.closed() == 4409
    await again.result()


async def test_what_was_said_and_a_long_results_windows_reach_and_leave_through_any_worker(plain: Workers) -> None:
    patient = Caller(PCM)
    started = await patient.connect(stream(plain), sock=plain.on(1))
    await patient.judged_until(5)
    session = f"/v1/sessions/{started['session_id']}"
    segment = {"id": "1", "text": "我肚子疼", "start_s": 1.0, "end_s": 2.0, "final": True}
    async with (
        connect(f"{plain.ws}{session}/observe", sock=plain.on(1), max_size=None) as doctor,
        connect(f"{plain.ws}{session}/transcribe", sock=plain.on(2)) as recogniser,
    ):
        await recogniser.send(json.dumps({"type": "transcript", "segments": [segment]}))
        said = await until(doctor, "said")
        assert said["labels"]["pain_location"]["state"] == "stated"
        more = {"segments": [segment | {"id": "2", "text": "没有发烧", "start_s": 3.0, "end_s": 4.0}]}
        assert await request(plain, 2, "POST", f"{session}/transcript", more) == (204, None)
        unknown = f"/v1/sessions/{'0' * 32}"
        assert (await request(plain, 2, "POST", f"{unknown}/transcript", more))[0] == 404
        result = await patient.result()
        await recogniser.wait_closed()
        assert recogniser.close_code == 1000
    assert result["labels"]["pain_location"]["state"] == "stated"
    assert (await request(plain, 2, "POST", f"{session}/transcript", more))[0] == 410
    for worker in (1, 2):
        status, page = await request(plain, worker, "GET", f"{session}/windows")
        assert (status, page) == (200, {"windows": result["windows"], "next": None})


async def test_the_voice_of_a_check_at_one_worker_is_known_in_a_visit_at_the_other(
    plain: Workers, shared: Path
) -> None:
    if "voices" not in plain.ready()["load"]["shed_counts"]:
        pytest.skip("no weights: tingqing models download small")
    speech, rate = soundfile.read(
        shared / "audio" / "speech" / "en" / "Resemblyzer__446-123501-0000.flac", dtype="int16"
    )
    assert rate == RATE
    check = Caller(speech.tobytes(), keep_voice=True)
    begun = await check.connect(stream(plain), sock=plain.on(1))
    await check.result()
    named = {key: begun[key] for key in ("session_id", "resume_token")}
    visit = Caller(PCM, mode="visit", voice_of=named)
    assert (await visit.connect(stream(plain), sock=plain.on(2)))["config"]["voice"] == "known"
    await visit.result()
    foreign = Caller(PCM, mode="visit", voice_of=named | {"resume_token": "another"})
    assert (await foreign.connect(stream(plain), sock=plain.on(1)))["config"]["voice"] == "unknown"
    await foreign.result()


async def request(server: Workers, worker: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Of one worker: the status, and the JSON of its answer."""
    content = b"" if body is None else json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(sock=server.on(worker))
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    told, _, text = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(told.split()[1]), json.loads(text) if text else None


async def let_in(server: Workers, worker: int) -> Caller:
    """A caller who comes again where there is no place, as clients do: workers tell of their room now and then, and a
    session of the test before may just have ended."""
    async with asyncio.timeout(60):
        while True:
            caller = Caller(PCM)
            try:
                await caller.connect(stream(server), sock=server.on(worker))
            except AssertionError:
                continue
            return caller


async def test_a_newcomer_goes_to_the_worker_with_room_and_the_next_one_is_refused(plain: Workers) -> None:
    both = [await let_in(plain, 1), await let_in(plain, 1)]
    for caller in both:
        await caller.judged_until(3)
    assert plain.live() == {1: 1, 2: 1}
    async with connect(stream(plain), sock=plain.on(2)) as third:
        await third.send(start())
        assert await faults_until_close(third) == (["at_capacity"], 4503)
    assert same(*[await caller.result() for caller in both])


async def test_whoever_is_asked_tells_how_all_are(plain: Workers) -> None:
    patient = Caller(PCM)
    await patient.connect(stream(plain), sock=plain.on(2))
    for worker in (1, 2):
        text = await scraped(plain, worker)
        assert 'tingqing_sessions{state="live",worker="1"} 0.0' in text
        assert 'tingqing_sessions{state="live",worker="2"} 1.0' in text
        assert text.count("# TYPE tingqing_sessions gauge") == 1
        assert 'tingqing_sessions_max{worker="2"} 1.0' in text
    assert len(plain.told()) == 2
    told = plain.ready()
    assert told["ready"]
    assert told["sessions"]["live"] == 1
    assert len({one["pid"] for one in told["workers"]}) == 2
    await patient.result()


async def scraped(server: Workers, worker: int) -> str:
    """By this worker; again, where the other one was too busy to tell within a second."""
    async with asyncio.timeout(60):
        while True:
            reader, writer = await asyncio.open_connection(sock=server.on(worker))
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = (await reader.read()).decode()
            writer.close()
            if all(f'tingqing_worker_up{{worker="{one}"}} 1.0' in text for one in (1, 2)):
                return text


def smallest(folder: Path) -> bytes:
    return min(folder.glob("*.flac"), key=lambda path: path.stat().st_size).read_bytes()


def test_either_worker_assesses_a_file(plain: Workers, mixes: Path) -> None:
    for _ in range(4):
        answer = http.post(f"{plain.http}/v1/assess", files={"file": ("one.flac", smallest(mixes))}, timeout=60)
        assert answer.status_code == 200, answer.text


async def test_an_upload_at_one_worker_takes_the_place_of_all(plain: Workers, mixes: Path) -> None:
    request = httpx.Request("POST", f"{plain.http}/v1/assess", files={"file": ("one.flac", smallest(mixes))})
    body = request.read()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    reader, slow = await asyncio.open_connection(sock=plain.on(1))
    slow.write(f"POST /v1/assess HTTP/1.1\r\n{head}\r\n".encode() + body[:-100])

    async def other() -> int:
        told, writer = await asyncio.open_connection(sock=plain.on(2))
        writer.write(f"POST /v1/assess HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode() + body)
        answer = await told.read()
        writer.close()
        return int(answer.split()[1])

    async with asyncio.timeout(120):
        while await other() != 503:
            pass
        slow.write(body[-100:])
        assert (await reader.readline()).split()[1] == b"200"
    slow.close()


async def test_without_a_folder_a_worker_that_is_killed_takes_its_sessions_and_no_others(plain: Workers) -> None:
    lost, other = Caller(PCM), Caller(PCM)
    started = await lost.connect(stream(plain), sock=plain.on(1))
    await other.connect(stream(plain), sock=plain.on(2))
    await lost.judged_until(12)
    os.kill(plain.pids()[1], signal.SIGKILL)
    await lost.closed()
    async with connect(stream(plain), subprotocols=[PROTOCOL]) as back:
        resume = {"session_id": started["session_id"], "resume_token": started["resume_token"]}
        await back.send(start(resume=resume))
        assert await faults_until_close(back) == (["unknown_session"], 4404)
    assert same(await other.result(), await unbroken(plain))
    await all_ready(plain)


async def test_a_stop_ends_every_session_with_its_result_though_its_socket_is_in_another_worker() -> None:
    with await asyncio.to_thread(Workers, "--drain-s", "600") as server:
        patient = Caller(PCM)
        await patient.connect(stream(server), sock=server.on(1))
        await patient.judged_until(12)
        await patient.vanish()
        await patient.connect(stream(server), sock=server.on(2))
        server.process.send_signal(signal.SIGTERM)
        assert (await patient.expect("go_away"))["resumable"] is False
        server.process.send_signal(signal.SIGTERM)
        ended = await patient.expect("session.ended")
        assert ended["reason"] == "drain"
        assert ended["result"]["windows"]
        assert await patient.closed() == 1001
        code, said = await asyncio.to_thread(server.stop, None)
        assert code == 0
        assert "Stopped." in said
        assert "Traceback" not in said


async def test_each_worker_serves_with_the_certificate_that_is_there_now(tmp_path: Path) -> None:
    by = authority()
    certificate, key = made(tmp_path, "127.0.0.1", by=by)
    with await asyncio.to_thread(Workers, "--tls-cert", certificate, "--tls-key", key) as server:
        told = (await asyncio.to_thread(httpx.get, f"{server.http}/readyz", verify=trusting(by), timeout=30)).json()
        patient = Caller(PCM)
        await patient.connect(stream(server), ssl=trusting(by))
        first = der(certificate)
        made(tmp_path, "127.0.0.1", by=by)
        assert der(certificate) != first
        for one in told["workers"]:
            with stopped(other["pid"] for other in told["workers"] if other is not one):
                shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", server.port))
            assert ssl.PEM_cert_to_DER_cert(shown) == der(certificate)
        assert (await patient.result())["windows"]


# -- with a folder and keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("data")

    async def create() -> str:
        async with open_keys(Settings(data_dir=folder)) as store:
            return (await create_key(store, "ward-3", Role.INTEGRATOR, utc_now()))[0]

    return folder, asyncio.run(create())


@pytest.fixture(scope="module")
def hospital_server(keys: tuple[Path, str]) -> Iterator[Workers]:
    with Workers("--data-dir", keys[0]) as serving:
        yield serving


@pytest.fixture
def hospital(hospital_server: Workers) -> Workers:
    return hospital_server.rest()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def bearing(token: str) -> list[Subprotocol]:
    return [PROTOCOL, Subprotocol(f"bearer.{token}")]


async def asked(server: Workers, worker: int, request: str, key: str, body: bytes = b"") -> tuple[int, Any]:
    """Status and JSON of this worker's answer."""
    reader, writer = await asyncio.open_connection(sock=server.on(worker))
    head = f"{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    head_, _, rest = answer.partition(b"\r\n\r\n")
    return int(head_.split()[1]), json.loads(rest)


async def test_a_link_is_redeemed_once_whichever_workers_are_asked_at_the_same_time(
    hospital: Workers, keys: tuple[Path, str]
) -> None:
    status, announced = await asked(hospital, 1, "POST /v1/sessions", keys[1])
    assert status == 201
    watching = f"{hospital.ws}/v1/sessions/{announced['id']}/observe"
    async with connect(watching, sock=hospital.on(2), subprotocols=bearing(announced["observe_token"])) as early:
        assert await faults_until_close(early) == (["session_not_begun"], 4503)
    sockets = [
        await connect(stream(hospital), sock=hospital.on(1 + at % 2), subprotocols=bearing(announced["publish_token"]))
        for at in range(4)
    ]

    async def begins(socket: Any) -> str:
        await socket.send(start())
        message = await receive(socket)
        return str(message["type"] if message["type"] != "error" else message["error"]["code"])

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(begins(socket)) for socket in sockets]
    answers = [task.result() for task in tasks]
    # A link that was opened twice before anything was said begins anew: then the former socket is superseded.
    assert sum(hospital.live().values()) == 1
    assert set(answers) <= {"session.started", "token_used", "unknown_session", "superseded"}
    open_ones = []
    for socket, answer in zip(sockets, answers, strict=True):
        if answer == "session.started":
            open_ones.append(socket)
    await open_ones[-1].close()
    for socket in sockets:
        await socket.close()


async def test_a_link_that_was_used_at_one_worker_is_used_up_at_the_other(
    hospital: Workers, keys: tuple[Path, str]
) -> None:
    _, announced = await asked(hospital, 1, "POST /v1/sessions", keys[1])
    link = announced["publish_token"]
    how: dict[str, Any] = {"subprotocols": bearing(link)}
    for worker in (1, 2, 1):  # asking uses nothing up, whichever worker has the session
        assert await asked(hospital, worker, "GET /v1/token", link) == (
            200,
            {"scope": "publish", "session_id": announced["id"]},
        )
    patient = Caller(PCM)
    await patient.connect(stream(hospital), sock=hospital.on(2), **how)
    assert patient.started is not None
    assert patient.started["session_id"] == announced["id"]
    assert hospital.live() == {1: 0, 2: 1}
    await patient.judged_until(12)
    for worker in (1, 2):
        status, problem = await asked(hospital, worker, "GET /v1/token", link)
        assert (status, problem["code"]) == (403, "token_used")
    for worker in (1, 2):
        status, listed = await asked(hospital, worker, "GET /v1/sessions", keys[1])
        assert status == 200
        assert [one["state"] for one in listed["sessions"] if one["id"] == announced["id"]] == ["live"]
    for worker in (1, 2):
        async with connect(stream(hospital), sock=hospital.on(worker), **how) as second:
            await second.send(start())
            assert await faults_until_close(second) == (["token_used"], 4403)
    await patient.result()


@pytest.mark.parametrize(("patients", "doctors"), [(1, 2), (2, 1)])
async def test_patient_and_doctor_of_a_call_meet_though_their_sockets_are_in_different_workers(
    hospital: Workers, keys: tuple[Path, str], patients: int, doctors: int
) -> None:
    _, visit = await asked(hospital, 1, "POST /v1/sessions", keys[1], b'{"mode": "visit"}')
    address = f"{hospital.ws}/v1/sessions/{visit['id']}/call"

    async def joins(worker: int, token: str) -> tuple[ClientConnection, dict[str, Any]]:
        side = await connect(address, sock=hospital.on(worker), subprotocols=bearing(visit[token]))
        await side.send('{"type": "call.join"}')
        return side, await until(side, "call.joined")

    patient, alone = await joins(patients, "publish_token")
    doctor, met = await joins(doctors, "nudge_token")
    assert (alone["role"], alone["present"], met["role"], met["present"]) == ("patient", False, "doctor", True)
    assert (await until(patient, "call.peer"))["meeting"] == met["meeting"]
    for sender, receiver, sdp in ((patient, doctor, "offer"), (doctor, patient, "answer")):
        await sender.send(json.dumps({"type": "call.signal", "meeting": met["meeting"], "signal": {"sdp": sdp}}))
        assert (await until(receiver, "call.signal"))["signal"] == {"sdp": sdp}
    again, meeting = await joins(patients, "nudge_token")  # the doctor reloads, and lands on the patient's worker
    assert (await faults_until_close(doctor)) == (["session_superseded"], 4409)
    assert meeting["present"]
    for worker in (1, 2):
        async with connect(address, sock=hospital.on(worker), subprotocols=bearing(visit["publish_token"])) as stranger:
            await stranger.send('{"type": "call.join"}')
            assert await faults_until_close(stranger) == (["token_used"], 4403)
    await patient.send('{"type": "call.leave"}')
    left = await until(again, "call.peer")
    assert (left["present"], left["left"]) == (False, True)
    await patient.wait_closed()
    assert patient.close_code == 1000
    await again.close()


async def test_guesses_are_counted_by_address_and_not_by_worker(hospital: Workers) -> None:
    one, other = [await asyncio.open_connection(sock=hospital.on(worker)) for worker in (1, 2)]

    async def guess(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> int:
        reader, writer = connection
        head = f"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tq_{'A' * 43}\r\n"
        writer.write(head.encode() + b"Content-Length: 0\r\n\r\n")
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = next(line for line in answer.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(size.partition(b":")[2]))
        return int(answer.split()[1])

    for _ in range(100):
        if await guess(other) == 429:
            break

    async def flood() -> None:
        while True:
            await guess(other)

    flooding = asyncio.create_task(flood())
    # Alone, this worker would let twenty of them try.
    assert 429 in [await guess(one) for _ in range(15)]
    flooding.cancel()
    for _, writer in (one, other):
        writer.close()


async def test_a_session_and_a_link_of_a_worker_that_is_killed_go_on_in_another(
    hospital: Workers, keys: tuple[Path, str]
) -> None:
    _, announced = await asked(hospital, 1, "POST /v1/sessions", keys[1])
    patient = Caller(PCM)
    how: dict[str, Any] = {"additional_headers": bearer(keys[1])}
    started = await patient.connect(stream(hospital), sock=hospital.on(1), **how)
    await patient.judged_until(13)
    killed = hospital.pids()[1]
    os.kill(killed, signal.SIGKILL)
    await patient.closed()
    again = await patient.connect(stream(hospital), **how)
    assert again["session_id"] == started["session_id"]
    linked = Caller(PCM)
    by_link = await linked.connect(stream(hospital), subprotocols=bearing(announced["publish_token"]))
    assert by_link["session_id"] == announced["id"]
    await linked.result()
    whole = Caller(PCM)
    await whole.connect(stream(hospital), **how)
    assert same(await patient.result(), await whole.result())
    await all_ready(hospital)
    assert hospital.pids()[1] not in (None, killed)


async def test_a_worker_that_is_stopped_alone_leaves_its_sessions_to_another(
    hospital: Workers, keys: tuple[Path, str]
) -> None:
    patient = Caller(PCM)
    how: dict[str, Any] = {"additional_headers": bearer(keys[1])}
    started = await patient.connect(stream(hospital), sock=hospital.on(2), **how)
    await patient.judged_until(13)
    os.kill(hospital.pids()[2], signal.SIGTERM)
    assert (await patient.expect("go_away"))["resumable"] is True
    at = len(patient.messages)
    await patient.vanish()
    again = await patient.connect(stream(hospital), **how)
    assert patient.messages[at:]
    assert again["session_id"] == started["session_id"]
    assert (await patient.result())["windows"]
    await all_ready(hospital)


async def all_ready(server: Workers) -> None:
    """Once the worker that ended was replaced."""
    async with asyncio.timeout(240):
        while True:
            if all(one["ready"] for one in (await asyncio.to_thread(server.ready))["workers"]):
                return
            await asyncio.sleep(0.2)
