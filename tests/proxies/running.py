"""Debian's nginx and Caddy with the very files of ``deploy/``, in front of a real server. Not there: skipped."""

import os
import select
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.conftest import Served
from tests.tls.making import authority, made, trusting

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = "clinic.example"
STOP_S = 20

# Around the file, as /etc/nginx/nginx.conf is: where things go that must not go into the system's folders.
NGINX = """\
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
CADDY = """\
{{
	admin off
	auto_https off
	storage file_system {folder}/storage
}}

"""


@dataclass(frozen=True)
class Way:
    """``changes``: of the file, as an operator may make them; each stands in it once."""

    file: str
    prefix: str = ""
    changes: tuple[tuple[str, str], ...] = ()


WAYS = {
    "nginx": Way("nginx/tingqing.conf"),
    "nginx with $host": Way(
        "nginx/tingqing.conf",
        changes=(
            ("proxy_set_header Host              $http_host;", "proxy_set_header Host $host;"),
            ("proxy_set_header X-Forwarded-Host  $http_host;", ""),
        ),
    ),
    "nginx with no host": Way(
        "nginx/tingqing.conf",
        changes=(
            ("proxy_pass http://tingqing;", "proxy_pass http://127.0.0.1:8000;"),
            ("proxy_set_header Host              $http_host;", ""),
            ("proxy_set_header X-Forwarded-Host  $http_host;", ""),
        ),
    ),
    "nginx, prefix cut off": Way("nginx/tingqing-prefix.conf", "/tingqing"),
    "nginx, prefix passed on": Way(
        "nginx/tingqing-prefix.conf", "/tingqing", (("proxy_pass http://tingqing/;", "proxy_pass http://tingqing;"),)
    ),
    "caddy": Way("caddy/Caddyfile"),
    "caddy, prefix": Way("caddy/Caddyfile.prefix", "/tingqing"),
}


@dataclass(frozen=True)
class Proxied:
    """``port`` of the proxy, which serves TLS for ``NAME``; ``served`` is behind it. ``plain``: its port for HTTP."""

    way: Way
    port: int
    plain: int
    trust: ssl.SSLContext
    served: Served

    @property
    def base(self) -> str:
        """How the outside calls it, without a final slash."""
        return f"https://{NAME}:{self.port}{self.way.prefix}"


@contextmanager
def proxy(way: Way, port: int, plain: int, served: Served, folder: Path) -> Iterator[Proxied]:
    """Runs once it listens, until the block ends."""
    by = authority()
    certificate, key = made(folder, NAME, by=by)
    run = _nginx if way.file.startswith("nginx") else _caddy
    with run(way, port, plain, served.port, folder, certificate, key):
        yield Proxied(way, port, plain, trusting(by), served)


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is missing (apt-get install {package})")
    return found


def _changed(way: Way, *changes: tuple[str, str], most: int = 2) -> str:
    text = (DEPLOY / way.file).read_text(encoding="utf-8")
    for old, new in (*way.changes, *changes):
        assert 1 <= text.count(old) <= most, old
        text = text.replace(old, new)
    return text


@contextmanager
def _nginx(
    way: Way, port: int, plain: int, upstream: int, folder: Path, certificate: Path, key: Path
) -> Iterator[None]:
    program = _program("nginx", "nginx-light")
    if not hasattr(os, "pidfd_open"):
        pytest.skip("only Linux tells when nginx has ended")
    changes = [
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        (f"/etc/ssl/{NAME}/fullchain.pem", str(certificate)),
        (f"/etc/ssl/{NAME}/privkey.pem", str(key)),
    ]
    if not way.prefix:
        changes.append(("listen 80;", f"listen 127.0.0.1:{plain};"))
    (folder / "site.conf").write_text(_changed(way, *changes))
    # Only root has to say, and may say, as whom its workers run.
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(user=user, folder=folder))
    command = [program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    # It goes to the background once its sockets are open.
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    # Its children are ended by it; it is no child of ours, so that its end is seen by its descriptor.
    master = os.pidfd_open(int((folder / "nginx.pid").read_text()))
    try:
        yield
    finally:
        subprocess.run([*command, "-s", "stop"], check=True, timeout=60)
        ended, _, _ = select.select([master], [], [], STOP_S)
        os.close(master)
        assert ended, "nginx did not stop"


@contextmanager
def _caddy(
    way: Way, port: int, plain: int, upstream: int, folder: Path, certificate: Path, key: Path
) -> Iterator[None]:
    program = _program("caddy", "caddy")
    site = f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}\n"
    text = _changed(
        way, (f"\n{NAME} {{\n", f"\n{site}"), ("reverse_proxy 127.0.0.1:8000", f"reverse_proxy 127.0.0.1:{upstream}")
    )
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder) + text)
    command = [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if "serving initial configuration" in line:
                break
        else:
            pytest.fail("caddy did not start: " + "".join(said))
        yield
    finally:
        process.terminate()
        process.communicate(timeout=STOP_S)
