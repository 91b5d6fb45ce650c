"""Readers of bytes from outside keep their promises for any bytes. ``make fuzz`` looks longer, and where bytes lead."""

import functools
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.fuzzing.seeds import SEEDS
from tools.fuzzing.targets import TARGETS

EXAMPLES = os.environ.get("TINGQING_FUZZ_EXAMPLES")
INTERESTING = st.sampled_from(
    [
        b"\x00",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x00\x00\x00\x80",
        b'"',
        b"{",
        b"[[[[",
        b"1e999",
        b"NaN",
    ]
)
EDIT = st.tuples(
    st.sampled_from(["put", "insert", "cut", "copy"]),
    st.floats(0, 1),
    st.one_of(st.binary(min_size=1, max_size=8), INTERESTING),
    st.integers(1, 64),
)


@functools.cache
def seeds(target: str) -> list[bytes]:
    return SEEDS[target]()


def edited(seed: bytes, edits: list[tuple[str, float, bytes, int]]) -> bytes:
    data = bytearray(seed)
    for how, where, new, length in edits:
        at = int(where * len(data))
        if how == "put":
            data[at : at + len(new)] = new
        elif how == "insert":
            data[at:at] = new
        elif how == "cut":
            del data[at : at + length]
        else:
            data[at:at] = data[at : at + length] * 3
    return bytes(data)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.timeout(0 if EXAMPLES else 300)
def test_a_reader_keeps_its_promises_for_any_bytes(target: str) -> None:
    mutated = st.builds(edited, st.sampled_from(seeds(target)), st.lists(EDIT, max_size=6))
    most = int(EXAMPLES) * 20 if EXAMPLES else 150

    @settings(
        max_examples=most,
        derandomize=EXAMPLES is None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(mutated, st.binary(max_size=200)))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_fuzzer_starts_from_is_valid(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)
