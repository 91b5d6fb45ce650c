"""Variables that look like settings and are none: a limit that is misspelt would silently not count."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from server.settings import ENV_PREFIX, Settings

log = logging.getLogger(__name__)

OTHERS = frozenset({"SERVER", "SHARED", "REQUIRE_AUDIO", "REQUIRE_SYSTEM", "FUZZ_EXAMPLES", "WEBHOOK_SECRET"})
"""Of tests, and of the examples of docs."""

SERVICE_LINK = re.compile(r"SERVICE_(HOST|PORT)(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_.+)?")
"""Kubernetes gives these to the pods beside a service named ``tingqing``."""


def misspelt(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Those of ``names``, of the environment, that begin like a setting and are none, each with the setting that was
    probably meant, if one is like it."""
    settings = {name.upper() for name in Settings.model_fields}
    for name in sorted(names):
        rest = name.removeprefix(ENV_PREFIX)
        if rest == name or rest in settings | OTHERS or SERVICE_LINK.fullmatch(rest):
            continue
        meant = get_close_matches(rest, settings, 1, 0.75)
        yield name, ENV_PREFIX + meant[0] if meant else None


def sentences() -> Iterator[tuple[str, str]]:
    """What to say of each in this environment, in Chinese and English."""
    for name, meant in misspelt(os.environ):
        yield (
            f"{name} 不是设置，不起作用" + (f"；是否应为 {meant}？" if meant else "。"),
            f"{name} is not a setting and does nothing" + (f"; did you mean {meant}?" if meant else "."),
        )


def warn_of_misspelt() -> None:
    """Into the log of a server that starts."""
    for _, told in sentences():
        log.warning("%s", told)
