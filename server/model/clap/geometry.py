"""The position of each token of the audio tower, computed once, so that a window needs gathers, not rolls and reshapes.

The tower (HTS-AT, arXiv 2202.00874: a Swin transformer over a folded spectrogram) attends within small squares of a
grid, shifted in every other block. Tokens are kept in the order of the squares that the next block attends to; between
two blocks with different squares one gather changes the order.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Squares:
    """How one block cuts its grid of ``side`` x ``side`` tokens: squares of ``size``, shifted by ``shift``."""

    side: int
    size: int
    shift: int

    @classmethod
    def of_block(cls, side: int, size: int, block: int) -> "Squares":
        """A grid that is one square or less is not cut, and not shifted."""
        if side <= size:
            return cls(side, side, 0)
        return cls(side, size, size // 2 if block % 2 else 0)

    @property
    def count(self) -> int:
        """Number of squares that the grid is cut into."""
        return (self.side // self.size) ** 2

    def order(self) -> Tensor:
        """Row-major index of each token, square by square: int64 ``(side²,)``."""
        grid = torch.arange(self.side**2).view(self.side, self.side)
        return self._cut(grid.roll((-self.shift, -self.shift), (0, 1))).flatten()

    def mask(self) -> Tensor | None:
        """-100 between tokens that only the shift brought together: float32 ``(count, size², size²)``, or None."""
        if not self.shift:
            return None
        line = torch.arange(self.side)
        region = (line >= self.side - self.size).long() + (line >= self.side - self.shift).long()
        squares = self._cut(region[:, None] * 3 + region[None, :])
        return (squares[:, None, :] != squares[:, :, None]).float() * -100.0

    def _cut(self, grid: Tensor) -> Tensor:
        """``(side, side)`` to ``(count, size²)``."""
        per_side = self.side // self.size
        cut = grid.view(per_side, self.size, per_side, self.size).permute(0, 2, 1, 3)
        return cut.reshape(self.count, self.size**2)


def reordering(old: Tensor, new: Tensor) -> Tensor:
    """Positions in ``old`` order of the tokens in ``new`` order, both row-major indices; ``new`` of any shape."""
    return torch.argsort(old)[new]


def merged(side: int, new: Tensor) -> Tensor:
    """The four tokens of a grid of ``side`` that become one of the next: row-major indices ``(len(new), 4)``.

    ``new``: row-major indices in the next grid. The order is that of ``ClapAudioPatchMerging``: columns, then rows.
    """
    row, column = new // (side // 2), new % (side // 2)
    return torch.stack([(2 * row + r) * side + 2 * column + c for c in range(2) for r in range(2)], dim=1)


def patches(frames: int, mels: int, patch: int) -> Tensor:
    """Which values of a mel ``(frames, mels)`` make each patch of the folded image: int64 ``(tokens, patch²)``.

    The image is a square: stretches of time, laid under one another; row ``stretch * mels + mel``, column the time in
    it.
    """
    width = math.isqrt(frames * mels)
    ratio = frames // width
    image = torch.arange(frames * mels).view(ratio, width, mels).permute(0, 2, 1).reshape(ratio * mels, width)
    side = width // patch
    cut = image.view(side, patch, side, patch).permute(0, 2, 1, 3)
    return cut.reshape(side * side, patch * patch)


def stretching(frames: int, stretched: int) -> tuple[Tensor, Tensor]:
    """Bicubic stretching along time with aligned corners: ``(taps, weights)``, each ``(4, stretched)``.

    Cubic convolution with A = -0.75, as ``torch.nn.functional.interpolate`` has it; ends are repeated.
    """
    a = -0.75
    # In float32, as torch works it out: a position off by 6e-5 would move the result by as much.
    position = torch.arange(stretched) * torch.tensor((frames - 1) / (stretched - 1), dtype=torch.float32)
    whole = position.floor()
    t = position - whole
    near, far = torch.stack([t, 1 - t]), torch.stack([t + 1, 2 - t])
    inner = ((a + 2) * near - (a + 3)) * near * near + 1
    outer = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    weights = torch.stack([outer[0], inner[0], inner[1], outer[1]])
    taps = torch.stack([whole - 1, whole, whole + 1, whole + 2]).long().clamp(0, frames - 1)
    return taps, weights
