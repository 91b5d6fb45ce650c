"""What is counted of results, and that it can be taken away again."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from server.records.counts import Attempt, Changes, bucket_of, chain_counts, judged, own_counts, summed
from server.records.kept import KeptRecord, RecordKind
from tests.records.builders import id_of, record


def attempt(one: KeptRecord, number: int) -> Attempt:
    return Attempt(one.id, number, bucket_of(one), one.ended_at, judged(one.verdict, one.duration_s))


def test_a_session_counts_its_verdict_labels_prompts_and_wait() -> None:
    labels = {"low_background": False, "no_clipping": True}
    one = record(
        verdict="re-record", labels=labels, prompts_raised=3, prompts_followed=2, first_usable_s=4.2, duration_s=61.4
    )
    assert own_counts(one) == {
        "results": 1, "verdict.re-record": 1, "seconds": 61, "judged.low_background": 1, "failed.low_background": 1,
        "judged.no_clipping": 1, "raised": 3, "followed": 2, "usable.5": 1,
    }  # fmt: skip


def test_who_connected_and_sent_nothing_counts_as_nothing_judged() -> None:
    assert own_counts(record(verdict="unusable", duration_s=0.2)) == {"results": 1, "verdict.none": 1}


def test_a_file_has_no_prompts_and_no_wait() -> None:
    counts = own_counts(record(kind=RecordKind.FILE, prompts_raised=1, first_usable_s=3.0))
    assert not {"raised", "followed", "usable.3"} & counts.keys()


def test_a_wait_of_more_than_a_minute_is_counted_with_all_longer_ones() -> None:
    assert own_counts(record(first_usable_s=60.0))["usable.60"] == 1
    assert own_counts(record(first_usable_s=60.1))["usable.61"] == 1
    assert own_counts(record(first_usable_s=4000.0))["usable.61"] == 1
    assert own_counts(record(first_usable_s=None))["usable.never"] == 1


def test_a_chain_counts_where_it_began_whether_it_passed_at_once_and_in_the_end() -> None:
    first, second = record(1, verdict="re-record", department="A"), record(2, department="B")
    assert chain_counts([attempt(second, 2), attempt(first, 1)]) == {
        bucket_of(first): {"first": 1, "retried": 1, "end.accept": 1}
    }
    assert chain_counts([attempt(record(1), 1)]) == {
        bucket_of(record(1)): {"first": 1, "first.accept": 1, "end.accept": 1}
    }
    assert chain_counts([attempt(second, 2)]) == {}, "the first is not known any more, and was counted"


def test_a_first_attempt_in_which_nothing_was_judged_is_not_the_first() -> None:
    silent, spoken = record(1, verdict="unusable", duration_s=0.0), record(2)
    found = chain_counts([attempt(silent, 1), attempt(spoken, 2)])
    assert found == {bucket_of(spoken): {"first": 1, "first.accept": 1, "end.accept": 1}}


@given(
    st.lists(
        st.tuples(st.sampled_from(["accept", "re-record", "unusable", None]), st.integers(1, 4)), min_size=1, max_size=6
    ),
    st.randoms(use_true_random=False),
)
def test_records_that_come_and_go_in_any_order_leave_nothing_counted(
    chain: list[tuple[str | None, int]], random: "object"
) -> None:
    attempts = [
        attempt(replace(record(at), id=id_of(at), verdict=verdict), number)
        for at, (verdict, number) in enumerate(chain, 1)
    ]
    there: list[Attempt] = []
    changes = Changes()
    for one in attempts:
        changes.chain(there, [*there, one])
        there = [*there, one]
    leaving = list(there)
    random.shuffle(leaving)  # type: ignore[attr-defined]
    for one in leaving:
        left = [other for other in there if other is not one]
        changes.chain(there, left)
        there = left
    assert changes.items() == []


def test_a_sum_leaves_out_what_is_zero() -> None:
    assert summed({"results": 2, "failed.x": 1}, {"results": 1, "failed.x": -1}) == {"results": 3}
    assert summed({}, Counter(results=1)) == {"results": 1}
