"""What counts as this machine; used by settings and admission alike."""

import ipaddress


def is_loopback(host: str) -> bool:
    """True for ``localhost``, names under ``.localhost`` (RFC 6761) and loopback addresses; IPv6 without brackets.

    Other names are never resolved: a resolver's answer is exactly what DNS rebinding forges.
    """
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
