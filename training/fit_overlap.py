"""Fits the network of server/model/overlap.py to examples that it generates itself (training/overlap_mixes.py).

    OMP_NUM_THREADS=1 .venv/bin/python training/fit_overlap.py [--output FILE] [--seed N]

Writes server/model/overlap.npz by default; takes some minutes on one core. The same seed with the same versions of
numpy and torch gives the same weights, within rounding. ``weights_without`` fits for cross-validation.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from server.model import overlap
from server.model.overlap import HEADROOM_DB, LOUD_PERCENTILE, RANGE_DB, SCALE_DB, TIME_STRIDE, WEIGHTS
from tools.recipe import recipe
from training import overlap_mixes
from training.overlap_mixes import Labels, Sources, examples, load_sources

N_EXAMPLES, STEPS, BATCH, PEAK_RATE = 6000, 1500, 48, 3e-3
FRAMES = 72
"""Frames of one hop and its context: what the network sees at run time."""
DILATIONS = (1, 2, 4)
CHANNELS, HIDDEN, DROPPED = (8, 16), 32, 0.15
BINS = 192
CACHE = Path(tempfile.gettempdir()) / "tingqing-overlap"
"""Networks for cross-validation, keyed by their recipe and sources; outside the repository."""

SHARED = frozenset(
    {"FRAME", "STEP", "FIRST_BIN", "END_BIN", "RANGE_DB", "HEADROOM_DB", "SCALE_DB", "LOUD_PERCENTILE", "POWER_FLOOR"}
    | {"TIME_STRIDE", "spectrum", "_BLOCK", "_window"}
)
"""What a fit takes from server/model/overlap.py; how the fitted network runs does not change it."""


class Network(nn.Module):
    """What ``OverlapNetwork`` computes, plus batch normalisation and dropout for fitting."""

    def __init__(self) -> None:
        super().__init__()
        first, second = CHANNELS
        self.first = nn.Conv2d(1, first, (3, 7), stride=(TIME_STRIDE, 3), padding=(1, 3))
        self.second = nn.Conv2d(first, second, (3, 5), stride=(1, 3), padding=(1, 2))
        self.project = nn.Conv1d(second * -(-BINS // 9), HIDDEN, 1)
        self.dilated = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 3, padding=by, dilation=by) for by in DILATIONS)
        self.out = nn.Conv1d(HIDDEN, 1, 1)
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(first), nn.BatchNorm2d(second), *(nn.BatchNorm1d(HIDDEN) for _ in (0, *DILATIONS))]
        )
        self.drop = nn.Dropout(DROPPED)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(b, t, 192)`` to log-odds ``(b, ceil(t / 2))``."""
        x = torch.relu(self.norms[0](self.first(x[:, None])))
        x = torch.relu(self.norms[1](self.second(x)))
        x = self.drop(torch.relu(self.norms[2](self.project(x.permute(0, 1, 3, 2).flatten(1, 2)))))
        for dilated, norm in zip(self.dilated, self.norms[3:], strict=True):
            x = x + torch.relu(norm(dilated(x)))
        odds: torch.Tensor = self.out(self.drop(x))
        return odds[:, 0]


def relative(levels: torch.Tensor) -> torch.Tensor:
    """As ``server.model.overlap.relative``, for a batch."""
    loud = torch.quantile(levels.max(dim=2).values, LOUD_PERCENTILE / 100, dim=1)[:, None, None]
    return torch.clamp(levels - loud, -RANGE_DB, HEADROOM_DB) / SCALE_DB + 1.5


def fit(spectra: npt.NDArray[np.float16], labels: Labels, seed: int) -> Network:
    """Each step takes stretches of a second and a half; two voices count twice, doubtful frames not at all."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, STEPS)
    for _ in range(STEPS):
        chosen = rng.integers(len(spectra), size=BATCH)
        start = int(rng.integers(0, spectra.shape[1] - FRAMES + 1))
        x = torch.from_numpy(spectra[chosen, start : start + FRAMES].astype(np.float32))
        y = torch.from_numpy(labels[chosen, start : start + FRAMES : TIME_STRIDE].astype(np.float32))
        known = (y >= 0).float()
        weight = known * (1 + (y > 0).float())
        odds = network(relative(x))
        loss = functional.binary_cross_entropy_with_logits(odds, y.clamp(min=0), weight=weight, reduction="sum")
        optimizer.zero_grad()
        torch.autograd.backward(loss / known.sum())
        optimizer.step()
        schedule.step()
    return network.eval()


def folded(layer: nn.Module, norm: nn.Module) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The layer's weights and bias, combined with the normalisation that follows it."""
    assert isinstance(layer, nn.Conv1d | nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    mean, variance, offset = norm.running_mean, norm.running_var, layer.bias
    assert mean is not None
    assert variance is not None
    assert offset is not None
    gain = norm.weight / torch.sqrt(variance + norm.eps)
    weight = layer.weight * gain.reshape(-1, *[1] * (layer.weight.dim() - 1))
    bias = (offset - mean) * gain + norm.bias
    return weight.detach().numpy(), bias.detach().numpy()


def weights(network: Network) -> dict[str, npt.NDArray[np.float32]]:
    """In the layout that ``OverlapNetwork`` multiplies by."""
    first, first_bias = folded(network.first, network.norms[0])
    second, second_bias = folded(network.second, network.norms[1])
    project, project_bias = folded(network.project, network.norms[2])
    dilated = [folded(*pair) for pair in zip(network.dilated, network.norms[3:], strict=True)]
    out_bias = network.out.bias
    assert out_bias is not None
    found = {
        "first": first.transpose(2, 3, 1, 0).reshape(-1, first.shape[0]),
        "first_bias": first_bias,
        "second": second.transpose(2, 3, 1, 0).reshape(-1, second.shape[0]),
        "second_bias": second_bias,
        "project": project.reshape(HIDDEN, CHANNELS[1], -1).transpose(2, 1, 0).reshape(-1, HIDDEN),
        "project_bias": project_bias,
        "dilated": np.stack([one.transpose(2, 1, 0).reshape(-1, HIDDEN) for one, _ in dilated]),
        "dilated_bias": np.stack([bias for _, bias in dilated]),
        "out": network.out.weight.detach().numpy().reshape(HIDDEN),
        "out_bias": out_bias.detach().numpy().reshape(()),
    }
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def fit_to_file(sources: Sources, output: Path, seed: int) -> None:
    spectra, labels = examples(sources, N_EXAMPLES, seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = dict(weights(fit(spectra, labels, seed)))
    np.savez_compressed(output, **arrays)


def weights_without(groups: Collection[str], sources: Sources) -> Path:
    """The weights of a network fitted without ``groups`` (of speakers and of noises); cached."""
    kept = sources.without(groups)
    path = CACHE / f"{_key(kept)}.npz"
    if not path.exists():
        made = path.with_suffix(".tmp.npz")
        fit_to_file(kept, made, seed=1)
        made.rename(path)
    return path


def _key(sources: Sources) -> str:
    """Changes with whatever could change the network: how it is fitted, to which clips, on which spectra."""
    clips = [f"{name} {len(own)}" for parts in (sources.speech, sources.noise) for name, own in sorted(parts.items())]
    code = [
        recipe(Path(__file__), without=("CACHE", "SHARED", "weights_without", "_key")),
        recipe(Path(overlap_mixes.__file__), without=("ROOT", "AUDIO")),
        recipe(Path(overlap.__file__), only=SHARED),
    ]
    return hashlib.sha256("\n".join([*code, *clips]).encode()).hexdigest()[:20]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    fit_to_file(load_sources(), arguments.output, arguments.seed)
    size = arguments.output.stat().st_size
    print(f"wrote {arguments.output}: {size} bytes, {time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
