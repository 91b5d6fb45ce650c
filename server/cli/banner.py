"""What ``tingqing serve`` prints once it answers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.settings import Settings


def address_of(settings: "Settings", port: int) -> str:
    """The address for a browser on this machine; pages get the microphone on localhost names only."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def print_banner(address: str, settings: "Settings", clap: str | None, *, keyed: bool) -> None:
    """The addresses, how it scores, who is let in, and what the operator has to know. To standard output."""
    from server import __version__
    from server.model.clap.finding import way_to_clap
    from server.settings import public_base

    scoring = f"acoustic measures, CLAP {clap}" if clap else "basic mode: acoustic measures, no CLAP"

    lines = [
        f"Tingqing {__version__} is listening. It judges recordings, not patients. It does not diagnose.",
        f"  Patient's page  {address}/",
        f"  Doctor's page   {address}/doctor?session=<id>",
        f"  API docs        {address}/docs",
        f"  Live path       {address.replace('http', 'ws', 1)}/v1/stream",
    ]
    public = public_base(settings)
    if public is not None:
        lines.append(f"  From outside    {public}/")
    lines.append(f"  Scoring         {scoring}; VAD {settings.vad}")
    if clap is None and settings.clap == "auto":
        lines.append(f"                  {way_to_clap()}")
    lines.append(f"  Access          {'with keys only' if keyed else 'no keys'}")
    lines += [f"  WARNING         {warning}" for warning in _warnings(settings, keyed=keyed)]
    lines.append("Ctrl-C lets running sessions end, then stops.")
    print("\n".join(lines), flush=True)


def _warnings(settings: "Settings", *, keyed: bool) -> list[str]:
    if keyed:
        return []
    if settings.insecure:
        return ["--insecure: anyone who can reach this address can connect and listen in."]
    names = [*filter(None, [settings.public_url]), *settings.allow_host]
    if names:
        return [f"no keys: whom a proxy lets in as {names[0]} can connect and listen in."]
    return []
