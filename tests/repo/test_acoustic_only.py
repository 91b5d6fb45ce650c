"""``pip install tingqing`` without the extra ``clap``: it works in basic mode, and says what CLAP would need."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.repo.clean_install import CleanEnvironment, build_wheel, get, installed_by

ROOT = Path(__file__).resolve().parents[2]
CLAP_ONLY = {"torch", "transformers", "safetensors", "huggingface-hub", "tokenizers", "hf-xet"}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    folder = tmp_path_factory.mktemp("small")
    clean = CleanEnvironment(folder / "venv", extras=())
    wheel = build_wheel(ROOT, folder)
    clean.run(["pip", "install", "--no-deps", "--no-index", str(wheel)], cwd=folder)
    return clean


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "visit.wav"
    soundfile.write(path, np.random.default_rng(5).uniform(-0.1, 0.1, 4 * 16_000), 16_000, subtype="PCM_16")
    return path


def refused(small: CleanEnvironment, *arguments: str, cwd: Path) -> str:
    """What a command that must end with 2 says."""
    program = str(small.folder / "bin" / "tingqing")
    done = subprocess.run(
        [program, *arguments], cwd=cwd, env=small.environ(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    return done.stderr.strip()


def test_no_dependency_brings_torch_or_what_only_clap_needs() -> None:
    assert not installed_by(()) & CLAP_ONLY
    assert installed_by(("clap",)) >= CLAP_ONLY


def test_serve_runs_in_basic_mode_and_says_how_to_install_clap(small: CleanEnvironment, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with small.serve(["tingqing", "serve"], cwd=tmp_path, log=log) as address:
        assert get(f"{address}/")[0] == 200
        ready = json.loads(get(f"{address}/readyz")[2])
    assert ready["basic_mode"] is True
    assert "pip install 'tingqing[clap]'" in ready["hint"]
    assert "To install CLAP: pip install 'tingqing[clap]'" in log.read_text(encoding="utf-8")


def test_assess_judges_a_recording(small: CleanEnvironment, visit: Path, tmp_path: Path) -> None:
    # Exit code 1: noise without a voice does not pass.
    command = [str(small.folder / "bin" / "tingqing"), "assess", "--format", "json", str(visit)]
    done = subprocess.run(
        command, cwd=tmp_path, env=small.environ(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["windows"]


def test_demo_plays(small: CleanEnvironment, tmp_path: Path) -> None:
    assert "Prompt cleared" in small.run(["tingqing", "demo", "--language", "en"], cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "subject"),
    [
        (("assess", "--clap", "laion/clap-htsat-fused", "x.wav"), "--clap laion/clap-htsat-fused"),
        (("serve", "--port", "0", "--clap", "laion/clap-htsat-fused"), "--clap laion/clap-htsat-fused"),
        (("models", "download"), "tingqing models download"),
        (("models", "import", "."), "tingqing models import"),
        (("bench", "clap"), "tingqing bench clap"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_needs_clap_is_refused_in_one_sentence_that_says_what_to_install(
    small: CleanEnvironment, arguments: tuple[str, ...], subject: str, tmp_path: Path
) -> None:
    (tmp_path / "x.wav").touch()
    (tmp_path / "config.json").touch()
    said = refused(small, *arguments, cwd=tmp_path).splitlines()[-1]
    assert said.startswith(f"tingqing: {subject} needs packages that are not installed (torch,"), said
    assert said.endswith("Run: pip install 'tingqing[clap]'")


def test_models_on_disk_are_listed_without_the_extra(small: CleanEnvironment, tmp_path: Path) -> None:
    small.run(["tingqing", "models", "list", "--model-cache-dir", str(tmp_path)], cwd=tmp_path)
