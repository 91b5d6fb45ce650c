"""What threads of scoring do beside their work: step back for others, and hand answers to the loop that asked."""

import contextlib
import os
import threading
from collections.abc import Sequence

from server.errors import ScoringError
from server.scoring.jobs import A, Answer, Job, Q


def lower_priority(niceness: int) -> None:
    """Lower the priority of the calling thread and the threads it starts, where the system supports it (Linux)."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def answer_all(answers: Sequence[tuple[Job[Q, A], Answer[A] | ScoringError]]) -> None:
    """On the loop that asked: each job with its answer."""
    for job, answer in answers:
        answer_one(job, answer)


def answer_one(job: Job[Q, A], answer: Answer[A] | ScoringError) -> None:
    """On the loop. A future that was cancelled or timed out meanwhile is left alone."""
    if job.future.done():
        return
    if isinstance(answer, ScoringError):
        job.future.set_exception(answer)
    else:
        job.future.set_result(answer)
