"""A bench that was broken off goes on, and hears again whatever has changed."""

from pathlib import Path

from tools.accuracy.part import ranged, table
from tools.accuracy.resume import KeptRows, code_digest, key_of, lines


def test_what_was_judged_is_kept_for_the_next_run(tmp_path: Path) -> None:
    kept = tmp_path / "rows.jsonl"
    KeptRows(kept).add("a", {"file": "a.wav", "overall": 0.5})
    KeptRows(kept).add("b", {"file": "b.wav", "overall": None})
    again = KeptRows(kept)
    assert again.get("a") == {"file": "a.wav", "overall": 0.5, "key": "a"}
    assert again.get("c") is None
    assert KeptRows(None).get("a") is None


def test_a_line_that_was_broken_off_and_rows_without_a_key_are_judged_again(tmp_path: Path) -> None:
    kept = tmp_path / "rows.jsonl"
    kept.write_text('{"file": "old.wav"}\n{"file": "a.wav", "key": "a"}\n{"file": "b.w', encoding="utf-8")
    assert KeptRows(kept).get("a") is not None
    assert [row["file"] for row in lines(kept)] == ["old.wav", "a.wav"]
    KeptRows(kept).add("b", {"file": "b.wav"})
    assert [row["file"] for row in lines(kept)] == ["old.wav", "a.wav", "b.wav"]
    assert lines(tmp_path / "none.jsonl") == []


def test_a_change_of_the_recording_its_truth_or_its_maker_is_another_key(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"sound")
    first = key_of(file, {"file": "a.wav", "fails": ["no_clipping"]}, "maker")
    assert first == key_of(file, {"fails": ["no_clipping"], "file": "a.wav"}, "maker")
    assert first != key_of(file, {"file": "a.wav", "fails": []}, "maker")
    assert first != key_of(file, {"file": "a.wav", "fails": ["no_clipping"]}, "another")
    file.write_bytes(b"other")
    assert first != key_of(file, {"file": "a.wav", "fails": ["no_clipping"]}, "maker")


def test_the_digest_of_makers_is_of_what_they_do(tmp_path: Path) -> None:
    maker = tmp_path / "maker.py"
    maker.write_text("GAIN = 2\n", encoding="utf-8")
    first = code_digest([maker])
    maker.write_text('"""Makes."""\nGAIN = 2  # twice\n', encoding="utf-8")
    assert code_digest([maker]) == first
    maker.write_text("GAIN = 3\n", encoding="utf-8")
    assert code_digest([maker]) != first


def test_tables_and_ranges_are_written_in_one_way() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"
    assert ranged(0.9791, 0.951, 0.999) == "0.979 (0.95–1.00)"
    assert ranged(0.04, -0.012, 0.118, sign=True) == "+0.040 (-0.01 to +0.12)"
