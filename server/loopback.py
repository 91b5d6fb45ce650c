"""What counts as this machine; used by settings and admission alike."""

import ipaddress


def is_loopback(host: str) -> bool:
    """True for ``localhost``, names under ``.localhost`` (RFC 6761) and loopback addresses; IPv6 without brackets, also
    an IPv4 address mapped into it, as a socket that listens at ``::`` sees its peers.

    Other names are never resolved: a resolver's answer is exactly what DNS rebinding forges.
    """
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
