"""The Dockerfile's own install and start steps, run in a clean environment, without a container engine.

Read: FROM, COPY, ARG, RUN, ENV, LABEL, USER, EXPOSE, VOLUME, ENTRYPOINT, CMD, HEALTHCHECK. The install step runs
as written but for the third-party packages, which are borrowed (see ``clean_install``), and the creation of the user,
which is not run.
"""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from server import __version__
from server.live.limits import LiveLimits
from server.settings import Settings
from tests.repo.clean_install import CleanEnvironment, get

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Step:
    stage: str
    word: str
    rest: str


def steps() -> list[Step]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[Step] = []
    stage = ""
    for line in text.splitlines():
        if line.strip():
            word, rest = line.split(maxsplit=1)
            stage = rest.split(" AS ")[1] if word == "FROM" else stage
            found.append(Step(stage, word, rest))
    return found


def rest_of(word: str, stage: str = "runtime") -> str:
    (found,) = (step.rest for step in steps() if (step.word, step.stage) == (word, stage))
    return found


def pairs_of(word: str, stage: str = "runtime") -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(rest_of(word, stage)))


def command_of(rest: str) -> list[str]:
    command = json.loads(rest)
    assert isinstance(command, list), "the exec form: signals reach the server, no shell is needed"
    return command


def default_of(argument: str) -> str:
    (given,) = (step.rest for step in steps() if step.word == "ARG" and step.rest.startswith(f"{argument}="))
    return given.partition("=")[2]


def pip_install(stage: str, **arguments: str) -> list[str]:
    """The words of the install step, as the shell expands them with these build arguments."""
    (install,) = (step.rest for step in steps() if step.stage == stage and step.rest.startswith("pip install"))
    script = f"printf '%s\\n' {install}"
    done = subprocess.run(["sh", "-c", script], env=arguments, capture_output=True, text=True, check=True)
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
        if step.word != "COPY" or step.stage != "sources":
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
    *install, what = pip_install("build-cpu", EXTRAS=extras)
    clean.run([*install, "--no-deps", "--no-index", "--no-build-isolation", what], cwd=context)
    # What was installed must do without the sources, as the image's last WORKDIR is elsewhere.
    shutil.rmtree(context / "server")
    return clean


def test_image_is_of_a_python_that_the_project_supports() -> None:
    assert default_of("PYTHON_IMAGE").startswith("python:3.11-slim")
    bases = {step.rest.split(" AS ")[0] for step in steps() if step.word == "FROM"}
    assert bases == {"${PYTHON_IMAGE}", "sources", "runtime"}, "one base, which can be named by its digest"


def test_image_has_clap_unless_it_was_built_without() -> None:
    assert pip_install("build-cpu", EXTRAS=default_of("EXTRAS"))[-1] == ".[clap,cpu,formats,postgresql]"
    assert pip_install("build-cpu", EXTRAS="")[-1] == "."
    assert pip_install("build-cuda", CUDA_EXTRAS=default_of("CUDA_EXTRAS"))[-1] == ".[clap,formats,postgresql]"


def test_both_targets_run_what_their_own_stage_installed_and_cpu_is_the_default() -> None:
    assert [step.stage for step in steps()][-1] == "cpu"
    for target in ("cpu", "cuda"):
        assert rest_of("FROM", target) == f"runtime AS {target}"
        assert rest_of("COPY", target) == f"--from=build-{target} /srv/venv /srv/venv"


def test_image_does_not_run_as_root() -> None:
    words = [step.word for step in steps() if step.stage == "runtime"]
    user = rest_of("USER")
    assert user.isdecimal()
    assert int(user) > 0
    assert any(step.word == "RUN" and f"--uid {user}" in step.rest for step in steps())
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_all_that_the_image_writes_is_in_its_volumes_so_that_its_root_can_be_read_only() -> None:
    volumes = json.loads(rest_of("VOLUME"))
    settings = pairs_of("ENV")
    for name in ("HOME", "TINGQING_DATA_DIR", "TINGQING_MODEL_CACHE_DIR"):
        assert any(settings[name] == volume or settings[name].startswith(f"{volume}/") for volume in volumes)
    (made,) = (step.rest for step in steps() if step.word == "RUN" and "useradd" in step.rest)
    assert all(f"-g tingqing -m 07{mode}" in made for mode in ("00", "55"))
    assert all(volume in made for volume in volumes)


def test_a_drain_of_the_image_ends_within_the_grace_of_docker_stop() -> None:
    """10 s, after which docker kills: the drain, and 5 s that the last windows and messages may take."""
    assert float(pairs_of("ENV")["TINGQING_DRAIN_S"]) + LiveLimits().tail_s < 10


def test_image_settings_are_settings() -> None:
    named = {name for name in pairs_of("ENV") if name.startswith("TINGQING_")}
    assert named <= {f"TINGQING_{name.upper()}" for name in Settings.model_fields}


def test_image_says_its_version() -> None:
    assert default_of("VERSION") == __version__
    assert pairs_of("LABEL")["org.opencontainers.image.version"] == "${VERSION}"


def test_image_exposes_the_default_port() -> None:
    assert rest_of("EXPOSE") == str(Settings.model_fields["port"].default)


def test_image_starts_and_is_healthy_by_its_own_steps(image: CleanEnvironment, tmp_path: Path) -> None:
    start = command_of(rest_of("ENTRYPOINT")) + command_of(rest_of("CMD"))
    with image.serve(start, cwd=tmp_path, log=tmp_path / "log") as address:
        assert get(f"{address}/")[0] == 200
        _, check = rest_of("HEALTHCHECK").split("CMD", maxsplit=1)
        assert "/readyz" in check
        image.run(command_of(check), cwd=tmp_path, TINGQING_PORT=address.rsplit(":", 1)[1])


def test_health_check_fails_where_nothing_answers(image: CleanEnvironment, tmp_path: Path) -> None:
    _, check = rest_of("HEALTHCHECK").split("CMD", maxsplit=1)
    with pytest.raises(AssertionError, match="exited 1"):
        image.run(command_of(check), cwd=tmp_path, TINGQING_PORT="1")
