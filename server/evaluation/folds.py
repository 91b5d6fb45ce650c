"""Splits recordings so that no speaker and no noise is on both sides."""

from collections.abc import Iterator, Sequence

from server.evaluation.manifest import Row


def folds(rows: Sequence[Row], n: int) -> Iterator[tuple[list[int], list[int]]]:
    """``n`` pairs of row indices: rows to fit on and rows to judge. Every row that is not ``fit_only`` is judged once.

    The rows to fit on share no source with the rows to judge. Speakers and noises are crossed (each noise is used with
    many speakers), so splitting into connected components would give a single one; instead, each fold's fit leaves out
    every row that shares a source with the judged rows. Rows are dealt by source, so that the rows of one speaker are
    mostly judged together.
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
    """Noise first (columns sort by name): it has fewer values, and rows without noise are ordered by speaker."""
    return sorted(row.groups), row.line


def cluster(row: Row, columns: Sequence[str]) -> str:
    """The cluster of a recording for resampling: the first grouping column with a value, else the recording itself."""
    for column in columns:
        mine = sorted(value for name, value in row.groups if name == column)
        if mine:
            return f"{column}:{';'.join(mine)}"
    return f"line:{row.line}"
