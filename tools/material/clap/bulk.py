"""A whole recording at once: all log-mels and embeddings on one device, for machines with a GPU.

The mel is torch's, in float32: up to 0.4 dB from the exact one (``spectrogram.py``) near its floor, which moves an
embedding by about 1e-7. Used by ``bench/clap_device.py``; ``assess`` goes window by window, as live does.
"""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from server.model.clap.spectrogram import (
    CLAP_RATE,
    CLAP_SAMPLES,
    FLOOR_POWER,
    FRAME_LENGTH,
    FRAME_STEP,
    HALF,
    N_FRAMES,
    N_MELS,
    mel_bank,
    repeat_to_window,
)
from server.values.audio import Float32Array
from server.values.windows import FIRST_PARTIAL_S, WINDOW_S

PER_HOP = CLAP_RATE // FRAME_STEP
REACH = HALF + FRAME_STEP
"""Samples at a window's edge that its two outermost frames read, besides their reflection."""


class DeviceMel(nn.Module):
    """Computes the log-mels of many windows in float32, on the device of this module."""

    window: Tensor
    bank: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME_LENGTH, dtype=torch.float64).float())
        self.register_buffer("bank", torch.from_numpy(mel_bank()).float())

    def frames(self, pcm: Tensor) -> Tensor:
        """Frames that lie completely inside: float32 ``(..., samples)`` to ``(..., frames, 64)``, dB."""
        flat = pcm.reshape(-1, pcm.shape[-1])
        spectra = torch.stft(
            flat, FRAME_LENGTH, FRAME_STEP, window=self.window, center=False, onesided=True, return_complex=True
        )
        power = torch.view_as_real(spectra).square().sum(-1).transpose(1, 2)
        mel = 10.0 * torch.log10((power @ self.bank).clamp_min(FLOOR_POWER))
        return mel.view(*pcm.shape[:-1], -1, N_MELS)

    def of_windows(self, pcm: Tensor) -> Tensor:
        """Separate windows: float32 ``(n, 480000)`` to ``(n, 1001, 64)``."""
        return self.frames(F.pad(pcm[:, None], (HALF, HALF), mode="reflect")[:, 0])

    def of_recording(self, pcm: Tensor) -> Tensor:
        """All full windows of a recording, one a second: float32 ``(samples,)``, 10 s or more, to ``(n, 1001, 64)``.

        Each frame is computed once, plus four per window at its edges.
        """
        n = pcm.shape[0] // CLAP_RATE - WINDOW_S + 1
        assert n > 0, "no full window"
        # Frame i is centred on sample 480 i; the first and the last do not lie inside and are replaced below.
        inner = F.pad(self.frames(F.pad(pcm, (HALF, HALF))), (0, 0, 0, 1))
        mels = inner.unfold(0, N_FRAMES, PER_HOP)[:n].transpose(1, 2).contiguous()
        windows = pcm.unfold(0, CLAP_SAMPLES, CLAP_RATE)[:n]
        heads, tails = windows[:, :REACH], windows[:, -REACH:]
        mels[:, :2] = self.frames(F.pad(heads[:, None], (HALF, 0), mode="reflect")[:, 0])
        mels[:, -2:] = self.frames(F.pad(tails[:, None], (0, HALF), mode="reflect")[:, 0])
        return mels


def partial_windows(pcm: Float32Array) -> Float32Array:
    """The windows that end at 3, 4 … 9 s, repeated to 10 s: float32 ``(n, 480000)``, n at most 7."""
    ends = range(FIRST_PARTIAL_S, min(WINDOW_S - 1, pcm.shape[0] // CLAP_RATE) + 1)
    rows = [repeat_to_window(pcm[: end * CLAP_RATE]) for end in ends]
    return np.stack(rows) if rows else np.zeros((0, CLAP_SAMPLES), np.float32)


def recording_mels(pcm: Float32Array, mel: DeviceMel) -> Tensor:
    """Log-mels of every window of a recording at 48 kHz, at least 3 s, in order, on ``mel``'s device."""
    device = mel.bank.device
    parts = []
    with torch.inference_mode():
        partial = partial_windows(pcm)
        if partial.shape[0]:
            parts.append(mel.of_windows(torch.from_numpy(partial).to(device)))
        if pcm.shape[0] >= CLAP_SAMPLES:
            parts.append(mel.of_recording(torch.from_numpy(pcm).to(device, non_blocking=True)))
        return torch.cat(parts)
