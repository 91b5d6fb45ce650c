"""What keeps an endpoint from ever being told, as far as a command can see. It may run with less than the server: its
own environment, another resolver. So these are warnings."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from server.notify.endpoints import Endpoint
    from server.settings import Settings

LOOK_UP_S = 5.0


async def doubts_of(endpoint: "Endpoint", settings: "Settings") -> list[str]:
    """Sentences, each with what to do; of its site and of its address."""
    return [one for one in (await _of_site(endpoint.site, settings), await _of_address(endpoint.url, settings)) if one]


async def _of_site(site: str, settings: "Settings") -> str:
    from server.access.gate import utc_now
    from server.access.principal import LOCAL_SITE
    from server.store.opening import open_access

    async with open_access(settings.kept_at) as access:
        keys, now = await access.keys.listed(), utc_now()
    sites = sorted({key.site for key in keys if key.valid(now)}) if keys else [LOCAL_SITE]
    if site in sites:
        return ""
    has = f"There are keys of: {', '.join(sites) or 'none'}." if keys else f"Without keys all is of {LOCAL_SITE}."
    return f"no key is of the site {site}, so nothing happens there. {has}"


async def _of_address(url: str, settings: "Settings") -> str:
    from server.notify.reach import Reach, addresses_of

    parts = urlsplit(url)
    encrypted = parts.scheme == "https"
    allow = "Set TINGQING_WEBHOOK_ALLOW for the server to its address or network."
    try:
        async with asyncio.timeout(LOOK_UP_S):
            found = await addresses_of(parts.hostname or "", parts.port or (443 if encrypted else 80))
    except (TimeoutError, OSError, UnicodeError):
        return f"{parts.hostname} does not resolve on this machine."
    if all(Reach.of(settings.webhook_allow).permits(one, encrypted=encrypted) for one in found):
        return ""
    if not encrypted and all(Reach().permits(one, encrypted=True) for one in found):
        return f"the address is not HTTPS, and without that nothing is sent there. Take https://, or: {allow}"
    return f"the address is not a public one over HTTPS, and nothing is sent there. {allow}"
