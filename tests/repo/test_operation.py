"""What an operator is given agrees with the server: metrics, documents, dashboard, rules, units."""

import re

import pytest
from prometheus_client.core import Metric

from server.metrics import Metrics
from tests.repo.markdown import read

OPERATE = read("docs/operate.md")


def families() -> list[Metric]:
    """All that a server counts itself, before anything has happened."""
    return list(Metrics().registry.collect())


def own() -> set[str]:
    return {family.name for family in families() if family.name.startswith("tingqing_")}


def described() -> set[str]:
    """As the table has them, without the suffixes that Prometheus adds."""
    rows = re.findall(r"^\| ((?:`tingqing_\w+`(?:, )?)+) \|", OPERATE, re.MULTILINE)
    return {re.sub(r"_(total|info)$", "", name) for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_metric_is_described() -> None:
    assert own() <= described()


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_every_metric_says_what_it_is(family: Metric) -> None:
    assert family.documentation
