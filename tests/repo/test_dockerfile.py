"""The Dockerfile's own install and start steps, run in a clean environment, without a container engine.

Read: FROM, COPY, ARG, RUN, USER, EXPOSE, ENTRYPOINT, CMD, HEALTHCHECK. The install step runs as written but for the
third-party packages, which are borrowed (see ``clean_install``), and the creation of the user, which is not run.
"""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.settings import Settings
from tests.repo.clean_install import CleanEnvironment, get

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Step:
    word: str
    rest: str


def steps() -> list[Step]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    return [Step(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def rest_of(word: str) -> str:
    (found,) = (step.rest for step in steps() if step.word == word)
    return found


def command_of(rest: str) -> list[str]:
    command = json.loads(rest)
    assert isinstance(command, list), "the exec form: signals reach the server, no shell is needed"
    return command


def default_of(argument: str) -> str:
    (given,) = (step.rest for step in steps() if step.word == "ARG" and step.rest.startswith(f"{argument}="))
    return given.partition("=")[2]


def pip_install(extras: str) -> list[str]:
    """The words of the install step, as the shell expands them with this build argument."""
    (install,) = (step.rest for step in steps() if step.rest.startswith("pip install"))
    script = f"printf '%s\\n' {install}"
    done = subprocess.run(["sh", "-c", script], env={"EXTRAS": extras}, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context after the COPY steps: only what .dockerignore lets through."""
    allowed = {
        line.removeprefix("!").rstrip("/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    folder = tmp_path_factory.mktemp("context")
    for step in steps():
        if step.word != "COPY":
            continue
        *sources, target = shlex.split(step.rest)
        for source in sources:
            name = source.rstrip("/")
            assert name in allowed, f"COPY {source}: .dockerignore leaves it out"
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / target)
    return folder


@pytest.fixture(scope="module")
def image(context: Path, tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    """The environment after the Dockerfile's pip step."""
    extras = default_of("EXTRAS")
    clean = CleanEnvironment(tmp_path_factory.mktemp("image") / "venv", extras.split(","))
    *install, what = pip_install(extras)
    clean.run([*install, "--no-deps", "--no-index", "--no-build-isolation", what], cwd=context)
    # What was installed must do without the sources, as the image's last WORKDIR is elsewhere.
    shutil.rmtree(context / "server")
    return clean


def test_image_is_of_a_python_that_the_project_supports() -> None:
    assert rest_of("FROM") == "python:3.11-slim"


def test_image_has_clap_unless_it_was_built_without() -> None:
    assert pip_install(default_of("EXTRAS"))[-1] == ".[clap,cpu]"
    assert pip_install("")[-1] == "."


def test_image_does_not_run_as_root() -> None:
    words = [step.word for step in steps()]
    user = rest_of("USER")
    assert user not in {"root", "0"}
    assert any(step.word == "RUN" and step.rest.startswith("useradd") and user in step.rest for step in steps())
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_image_exposes_the_default_port() -> None:
    assert rest_of("EXPOSE") == str(Settings.model_fields["port"].default)


def test_image_starts_and_is_healthy_by_its_own_steps(image: CleanEnvironment, tmp_path: Path) -> None:
    start = command_of(rest_of("ENTRYPOINT")) + command_of(rest_of("CMD"))
    with image.serve(start, cwd=tmp_path, log=tmp_path / "log") as address:
        assert get(f"{address}/")[0] == 200
        _, check = rest_of("HEALTHCHECK").split("CMD", maxsplit=1)
        image.run(command_of(check), cwd=tmp_path, TINGQING_PORT=address.rsplit(":", 1)[1])


def test_health_check_fails_where_nothing_answers(image: CleanEnvironment, tmp_path: Path) -> None:
    _, check = rest_of("HEALTHCHECK").split("CMD", maxsplit=1)
    with pytest.raises(AssertionError, match="exited 1"):
        image.run(command_of(check), cwd=tmp_path, TINGQING_PORT="1")
