"""The goal row that holds the 126 mixes against the first version's figures names every one that is worse."""

from tools.accuracy.base import CONDITIONS, LABELS, goal, worse


def test_the_base_itself_reaches_the_goal() -> None:
    assert worse(LABELS, CONDITIONS) == []
    assert goal(LABELS, CONDITIONS).reached is True
    assert sum(right for right, _ in CONDITIONS.values()) == 115
    assert sum(n for _, n in CONDITIONS.values()) == 126


def test_each_figure_that_is_worse_is_named_with_what_it_was() -> None:
    labels = {**LABELS, "low_background": (0.979, 0.943), "no_crosstalk": (0.889, 0.812)}
    conditions = {**CONDITIONS, "too quiet": (5, 6), "second talker": (5, 8)}
    assert worse(labels, conditions) == [
        "`low_background` AUC 0.979 (was 0.981)",
        "`low_background` balanced accuracy 0.943 (was 0.958)",
        "`no_crosstalk` AUC 0.889 (was 0.938)",
        "too quiet 5/6 (was 6/6)",
    ]
    told = goal(labels, conditions)
    assert told.reached is False
    assert "too quiet 5/6" in told.found


def test_rounding_as_on_the_page_is_not_worse_and_a_missing_figure_is() -> None:
    assert worse({**LABELS, "low_background": (0.98051, 0.95751)}, CONDITIONS) == []
    missing = worse({name: one for name, one in LABELS.items() if name != "no_clipping"}, {})
    assert "`no_clipping` AUC – (was 1.000)" in missing
    assert "prompts 0/0 (was 115/126)" in missing


def test_fewer_prompts_in_all_are_worse() -> None:
    conditions = {**CONDITIONS, "noise 8 dB": (9, 12)}
    assert worse(LABELS, conditions) == ["noise 8 dB 9/12 (was 10/12)", "prompts 114/126 (was 115/126)"]
