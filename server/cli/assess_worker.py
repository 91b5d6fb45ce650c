"""One of the processes of ``tingqing assess --jobs``: judges the files that it is handed, one after another.

Standard input: a line of JSON, what is asked (``Asked.plain``), then a line for each file, ``[name, path]``. Standard
output: for each file eight bytes, big-endian, how many follow, and these, a line as of ``outcomes.line_of``.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from server.app import open_engine
from server.cli.asked import Asked
from server.cli.outcomes import line_of, told
from server.logs import configure_logging
from server.recording.batch import Outcome, assess_files
from server.settings import load_settings

LENGTH_BYTES = 8


async def main(lines: BinaryIO, output: BinaryIO) -> None:
    """Until standard input ends."""
    asked = Asked.of_plain(json.loads(lines.readline()))
    configure_logging(asked.flags.get("log_level") or "warning")
    settings = load_settings(**asked.flags)
    async with open_engine(settings) as engine:
        labels = engine.dictionaries.resolve(asked.labels)

        def send(outcome: Outcome) -> None:
            data = line_of(told(outcome, asked.flat_language)).encode()
            output.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
            output.flush()

        while line := await asyncio.to_thread(lines.readline):
            name, path = json.loads(line)
            await assess_files(engine, labels, [(name, Path(path))], send, **asked.ways(settings))


if __name__ == "__main__":
    # Ctrl+C goes to every process of the terminal; the first one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main(sys.stdin.buffer, sys.stdout.buffer))
