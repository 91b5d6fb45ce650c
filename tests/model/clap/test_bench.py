"""What ``tingqing bench clap --json`` prints, measured on the tiny checkpoint."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.model.clap.published import AUDIO, TEXT
from server.model.clap.tower import check_architecture


@pytest.mark.timeout(600)
def test_json_is_one_object_last_on_standard_output(checkpoint: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "server",
            "bench",
            "clap",
            "--json",
            "--threads=1",
            "--repeats=2",
            "--checkpoint",
            checkpoint,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert len(done.stdout.strip().splitlines()) == 1
    assert {"peer_ms", "ours_ms", "ratio", "ratio_fp32", "embedding_error", "backends"} <= told.keys()
    fp32 = told["backends"]["torch-fp32"]
    assert fp32.keys() == {"ms", "ratio", "dtype", "embedding_error"}
    assert fp32["embedding_error"] < 1e-3
    assert told["ours_ms"] == min(one["ms"] for one in told["backends"].values() if one["dtype"] == told_dtype(told))


def told_dtype(told: dict[str, object]) -> str:
    backends = told["backends"]
    assert isinstance(backends, dict)
    return "bf16" if any(one["dtype"] == "bf16" for one in backends.values()) else "fp32"


def test_the_published_figures_are_an_architecture_that_the_tower_has() -> None:
    from transformers import ClapConfig

    config: Any = ClapConfig(audio_config=AUDIO, text_config=TEXT, projection_dim=512)
    check_architecture(config.audio_config)
    assert config.audio_config.hidden_size == AUDIO["patch_embeds_hidden_size"] * 2 ** (len(AUDIO["depths"]) - 1)
