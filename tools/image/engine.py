"""Podman as a container engine of its own, with its images in a folder of its own."""

import json
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.image.pip_settings import PipSettings

MOST_FILES = 4096
HARDENED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
)
"""As compose.yaml starts it. Podman alone would put a tmpfs on ``/run`` and ``/var/tmp`` of a read-only root too."""


class CheckError(Exception):
    """What was expected of the image, and what was there."""


@dataclass(frozen=True)
class Engine:
    """``storage``: images and containers, apart from those of this machine's user. Needs root."""

    storage: Path

    def run(self, *words: str, within_s: float = 120, quiet: bool = True) -> str:
        """What podman wrote. Raises CheckError where it fails."""
        out, errors = (subprocess.PIPE, subprocess.STDOUT) if quiet else (None, None)
        command = [*self.command, *words]
        done = subprocess.run(command, stdout=out, stderr=errors, text=True, check=False, timeout=within_s)
        if done.returncode:
            raise CheckError(f"podman {' '.join(words)} exited {done.returncode}\n{(done.stdout or '').strip()}")
        return (done.stdout or "").strip()

    @property
    def command(self) -> tuple[str, ...]:
        # crun 1.8 refuses machines with both kinds of cgroups.
        runtime = ("--runtime=runc",) if shutil.which("runc") else ()
        folders = (f"--root={self.storage}", f"--runroot={self.storage}-run")
        return ("podman", *runtime, *folders, "--cgroup-manager=cgroupfs")

    def has(self, image: str) -> bool:
        return bool(self.run("images", "--quiet", "--filter", f"reference={image}"))

    def inspect(self, name: str) -> dict[str, Any]:
        (found,) = json.loads(self.run("inspect", name))
        return dict(found)

    def build(self, context: Path, target: str, arguments: dict[str, str], pip: PipSettings, conf: Path) -> str:
        """The name of the image. pip's settings are mounted while it builds: no layer has them."""
        image = f"localhost/tingqing-check/{target}"
        conf.write_text(pip.text, encoding="utf-8")
        conf.chmod(0o600)
        mounts = [f"--volume={conf}:/etc/pip.conf:ro", *(f"--volume={path}:{path}:ro" for path in pip.paths)]
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        # Docker's format has a HEALTHCHECK, the OCI's has none. chroot: a build needs no cgroups.
        form = ("--format=docker", "--isolation=chroot", "--network=host", "--layers", "--pull=false")
        where = (f"--target={target}", f"--tag={image}", str(context))
        self.run("build", *form, *given, *mounts, *where, within_s=3600, quiet=False)
        return image

    def start(self, name: str, image: str, *options: str, hardened: bool = True) -> None:
        files = min(MOST_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        limits = (f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=4096:4096")
        given = (*limits, *(HARDENED if hardened else ()), *options)
        self.run("run", "--detach", "--network=host", f"--name={name}", *given, image)

    def exec(self, name: str, *command: str) -> str:
        return self.run("exec", name, *command)

    def remove(self, name: str, *volumes: str) -> None:
        self.run("rm", "--force", "--ignore", "--time=0", name)
        for volume in volumes:
            self.run("volume", "rm", "--force", volume)
