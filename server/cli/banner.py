"""What ``tingqing serve`` prints once it answers."""

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from server.assessment.engine import Engine
    from server.settings import Settings
    from server.tls.reloading import Tls

STDOUT, STDERR = 1, 2
SAYING_S = 0.5

OTHERS_READ = 0o004


def address_of(settings: "Settings", port: int, tls: "Tls | None" = None) -> str:
    """The address for a browser on this machine; without TLS, pages get the microphone on localhost names only.

    With TLS it is one that the certificate is for, where there is one.
    """
    host = _here(settings.host)
    if tls is not None and not tls.pair.covers(host):
        host = next((name for name in tls.pair.names if "*" not in name), host)
    scheme = "http" if tls is None else "https"
    return f"{scheme}://{_bracketed(host)}:{port}"


def metrics_address(settings: "Settings", port: int) -> str:
    """Of the port for metrics, which never speaks TLS."""
    return f"http://{_bracketed(_here(settings.metrics_host))}:{port}/metrics"


def _here(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def print_banner(
    address: str,
    settings: "Settings",
    engine: "Engine",
    tls: "Tls | None" = None,
    *,
    keyed: bool,
    metrics: str | None = None,
) -> None:
    """The addresses (``metrics``: of the port for metrics), how it scores, who is let in, and what the operator must
    know. To standard output."""
    from server import __version__
    from server.cli.models_listing import start_lines
    from server.model.clap.finding import way_to_clap
    from server.settings import public_base

    clap = engine.clap
    scoring = f"acoustic measures, CLAP {clap}" if clap else "basic mode: acoustic measures, no CLAP"

    lines = [
        f"Tingqing {__version__} is listening. It judges recordings, not patients. It does not diagnose.",
        f"  Patient's page  {address}/",
        f"  Doctor's page   {address}/doctor?session=<id>",
        f"  API docs        {address}/docs",
        f"  Live path       {address.replace('http', 'ws', 1)}/v1/stream",
    ]
    public = public_base(settings) or _certified(address, settings, tls)
    if public is not None:
        lines.append(f"  From outside    {public}/")
    lines.append(f"  Scoring         {scoring}; VAD {settings.vad}")
    if clap is None and settings.clap == "auto":
        lines.append(f"                  {way_to_clap()}")
    lines += start_lines(engine.models)
    if tls is not None:
        lines.append(f"  Certificate     {', '.join(tls.pair.names)}; until {tls.pair.expires:%Y-%m-%d}")
        if tls.authority() is not None:
            lines.append(f"                  devices that do not trust it yet: {public or address}/ca.crt")
    if metrics is not None:
        lines.append(f"  Metrics         {metrics}")
    lines.append(f"  Access          {'with keys only' if keyed else 'no keys'}")
    warnings = [*_warnings(settings, keyed=keyed), *_warnings_of_certificate(settings, tls)]
    lines += [f"  WARNING         {warning}" for warning in warnings]
    lines.append("Ctrl-C lets running sessions end, then stops.")
    say(STDOUT, "\n".join(lines))


def say(fd: int, text: str) -> None:
    """For whoever reads it: a server that nobody listens to serves all the same."""
    from server.logs import write_within

    write_within(fd, (text + "\n").encode(sys.stdout.encoding, "replace"), SAYING_S)


def _certified(address: str, settings: "Settings", tls: "Tls | None") -> str | None:
    """By which name of the certificate other machines reach it, if they can."""
    from server.loopback import is_loopback
    from server.settings import prefix_of

    if tls is None or is_loopback(settings.host):
        return None

    name = next((one for one in tls.pair.names if "*" not in one and not is_loopback(one)), None)
    if name is None:
        return None
    host = f"[{name}]" if ":" in name else name
    return f"https://{host}:{urlsplit(address).port}{prefix_of(settings)}"


def _warnings_of_certificate(settings: "Settings", tls: "Tls | None") -> list[str]:
    if tls is None:
        return []
    from server.access.gate import utc_now

    public = None if settings.public_url is None else urlsplit(settings.public_url).hostname
    warnings = tls.pair.warnings(utc_now(), public)
    key = settings.tls_key or settings.tls_cert
    if key is not None and key.stat().st_mode & OTHERS_READ:
        warnings.append(f"everybody on this machine can read the key: chmod o-r {key}")
    return warnings


def _warnings(settings: "Settings", *, keyed: bool) -> list[str]:
    if keyed:
        return []
    if settings.insecure:
        return ["--insecure: anyone who can reach this address can connect and listen in."]
    names = [*filter(None, [settings.public_url]), *settings.allow_host]
    if names:
        return [f"no keys: whom a proxy lets in as {names[0]} can connect and listen in."]
    return []
