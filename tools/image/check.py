"""Builds the image of the Dockerfile, runs it, and checks what it does: ``make image-check``.

Needs root, podman, and for a base without an image registry mmdebstrap (Debian: ``apt-get install podman runc
mmdebstrap``). No daemon. Images stay in ``build/image``, which git ignores: the second time takes less.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from server.client.sample_visit import save_sample_visit
from tools.image.base import base_from_debian
from tools.image.checks import CHECKS, Subject
from tools.image.engine import CheckError, Engine
from tools.image.pip_settings import of_this_machine

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "image"


def missing(base: str | None) -> str | None:
    """Why nothing can be checked here."""
    if os.geteuid() != 0:
        return "root is needed: a build without an engine's daemon mounts and changes owners."
    programs = ("podman",) if base else ("podman", "mmdebstrap")
    absent = [program for program in programs if shutil.which(program) is None]
    return f"{' and '.join(absent)} not found. Debian: apt-get install podman runc mmdebstrap" if absent else None


def build_arguments(base: str, extras: str | None) -> dict[str, str]:
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    arguments = {"PYTHON_IMAGE": base, "REVISION": revision.stdout.strip() or "unknown"}
    if extras is not None:
        arguments |= {"EXTRAS": extras, "CUDA_EXTRAS": extras}
    return arguments


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check(engine: Engine, image: str, scratch: Path) -> int:
    """How many checks failed; those after a failure are tried too."""
    recording = scratch / "visit.wav"
    save_sample_visit(recording)
    subject = Subject(engine, image, f"tingqing-check-{os.getpid()}", free_port(), recording)
    failed = 0
    try:
        subject.start()
        for one in CHECKS:
            name = one.__name__.replace("_", " ")
            try:
                print(f"  ok    {name}: {one(subject)}", flush=True)
            except (CheckError, OSError, subprocess.SubprocessError, LookupError, ValueError) as error:
                failed += 1
                print(f"  FAIL  {name}: {error!r}", flush=True)
    finally:
        subject.remove()
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--extras", help="as the build argument EXTRAS; empty: basic mode; default: the Dockerfile's")
    parser.add_argument("--base", help="an image to pull or have, in place of one made from Debian's packages")
    parser.add_argument("--storage", type=Path, default=BUILD / "storage", help="where images are kept")
    parser.add_argument("--build-only", action="store_true", help="do not run what was built")
    given = parser.parse_args()
    why_not = missing(given.base)
    if why_not is not None:
        print(f"The image is not checked here: {why_not}")
        return 0
    given.storage.mkdir(parents=True, exist_ok=True)
    engine = Engine(given.storage.resolve())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            base = given.base or base_from_debian(engine, scratch)
            arguments = build_arguments(base, given.extras)
            image = engine.build(ROOT, given.target, arguments, of_this_machine(), scratch / "pip.conf")
        except (CheckError, subprocess.SubprocessError) as error:
            print(f"FAIL  build: {error}")
            return 1
        print(f"{image}: {int(engine.inspect(image)['Size']) / 1e6:.0f} MB")
        return 0 if given.build_only else int(check(engine, image, scratch) > 0)


if __name__ == "__main__":
    sys.exit(main())
