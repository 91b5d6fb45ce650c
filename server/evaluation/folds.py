"""Splitting recordings so that no speaker and no noise is on both sides."""

from collections.abc import Iterator, Sequence

from server.evaluation.manifest import Row


def folds(rows: Sequence[Row], n: int) -> Iterator[tuple[list[int], list[int]]]:
    """``n`` pairs of places in ``rows``: those to fit on, those to judge. Every row that is not ``fit_only`` is judged
    once.

    What is fitted on shares no source with what is judged. Speakers and noises cross (each noise meets many speakers),
    so splitting them into whole components would leave one; instead every row that shares a source with the judged
    ones is left out of that fold's fit. Rows are dealt by their sources, so that those of one speaker are mostly
    judged together.
    """
    tested = sorted((place for place, row in enumerate(rows) if not row.fit_only), key=lambda place: _key(rows[place]))
    n = min(n, len(tested))
    size = len(tested) / n if n else 0
    for k in range(n):
        judged = tested[round(k * size) : round((k + 1) * size)]
        sources = frozenset().union(*(rows[place].groups for place in judged))
        held = set(judged)
        fitted = [place for place, row in enumerate(rows) if place not in held and not row.groups & sources]
        yield fitted, judged


def _key(row: Row) -> tuple[list[tuple[str, str]], int]:
    """Noise first (columns sort by name): it has fewer values, and what has none is left to the speaker."""
    return sorted(row.groups), row.line


def cluster(row: Row, columns: Sequence[str]) -> str:
    """Whose recording it is, for resampling: the first grouping column that has a value, else the recording itself."""
    for column in columns:
        mine = sorted(value for name, value in row.groups if name == column)
        if mine:
            return f"{column}:{';'.join(mine)}"
    return f"line:{row.line}"
