"""What ``/openapi.json`` says is what the server does, for requests that fit it and for those that do not."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.settings import Settings
from tests.api.conftest import Served
from tests.api.conftest import start as serve

EXAMPLES = os.environ.get("TINGQING_FUZZ_EXAMPLES")

TOO_STRICT = "positive_data_acceptance"
"""What labels, keys and recordings there are is in no schema: what fits it may be refused."""


@dataclass(frozen=True)
class Asked:
    served: Served
    key: str


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> str:
        async with open_keys(Settings(data_dir=data)) as store:
            return (await create_key(store, "ward-3", Role.ADMIN, utc_now()))[0]

    key = asyncio.run(create())
    running = serve(drain_s=0.0, data_dir=data, mos=False, requests_per_minute=1_000_000)
    yield Asked(running, key)
    running.stop()


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_the_server_does_what_its_openapi_document_says(asked: Asked, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"{asked.served.url}/openapi.json",
        *("--header", f"Authorization: Bearer {asked.key}", "--header", f"Origin: {asked.served.url}"),
        *(
            "--checks",
            "all",
            "--exclude-checks",
            TOO_STRICT,
            "--phases",
            "coverage,fuzzing",
            "--max-examples",
            EXAMPLES or "4",
            "--no-color",
        ),
        *(() if EXAMPLES else ("--generation-deterministic",)),
    ]
    # In a folder of its own: it keeps there what failed.
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Unresolvable references" not in done.stdout
