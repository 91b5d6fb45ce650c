"""Who gives way when no place is left: the site that has most, so that no site shuts out another."""

from collections import Counter
from collections.abc import Callable, Collection
from typing import TypeVar

T = TypeVar("T")


def gives_way(each: Collection[T], site: Callable[[T], str], worth: Callable[[T], float] = lambda _: 0.0) -> T:
    """Of the site with most of ``each``, the one of least ``worth``; of several the first. There is at least one."""
    of_site = Counter(map(site, each))
    return max(each, key=lambda one: (of_site[site(one)], -worth(one)))
