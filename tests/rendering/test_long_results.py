"""A result of hours: one message under the usual 1 MiB, and every window in pages."""

import io
import json
import zlib
from dataclasses import replace

import numpy as np
import soundfile

from server.app import open_engine
from server.assessment.window_log import LoggedWindows
from server.live.outcome import Farewell
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.rendering.long_results import rendered_end
from server.settings import Settings
from server.store.results import _packed, _unpacked


async def test_two_hours_are_one_message_under_a_mebibyte_and_pages_with_all_windows() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(15 * 16_000, np.int16), 16_000, format="WAV")
    buffer.seek(0)
    async with open_engine(Settings(mos=False)) as engine:
        short = await assess_recording(engine, read_recording(buffer), engine.dictionaries.resolve(None))
    rows = short.windows._rows
    long = replace(short, windows=LoggedWindows((rows * (7200 // len(rows) + 1))[:7198]))

    told = rendered_end(short, "client", "/there")
    assert told.pages == ()
    assert "windows_thinned" not in told.ended
    assert json.loads(told.ended)["windows"] is None

    end = rendered_end(long, "client", "/there")
    assert len(end.ended.encode()) < 2**20
    message = json.loads(end.ended)
    assert message["windows"] == {"count": 7198, "path": "/there"}
    assert len(message["result"]["windows"]) > 100
    pages = [zlib.decompress(page) for page in end.pages]
    assert all(len(page) < 2**20 for page in pages)
    windows = [one for page in pages for one in json.loads(page)]
    assert len(windows) == 7198
    assert windows[-1] == message["result"]["windows"][-1]

    farewell = Farewell(end.ended, "{}", "digest", end.pages)
    assert farewell.size > len(end.ended)
    assert _unpacked(_packed(farewell), "digest") == farewell
    assert json.loads(farewell.page(1)) == json.loads(pages[1])
    former = zlib.compress(json.dumps([told.ended, "{}"]).encode())
    assert json.loads(_unpacked(former, "digest").page(0)) == json.loads(told.ended)["result"]["windows"]
