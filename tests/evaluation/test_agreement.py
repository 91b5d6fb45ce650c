"""Verdicts beside what doctors said who listened."""

import pytest

from server.evaluation.agreement import agreement, section
from server.evaluation.statistics import wilson

TOLD = [
    *[(True, "accept")] * 6,
    (True, "re-record"),
    *[(False, "unusable")] * 3,
    (False, "accept"),
    (True, None),
    (None, "accept"),
    (None, None),
]


def test_counts_shares_and_their_intervals() -> None:
    found = agreement(TOLD)
    assert found is not None
    counts = (found.heard_accepted, found.heard_rejected, found.unheard_accepted, found.unheard_rejected)
    assert (*counts, found.unjudged, found.known) == (6, 1, 1, 3, 1, 11)
    assert (found.agreed, found.kept, found.found) == (wilson(9, 11), wilson(6, 7), wilson(3, 4))
    page = section(found)
    assert "听不清" in page
    assert f"{9 / 11:.3f}" in page


def test_where_nobody_said_anything_there_is_nothing_to_tell() -> None:
    assert agreement([(None, "accept"), (None, None)]) is None
    assert section(None) == ""


@pytest.mark.parametrize("told", [(True, None), (True, "accept"), (False, "accept")])
def test_a_share_of_nothing_is_none(told: tuple[bool, str | None]) -> None:
    found = agreement([told])
    assert found is not None
    assert (found.kept is None) == (told != (True, "accept"))
    assert (found.found is None) == (told != (False, "accept"))
    assert (found.agreed is None) == (told[1] is None)
