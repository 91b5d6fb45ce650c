"""A base image from Debian's packages, for machines that reach a mirror and no image registry."""

import subprocess
from pathlib import Path

from tools.image.engine import Engine

IMAGE = "localhost/tingqing-check/base"
SUITE = "bookworm"
LEFT_OUT = ("doc", "man", "locale", "info")


def base_from_debian(engine: Engine, scratch: Path) -> str:
    """What ``python:3.11-slim-bookworm`` gives, as far as the Dockerfile uses it. Kept from run to run."""
    if engine.has(IMAGE):
        return IMAGE
    archive = scratch / "base.tar"
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    link = '--customize-hook=ln -s python3.11 "$1/usr/bin/python"'
    what = ["--variant=minbase", "--include=python3.11-venv,ca-certificates", *excluded, link]
    subprocess.run(["mmdebstrap", *what, SUITE, str(archive)], check=True)
    engine.run("import", str(archive), IMAGE, within_s=600)
    archive.unlink()
    return IMAGE
