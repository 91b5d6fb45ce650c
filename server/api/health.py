"""``/healthz``: the process answers. ``/readyz``: it can score and accepts sessions."""

import asyncio
import os
from dataclasses import asdict
from typing import Self

from fastapi import APIRouter, Response
from pydantic import Field

from server.api.services import Services, Wired
from server.api.whole import READY_S, ready_of_all
from server.live.load_meter import LoadMeter
from server.scoring.metrics import LaneMetrics
from server.values.models import ModelState, OptionalModel
from server.wire.base import WireModel
from server.wire.common import TextModel

router = APIRouter(tags=["health"])

NO_STORE = {"Cache-Control": "no-store"}


class Health(WireModel):
    """The process answers; ``/readyz`` tells whether it can score."""

    status: str = "ok"
    version: str


class SessionCountsModel(WireModel):
    """Sessions and observers of this process, now."""

    live: int = Field(description="Sessions with a connected patient.")
    waiting: int = Field(description="Sessions waiting for their patient to reconnect.")
    observers: int


class LaneState(WireModel):
    """One scorer's thread. Counts are since the start; times and sizes cover the last 512 answers, null before any."""

    name: str
    queued: int
    scored: int
    failed: int = Field(description="Windows for which the scorer raised an error.")
    expired: int = Field(description="Windows whose deadline passed.")
    abandoned: int = Field(description="Windows that nobody was waiting for any more.")
    refused: int = Field(description="Windows refused because the queue was full.")
    queue_p50_ms: float | None
    queue_p95_ms: float | None
    inference_p50_ms: float | None = Field(description="Inference time of a whole batch.")
    inference_p95_ms: float | None
    batch_size: int = Field(description="Largest batch, learned from how long batches take.")
    batch_mean: float | None
    running: bool = Field(default=True, description="Whether there is a thread that answers.")
    restarts: int = Field(default=0, description="How often another thread took the place of one that died or hung.")

    @classmethod
    def of(cls, lane: LaneMetrics) -> Self:
        """Milliseconds and shares to two decimals."""
        told = {name: getattr(lane, name) for name in cls.model_fields}
        return cls.model_validate(
            {name: round(value, 2) if isinstance(value, float) else value for name, value in told.items()}
        )


class Cost(WireModel):
    """Cores that one session takes."""

    loop: float = Field(description="Of the event loop's thread, which has 1.")
    process: float = Field(description="Of all threads, but for parts that can be left out.")


class Load(WireModel):
    """How much work there is, and whether more can come. Lag: 95th percentile of the last 5 s of paced sessions."""

    accepting: bool = Field(description="Whether a new session would be let in, as far as the load decides.")
    room: int | None = Field(description="New sessions that the load would let in; null with fixed admission.")
    loop: float = Field(description="Cores that the event loop's thread took in the last second.")
    process: float = Field(description="Cores that the process took in the last second.")
    stretch: float = Field(description="How much longer than its CPU time the loop's work takes: it waits to run.")
    lag_p95_ms: float | None = Field(description="From when a window's last sample was due to its update.")
    waited_p95_ms: float | None = Field(description="The same without the scoring itself.")
    shed: list[str] = Field(
        description="Parts that live windows lack now, in order: mos, names, voices, denoiser, clap"
    )
    shed_counts: dict[str, int] = Field(
        description="Live windows judged without a part that was due, since the start: left out, late or failed."
    )
    refused: int = Field(description="Sessions and announcements refused for lack of room, since the start.")
    cost: dict[str, Cost] = Field(description="Of a session with acoustic measures alone, and with CLAP; learned.")
    part_cost: dict[str, float] = Field(
        description="Cores that a part takes of one session that has it; learned, 0 until it was seen."
    )


class SmallModelState(WireModel):
    """A model that may be absent, as it was when the server started."""

    id: str
    state: ModelState = Field(description="there, absent, damaged (not the pinned file), or failed to load.")
    used: bool = Field(description="Whether it is wanted where it is there: not with --no-voices and the like.")
    lacks: TextModel | None = Field(description="What the judgement lacks without it; null if it lacks nothing.")

    @classmethod
    def of(cls, model: OptionalModel) -> Self:
        """A model that is not used is not missed."""
        lacks = TextModel(zh=model.without.zh, en=model.without.en) if model.lacking else None
        return cls(id=model.id, state=model.state, used=model.used, lacks=lacks)


class WorkerState(WireModel):
    """One of several workers."""

    worker: int = Field(description="From 1; the label of its metrics.")
    pid: int | None
    ready: bool
    why: str | None = Field(description="As of the whole; not_running: it died or does not answer.")
    sessions: SessionCountsModel | None
    load: Load | None
    lanes: list[LaneState]


class Ready(WireModel):
    """``why``: draining, scoring_timeout, or the code of the error with which scoring failed."""

    ready: bool
    why: str | None = None
    draining: bool
    lasting: bool = Field(
        description="Sessions could go on in another process now: with a data folder, while its database answers."
    )
    scorers: list[str]
    basic_mode: bool
    clap: str | None = Field(description="The loaded CLAP checkpoint, <id>@<revision>.")
    hint: str | None = Field(description="How to leave basic mode.")
    models: list[SmallModelState] = Field(description="The small models that may be absent.")
    vad: str
    version: str
    score_ms: float = Field(description="How long a real score took, measured at most 2 s ago.")
    tasks: int = Field(description="Tasks on the event loop, the one that answers among them.")
    sessions: SessionCountsModel
    load: Load | None
    lanes: list[LaneState]
    windows_replaced: int = Field(description="Live windows replaced by newer ones since the start.")
    webhooks_failing: bool = Field(
        default=False, description="Webhooks cannot be taken from the outbox now; they wait, and nothing is unready."
    )
    batches_failing: bool = Field(
        default=False,
        description="Files of batches wait, and the process that judges them ended or cannot be started; the log says "
        "why. It is tried again, and nothing is unready.",
    )
    pid: int = Field(description="Of the process that answers.")
    workers: list[WorkerState] | None = Field(
        default=None,
        description="With --workers, each one; counts above are those of all, lanes those of the one that answers.",
    )


@router.get("/healthz", summary="Liveness")
async def healthz(services: Wired, response: Response) -> Health:
    """Answers as long as the process runs."""
    response.headers.update(NO_STORE)
    return Health(version=services.engine.version)


@router.get("/readyz", summary="Readiness, checked by a real score", responses={503: {"model": Ready}})
async def readyz(services: Wired, response: Response) -> Ready:
    """503 if no score is produced or the server is stopping; ``why`` says which. With workers: of any that answers."""
    ready, routing = await ready_here(services), services.routing
    if routing is not None:
        others = await routing.ask_all("ready", READY_S)
        told = ready_of_all(routing.index, {routing.index: ready.model_dump(mode="json"), **others})
        ready = Ready.model_validate(told)
    response.status_code = 200 if ready.why is None else 503
    response.headers.update(NO_STORE)
    return ready


async def ready_here(services: Services) -> Ready:
    """This process alone."""
    readiness = await services.probe.check()
    engine, counts, draining = services.engine, services.manager.counts(), services.manager.draining
    why = "draining" if draining else readiness.why
    return Ready(
        ready=why is None,
        why=why,
        draining=draining,
        lasting=counts.lasting,
        scorers=list(engine.scorer_names),
        basic_mode=engine.basic_mode,
        clap=engine.clap,
        hint=engine.hint,
        models=[SmallModelState.of(model) for model in engine.models],
        vad=engine.vad,
        version=engine.version,
        score_ms=round(readiness.took_ms, 1),
        tasks=len(asyncio.all_tasks()),
        sessions=SessionCountsModel(live=counts.live, waiting=counts.waiting, observers=counts.observers),
        load=_load(services.manager.load),
        lanes=[LaneState.of(lane) for lane in engine.service.metrics()],
        windows_replaced=engine.metrics.windows_replaced,
        webhooks_failing=engine.metrics.webhooks_fail,
        batches_failing=services.batches is not None and services.batches.failing(),
        pid=os.getpid(),
    )


def _load(meter: LoadMeter | None) -> Load | None:
    if meter is None:
        return None
    told = asdict(meter.state())
    costs, shed, part_cost = told.pop("costs"), list(told.pop("shed")), told.pop("part_costs")
    del told["parts"]
    return Load.model_validate({**told, "shed": shed, "cost": costs, "part_cost": part_cost})
