"""``tingqing cert``: a certificate for a name in a LAN, by an authority of one's own."""

import shlex
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.cert_words import EN, SENTENCES, ZH
from server.cli.console import Failure, guarded, language_or_locale, program
from server.cli.options import DataOption, LanguageOption

if TYPE_CHECKING:
    from server.settings import Settings
    from server.tls.folder import Made

EPILOG = """\
[bold]Examples[/bold]
  tingqing cert --data-dir /var/lib/tingqing                       # for this machine's own names
  tingqing cert --data-dir /var/lib/tingqing --name tingqing.lan --name 192.168.1.20
  tingqing cert --data-dir /var/lib/tingqing                       # later: renews it if it ends within 30 days
  tingqing cert --data-dir /var/lib/tingqing --renew               # at once, with a new key

TINGQING_DATA_DIR saves writing the folder each time.
"""

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
"""In every certificate: what runs on the server itself should reach it over TLS too."""

ANYWHERE = ("192.0.2.1", 9)
"""Which address would be used to reach it is asked of the system; nothing is sent (RFC 5737)."""


@guarded
def cert(
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="A name or address by which devices call the server; repeatable. Default: those of the certificate "
            "that is there, else this machine's own.",
        ),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make the certificate again, with a new key, whenever the old one ends.")
    ] = False,
    new_authority: Annotated[
        bool,
        typer.Option("--new-authority", help="Make another authority too: each device must then trust that, by hand."),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65_535,
            metavar="PORT",
            help="The port of serve, for the printed address. Default: 8000.",
        ),
    ] = None,
    data_dir: DataOption = None,
    language: LanguageOption = None,
) -> None:
    """Make a certificate for a LAN, and an authority that issues it.

    Browsers give pages the microphone on localhost or over HTTPS only. For a
    name that the whole internet knows, take a certificate of a public
    authority instead. Run it again at any time: it renews when it is time.
    """
    from server.access.gate import utc_now
    from server.settings import load_settings
    from server.tls.folder import ensure

    settings = load_settings(data_dir=data_dir, port=port)
    if settings.data_dir is None:
        raise Failure("the authority needs a folder.", hint="Pass --data-dir DIR, or set TINGQING_DATA_DIR.")
    host = socket.gethostname()
    asked = [_plain(one) for one in name or []]
    if not asked and not (settings.data_dir / "tls" / "server.crt").exists():
        asked = _own_names(host)
    names = tuple(dict.fromkeys([*asked, *THIS_MACHINE])) if asked else ()
    made = ensure(settings.data_dir.absolute(), names, host, utc_now(), renew=renew, anew=new_authority)
    spoken = "zh" if language_or_locale(language).lower().startswith("zh") else "en"
    _print(made, settings, spoken, replaced=new_authority)


def _plain(name: str) -> str:
    from server.access.origins import plain_host

    try:
        return plain_host(name)
    except ValueError as error:
        raise Failure(f"--name {name}: {error}.", hint="For example tingqing.lan or 192.168.1.20.") from None


def _own_names(host: str) -> list[str]:
    """The host's name, the same in multicast DNS, and the address by which it reaches others, where it has them."""
    from server.access.origins import plain_host

    names = [host, *([] if "." in host else [f"{host}.local"])]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ANYWHERE)
            names.append(probe.getsockname()[0])
        except OSError:  # no network
            pass
    found = []
    for each in names:
        try:
            found.append(plain_host(each))
        except ValueError:
            continue
    return found


def _print(made: "Made", settings: "Settings", language: str, *, replaced: bool) -> None:
    words, steps = SENTENCES[language], ZH if language == "zh" else EN
    state = {True: words["new"], False: words["unchanged"]}
    serve = [program(), "serve", "--host", "0.0.0.0", "--data-dir", str(made.folder.parent)]
    serve += ["--tls-cert", str(made.certificate_file), "--tls-key", str(made.key_file)]
    address = _address(made, settings)
    authority = {"name": made.authority_name, "until": f"{made.authority.not_valid_after_utc:%Y-%m-%d}"}
    certificate = {"name": words["comma"].join(made.pair.names), "until": f"{made.pair.expires:%Y-%m-%d}"}
    lines = [
        words["authority"].format(**authority, state=state[made.new_authority]),
        f"  {made.authority_file}",
        f"  SHA-256 {made.fingerprint}",
        f"  {words['guard'].format(key=made.folder / 'ca.key')}",
        words["certificate"].format(**certificate, state=state[made.new_certificate]),
        "",
        words["serve"],
        f"  {shlex.join(serve)}",
        words["keys"],
        "",
        *([words["replaced"]] if replaced else []),
        words["trust"],
        f"  {address}",
    ]
    print("\n".join(lines))
    _print_code(address)
    print(words["compare"])
    for device, step in steps:
        print(f"  {device}{words['colon']}{step}")
    print(words["renewal"])


def _address(made: "Made", settings: "Settings") -> str:
    from server.settings import public_base

    public = public_base(settings)
    if public is not None and public.startswith("https:"):
        return f"{public}/ca.crt"
    name = next((one for one in made.pair.names if one not in THIS_MACHINE), THIS_MACHINE[0])
    host = f"[{name}]" if ":" in name else name
    return f"https://{host}/ca.crt" if settings.port == 443 else f"https://{host}:{settings.port}/ca.crt"


def _print_code(address: str) -> None:
    """As a QR code, for the camera of a phone; not into files."""
    if not sys.stdout.isatty():
        return
    import segno

    sys.stdout.flush()
    segno.make(address, micro=False).terminal(sys.stdout, compact=True, border=2)
