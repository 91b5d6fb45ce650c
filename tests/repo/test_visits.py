"""The made visits of bench/visits.py: their truth is what everything else is measured by."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from tools.material.visits.ceilings import has_ceiling
from tools.material.visits.counts import cleared_after_s, false_prompts, false_spans, rate, seconds, told_after_s
from tools.material.visits.noises import add
from tools.material.visits.outcome import Outcome, Told
from tools.material.visits.plans import Maker, Plan, plans
from tools.material.visits.processing import concealed_packets, gated, lost_quanta
from tools.material.visits.sound import active_db, levelled, load, rms_db
from tools.material.visits.sources import FOLDS, Sources, half
from tools.material.visits.truth import RATE, Audio, Expected, Stretch, Truth, covered_s

NOISY = Expected(frozenset({"move_somewhere_quieter"}), Stretch(20, 40), "noise", must=True)


def truth(**known: object) -> Truth:
    base: dict[str, object] = {"patient": (Stretch(1, 10),), "doctor": (), "relative": (), "listening": 0.5}
    return Truth(**{**base, "patient_dbfs": -26.0, "floor_dbfs": -65.0, **known})  # type: ignore[arg-type]


def told(at_s: float, prompt_id: str = "move_somewhere_quieter", *, raised: bool = True) -> Told:
    return Told(at_s, raised, prompt_id, "low_background", "patient", 0.1, {})


def outcome(*prompts: Told, spans: tuple[tuple[Stretch, str], ...] = (), known: Truth | None = None) -> Outcome:
    return Outcome(
        id="fit-1-noise-000",
        kind="noise",
        seconds=60.0,
        truth=known or truth(expected=(NOISY,), spoiled=(NOISY.at,)),
        processing="",
        with_far_end=False,
        prompts=prompts,
        verdict="accept",
        overall=0.9,
        failed={},
        spans=spans,
        notices=(),
        measures={},
        cpu_s=1.0,
    )


def voice(n_s: float) -> Audio:
    """A tone that swells and fades twice a second."""
    t = np.arange(round(n_s * RATE)) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * 200 * t) * np.sin(2 * np.pi * t) ** 2)


def test_prompt_is_false_outside_of_its_trouble_and_late_by_4_s_at_most() -> None:
    assert not false_prompts(outcome(told(20), told(44)))
    assert [one.at_s for one in false_prompts(outcome(told(19.9), told(44.1)))] == [19.9, 44.1]


def test_another_prompt_than_the_expected_one_is_false() -> None:
    assert len(false_prompts(outcome(told(25, "speak_up")))) == 1


def test_span_is_false_only_where_3_s_of_it_could_be_heard() -> None:
    fine = ((Stretch(18, 42), "low_background"), (Stretch(15.5, 42), "low_background"))
    assert not false_spans(outcome(spans=fine))
    assert len(false_spans(outcome(spans=((Stretch(15, 42), "low_background"),)))) == 1
    assert len(false_spans(outcome(spans=((Stretch(50, 53), "low_background"),)))) == 1


def test_time_covered_twice_counts_once() -> None:
    assert covered_s(Stretch(0, 10), [Stretch(2, 5), Stretch(4, 6), Stretch(9, 20)]) == 5


def test_prompt_that_comes_after_the_trouble_was_never_told() -> None:
    assert told_after_s(outcome(told(24)), NOISY) == 4
    assert told_after_s(outcome(told(41)), NOISY) is None
    assert told_after_s(outcome(told(24, "speak_up")), NOISY) is None


def test_clearing_counts_from_the_end_of_the_trouble_if_the_prompt_was_up_then() -> None:
    assert cleared_after_s(outcome(told(24), told(45, raised=False)), NOISY) == 5
    assert cleared_after_s(outcome(told(24), told(30, raised=False)), NOISY) is None
    handed_on = outcome(told(24), told(30, raised=False), told(30), told(43, raised=False))
    assert cleared_after_s(handed_on, NOISY) == 3


def test_never_is_later_than_everything() -> None:
    assert seconds([1.0, 2.0, None]) == {"n": 3, "never": 1, "median_s": 2.0, "p90_s": None}
    assert seconds([])["median_s"] is None


def test_no_event_in_an_hour_may_still_be_several() -> None:
    assert rate(0, 1.0)["high"] == pytest.approx(3.69, abs=0.01)


def test_listener_was_heard_before_and_is_silent_now() -> None:
    known = truth()
    assert [known.listening_at(at_s) for at_s in (0.5, 5, 10.5, 11.5)] == [False, False, False, True]


def test_more_sessions_begin_with_the_same_ones() -> None:
    assert plans(60, "fit", 1) == plans(200, "fit", 1)[:60]
    assert {plan.kind for plan in plans(60, "fit", 1)} > {"clean", "far_end", "noise", "muted"}


def test_id_names_its_plan() -> None:
    plan = Plan("walk_away", 7, 3, "held")
    assert Plan.of(plan.id) == plan
    with pytest.raises(ValueError, match="not the id of a visit"):
        Plan.of("held-1-nothing-003")


def test_gate_leaves_what_it_lets_through_and_zeros_else() -> None:
    talk, rng = voice(2), np.random.default_rng(1)
    samples = np.concatenate((talk, np.zeros(2 * RATE))) + rng.standard_normal(4 * RATE) * 1e-4
    out = gated(samples)
    assert not out[-RATE:].any()
    middle = slice(RATE // 8, RATE * 3 // 8)
    assert np.array_equal(out[middle], samples[middle])


def test_gate_that_stays_shut_may_be_taken_for_a_muted_microphone(shared: Path) -> None:
    visit = Maker(shared / "audio").make(Plan("processed", 0, 1, "fit"))
    assert visit.processing == "gate"
    assert visit.truth.expected
    for one in visit.truth.expected:
        assert not one.must
        assert not visit.samples[round(one.at.start_s * RATE) : round(one.at.end_s * RATE)].any()


def test_lost_quanta_are_whole_and_about_as_many_as_asked_for() -> None:
    out = lost_quanta(np.ones(20 * RATE), Stretch(0, 20), 8, np.random.default_rng(1))
    quanta = out.reshape(-1, 128)
    assert set(quanta.sum(axis=1)) == {0.0, 128.0}
    assert 120 < (quanta.sum(axis=1) == 0).sum() < 200


def test_concealed_losses_repeat_what_was_before_and_fade() -> None:
    samples = voice(4) + 0.3
    out = concealed_packets(samples, Stretch(1, 3), 0.4, 3, np.random.default_rng(1))
    changed = np.flatnonzero((out != samples).reshape(-1, 320).any(axis=1))
    assert 20 < len(changed) < 60
    assert not np.array_equal(out, np.where(out == 0, 0, samples))
    assert changed.min() >= 50
    assert changed.max() < 150


def test_noise_lies_as_far_under_the_patient_as_its_snr_says() -> None:
    samples = np.zeros(40 * RATE)
    add(samples, np.random.default_rng(1).standard_normal(20 * RATE), Stretch(10, 30), -26 - 3)
    assert not samples[: 10 * RATE].any()
    assert not samples[30 * RATE :].any()
    assert rms_db(samples[11 * RATE : 29 * RATE]) == pytest.approx(-29, abs=0.1)


def test_level_is_that_of_the_loud_frames() -> None:
    talk = np.concatenate((levelled(np.random.default_rng(1).standard_normal(RATE), -26), np.zeros(3 * RATE)))
    assert active_db(talk) == pytest.approx(-26, abs=0.1)


def test_halves_share_no_source_and_each_has_every_part(shared: Path) -> None:
    fit, held = (Sources(shared / "audio", fold) for fold in FOLDS)
    assert not {row["group"] for row in fit.rows} & {row["group"] for row in held.rows}
    assert all(half(row["group"]) == "fit" for row in fit.rows)
    for one in (fit, held):
        assert len(one.patients) >= 15
        assert len(one.outbursts) >= 10
        assert one.rubbing


@pytest.mark.parametrize("kind", ["far_end", "noise", "walk_away", "losses"])
def test_plan_makes_the_same_visit_whoever_made_others_before(shared: Path, kind: str) -> None:
    maker = Maker(shared / "audio")
    maker.make(Plan("clean", 1, 1, "fit"))
    plan = Plan(kind, 2, 1, "fit")
    first, again = maker.make(plan), Maker(shared / "audio").make(plan)
    assert first.truth == again.truth
    assert np.array_equal(first.samples, again.samples)


def test_visits_are_turns_in_which_the_patient_is_heard_early(shared: Path) -> None:
    maker = Maker(shared / "audio")
    for number in range(4):
        visit = maker.make(Plan("far_end", number, 1, "fit"))
        known = visit.truth
        assert 60 <= visit.seconds <= 240
        assert known.patient[0].start_s < 5.5
        both = sum(one.overlap_s(other) for one in known.patient for other in (*known.doctor, *known.relative))
        assert both == 0
        assert np.abs(visit.samples).max() < 0.98


def test_share_of_listening_is_as_asked_for_and_goes_over_the_whole_range(shared: Path) -> None:
    maker = Maker(shared / "audio")
    shares = sorted(maker.make(Plan("clean", number, 1, "fit")).truth.listening for number in range(6))
    assert 0.05 < shares[0] < 0.3
    assert 0.6 < shares[-1] < 0.85


def test_far_end_has_the_level_that_its_number_asks_for(shared: Path) -> None:
    visit = Maker(shared / "audio").make(Plan("far_end", 0, 1, "fit"))
    at = np.concatenate([visit.samples[round(a.start_s * RATE) : round(a.end_s * RATE)] for a in visit.truth.doctor])
    assert visit.truth.far_end_dbfs is not None
    assert active_db(at) == pytest.approx(visit.truth.far_end_dbfs, abs=2)
    told_s = sum(one.seconds for one in visit.far_end)
    assert covered_s(Stretch(0, visit.seconds), visit.truth.doctor) * 0.9 < told_s


def ceiling(sound: Audio, over_db: float, down: float) -> Audio:
    """``sound`` clipped ``over_db`` under its loudest sample, turned ``down``, at another rate and back."""
    limit = np.abs(sound).max() / 10 ** (over_db / 20)
    clipped = down * np.clip(sound, -limit, limit)
    return np.asarray(resample_poly(resample_poly(clipped, 3, 2), 2, 3))


def test_talkers_that_were_clipped_before_are_not_among_the_clean_ones(shared: Path) -> None:
    every = {fold: Sources(shared / "audio", fold) for fold in FOLDS}
    assert {fold: one.left_out for fold, one in every.items()} == {"fit": [], "held": ["LS-446"]}
    assert "LS-446" not in every["held"].patients


def test_a_ceiling_is_known_when_it_was_turned_down_and_resampled(shared: Path) -> None:
    clips = [Path(row["path"]) for row in Sources(shared / "audio")._clean if float(row["seconds"]) >= 6]
    sounds = [load(shared / "audio" / clip) for clip in clips[:12]]
    assert not any(has_ceiling(sound) for sound in sounds)
    assert sum(has_ceiling(ceiling(sound, 10.0, 0.3)) for sound in sounds) >= 9


def test_tones_noise_and_silence_have_no_ceiling() -> None:
    t = np.arange(10 * RATE) / RATE
    rng = np.random.default_rng(1)
    for sound in (np.sin(440 * t), rng.standard_normal(t.size), np.zeros(t.size), np.zeros(0), np.ones(2)):
        assert not has_ceiling(sound)
    speech_like = np.convolve(rng.laplace(size=t.size) * (1.2 + np.sin(8 * t)), np.hanning(16), "same")
    assert not has_ceiling(speech_like)
    assert has_ceiling(ceiling(speech_like, 14.0, 0.4))
