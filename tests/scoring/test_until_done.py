"""A thread that reads is waited for, whatever happens to who asked."""

import asyncio
import threading

import pytest

from server.scoring.until_done import to_thread_until_done


async def test_result_and_error_are_those_of_the_function() -> None:
    assert await to_thread_until_done(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await to_thread_until_done(divmod, 7, 0)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_waits_for_the_thread_however_often_it_comes(fails: bool) -> None:
    started, released = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    ended: list[str] = []

    def reading() -> None:
        loop.call_soon_threadsafe(started.set)
        assert released.wait(60)
        ended.append("thread")
        if fails:
            raise ValueError("the file is damaged")

    async def asking() -> None:
        try:
            await to_thread_until_done(reading)
        finally:
            ended.append("caller")

    task = asyncio.create_task(asking())
    await started.wait()
    for _ in range(3):
        task.cancel()
        # The thread is held, so that nothing but an impatient caller can be done here.
        done, _ = await asyncio.wait({task}, timeout=0.05)
        assert not done
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["thread", "caller"]
