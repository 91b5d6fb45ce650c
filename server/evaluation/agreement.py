"""Whether verdicts agree with what doctors said who listened: 听得清 or 听不清."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.evaluation.shown import with_range
from server.evaluation.statistics import Interval, wilson


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts of recordings of which a doctor said whether the patient could be heard. ``unjudged``: those without a
    verdict, which count nowhere else."""

    heard_accepted: int = 0
    heard_rejected: int = 0
    unheard_accepted: int = 0
    unheard_rejected: int = 0
    unjudged: int = 0

    @property
    def known(self) -> int:
        """Those with a verdict."""
        return self.heard_accepted + self.heard_rejected + self.unheard_accepted + self.unheard_rejected

    @property
    def agreed(self) -> Interval | None:
        """The fraction in which both say the same. As the others ``None`` where there is none."""
        return _share(self.heard_accepted + self.unheard_rejected, self.known)

    @property
    def kept(self) -> Interval | None:
        """Of those that a doctor could hear, the fraction that was accepted."""
        return _share(self.heard_accepted, self.heard_accepted + self.heard_rejected)

    @property
    def found(self) -> Interval | None:
        """Of those that no doctor could hear, the fraction that was not accepted."""
        return _share(self.unheard_rejected, self.unheard_accepted + self.unheard_rejected)


def agreement(told: Iterable[tuple[bool | None, str | None]]) -> Agreement | None:
    """``told``: a doctor's word, ``None`` where there is none, and the verdict. ``None``: no doctor said anything."""
    counts = {"heard_accepted": 0, "heard_rejected": 0, "unheard_accepted": 0, "unheard_rejected": 0, "unjudged": 0}
    for heard, verdict in told:
        if heard is None:
            continue
        if verdict is None:
            counts["unjudged"] += 1
        else:
            counts[f"{'heard' if heard else 'unheard'}_{'accepted' if verdict == 'accept' else 'rejected'}"] += 1
    return Agreement(**counts) if any(counts.values()) else None


def _share(count: int, total: int) -> Interval | None:
    return wilson(count, total) if total else None


def section(found: Agreement | None) -> str:
    """For the report's page; empty where no doctor said anything."""
    if found is None:
        return ""
    rows = (
        ("could be heard 听得清", found.heard_accepted, found.heard_rejected, found.kept),
        ("could not be heard 听不清", found.unheard_accepted, found.unheard_rejected, found.found),
    )
    body = "".join(
        f'<tr><td>{name}<td class="n">{accepted}<td class="n">{rejected}<td class="n">{with_range(share)}'
        for name, accepted, rejected, share in rows
    )
    return (
        "<section><h2>Verdict and doctor</h2><p>Recordings of which a doctor said whether the patient could be heard. "
        f"Both say the same: {with_range(found.agreed)}. Without a verdict: {found.unjudged}.</p>"
        "<table><thead><tr><th>the doctor<th>accepted<th>not accepted<th>agreement</thead>"
        f"<tbody>{body}</tbody></table></section>"
    )
