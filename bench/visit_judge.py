"""Judges made visits as the product does: StreamCore, all scorers of the engine, DNSMOS, and one Assessment each."""

import asyncio
import inspect
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

from server.app import open_engine
from server.assessment.assessment import Assessment
from server.assessment.conclusion import build_result
from server.assessment.engine import Engine, HeardAudio
from server.assessment.result import Identity
from server.assessment.updates import Assessed
from server.judge.judgement import PromptRaised
from server.model.small.store import SmallModels
from server.scoring.ports import Priority
from server.settings import load_settings
from server.stream.core import StreamCore
from server.stream.events import StreamEvent, WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding
from server.values.measures import Measures
from tools.material.visits.outcome import Outcome, Told
from tools.material.visits.plans import Maker, Plan
from tools.material.visits.truth import RATE, Audio, Stretch, Visit

FAR_END_METHOD = "far_end"
"""Of StreamCore, once it has one: called with ``speaking`` between the samples before and after."""
PIECE = RATE
RAW = "raw"
LOOK_S = 5.0


def far_end_supported() -> bool:
    return hasattr(StreamCore, FAR_END_METHOD)


async def judge_visit(engine: Engine, visit: Visit, *, with_far_end: bool, microphone: str = RAW) -> Outcome:
    """In sample time, nothing shed or replaced. ``with_far_end``: the page tells when the doctor speaks; without
    effect on a product that does not listen to it. ``microphone``: ``raw``, or a way of ``microphones.py`` that all
    sound goes through, of which the browser tells nothing."""
    visit = visit if microphone == RAW else replace(visit, samples=heard_through(microphone, visit.samples))
    capture = _capture(visit) if microphone == RAW else Capture()
    began = time.process_time()
    core = engine.make_core(AudioFormat(Encoding.PCM_S16LE, RATE))
    assessment = Assessment(engine, engine.dictionaries.resolve(None), capture, priority=Priority.FILE, **_in_a_visit())
    told: list[Told] = []
    try:
        for events in _heard(core, visit, with_far_end):
            for event in events:
                if isinstance(event, WindowReady):
                    assessed = await assessment.assess(event.window)
                    if assessed.failures:
                        raise assessed.failures[0]
                    told += _told(assessed)
        await assessment.conclude()
        result = build_result(assessment, HeardAudio.of(core), Identity(visit.id, "session"))
    finally:
        assessment.close()
    return Outcome(
        id=visit.id,
        kind=visit.kind,
        seconds=visit.seconds,
        truth=visit.truth,
        processing=visit.processing,
        with_far_end=with_far_end,
        prompts=tuple(told),
        verdict=result.overall.verdict,
        overall=result.overall.score,
        failed={
            label_id: round(one.score.score, 3)
            for label_id, one in result.labels.items()
            if one.passed is False and one.score.score is not None
        },
        spans=tuple(
            (Stretch(span.start_sample / RATE, span.end_sample / RATE), span.why) for span in result.unusable_spans
        ),
        notices=tuple(notice.en for notice in result.notices),
        measures=_rounded(result.measures, ("snr_db", "noise_dbfs", "speech_dbfs", "mos_signal", "mos_overall")),
        cpu_s=time.process_time() - began,
    )


def heard_through(microphone: str, samples: Audio) -> Audio:
    """All of a visit as this microphone hands it on. Needs the extra ``bench``."""
    from microphones import in_step, ways  # noqa: PLC0415 - only where one is asked for

    found = ways(SmallModels().find("gtcrn"), None)
    return in_step(found[microphone](samples), samples)


def _in_a_visit() -> dict[str, Any]:
    """``mode`` where the product has modes: its type's member ``visit``, or the word."""
    parameter = inspect.signature(Assessment.__init__).parameters.get("mode")
    if parameter is None:
        return {}
    kind = parameter.annotation
    return {"mode": kind("visit") if isinstance(kind, type) else "visit"}


def _capture(visit: Visit) -> Capture:
    """Raw, but for what the browser would say of itself. A gate is in the device: no browser knows of it."""
    return Capture(
        CaptureSource.MICROPHONE,
        echo_cancellation=False,
        noise_suppression=visit.processing == "suppression",
        auto_gain_control=visit.processing == "gain",
    )


def _heard(core: StreamCore, visit: Visit, with_far_end: bool) -> Iterator[list[StreamEvent]]:
    """The events of the visit, piece by piece: gaps as gaps, and the far end told at its sample."""
    pcm = np.round(np.clip(visit.samples, -1, 1) * 32767).astype("<i2")
    gaps = [(round(one.start_s * RATE), round(one.end_s * RATE)) for one in visit.gaps]
    tells: dict[int, bool] = {}
    if with_far_end and far_end_supported():
        for one in visit.far_end:
            tells[round(one.start_s * RATE)], tells[round(one.end_s * RATE)] = True, False
    edges = {0, len(pcm), *tells, *(edge for gap in gaps for edge in gap), *range(0, len(pcm), PIECE)}
    cuts = sorted(edge for edge in edges if edge <= len(pcm))
    for start, end in pairwise(cuts):
        if start in tells:
            getattr(core, FAR_END_METHOD)(tells[start])
        if any(first <= start < last for first, last in gaps):
            yield core.receive_gap(end - start)
        else:
            yield core.receive_pcm(pcm[start:end].tobytes())
    yield core.finish()


def _told(assessed: Assessed) -> list[Told]:
    update = assessed.update
    names = ("snr_db", "noise_dbfs", "speech_dbfs", "speech_ratio", "reverberation", "dropout_ratio", "bandwidth_hz")
    return [
        Told(
            at_s=update.facts.end_sample / update.facts.sample_rate,
            raised=isinstance(event, PromptRaised),
            id=event.id,
            label=event.label_id,
            audience=event.audience,
            recent=update.recent.get(event.label_id),
            measures=_rounded(update.measures, names),
        )
        for event in assessed.prompts
    ]


def _rounded(measures: Measures, names: Sequence[str]) -> dict[str, float]:
    return {name: round(value, 2) for name in names if (value := getattr(measures, name)) is not None}


Job = tuple[Plan, bool]
"""A visit, and whether the far end is told."""


def jobs(plans: Sequence[Plan]) -> list[Job]:
    """Each plan once, those with a doctor from the loudspeaker twice where the product can be told."""
    out = [(plan, False) for plan in plans]
    if far_end_supported():
        out += [(plan, True) for plan in plans if plan.kind == "far_end"]
    return out


def judged(audio: Path, todo: Sequence[Job], workers: int, *, mos: bool, microphone: str = RAW) -> Iterator[Outcome]:
    """Every outcome as it comes, from ``workers`` processes. Raises RuntimeError if one of them fails."""
    context = multiprocessing.get_context("spawn")
    waiting: Queue[Job | None] = context.Queue()
    done: Queue[Outcome | str] = context.Queue()
    for job in (*todo, *[None] * workers):
        waiting.put(job)
    processes = [
        context.Process(target=_work, args=(audio, waiting, done, mos, microphone), daemon=True) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        for _ in todo:
            outcome = _next(done, processes)
            if isinstance(outcome, str):
                raise RuntimeError(outcome)
            yield outcome
    finally:
        for process in processes:
            process.terminate()


def _next(done: "Queue[Outcome | str]", processes: Sequence[BaseProcess]) -> Outcome | str:
    while True:
        try:
            return done.get(timeout=LOOK_S)
        except Empty:
            if any(process.exitcode for process in processes):
                return "a worker was killed: see above, or `dmesg` for want of memory"


def _work(audio: Path, waiting: "Queue[Job | None]", done: "Queue[Outcome | str]", mos: bool, microphone: str) -> None:
    try:
        asyncio.run(_work_through(audio, waiting, done, mos, microphone))
    except Exception as error:  # told to whoever waits, with its kind
        done.put(f"{type(error).__name__}: {error}")


async def _work_through(
    audio: Path, waiting: "Queue[Job | None]", done: "Queue[Outcome | str]", mos: bool, microphone: str
) -> None:
    maker = Maker(audio)
    settings = load_settings(clap="off", mos=mos)
    async with open_engine(settings) as engine:
        while (job := await asyncio.to_thread(waiting.get)) is not None:
            parent = multiprocessing.parent_process()
            if parent is None or not parent.is_alive():
                return
            plan, with_far_end = job
            done.put(await judge_visit(engine, maker.make(plan), with_far_end=with_far_end, microphone=microphone))
