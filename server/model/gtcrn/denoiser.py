"""How much of each tenth of a second is voice, and how much is what GTCRN takes away."""

from dataclasses import replace
from typing import Any

import numpy as np

from server.model.gtcrn.likeness import SEGMENT, likeness
from server.model.gtcrn.spectra import SETTLING, STEP, first_frame, high_passed, powers, spectra
from server.scoring.denoising import COLUMNS, TENTHS, Denoised, DenoiseRequest
from server.values.audio import CORE_RATE, Float32Array

FLOOR_DB = -120.0
_TENTH = CORE_RATE // TENTHS


class GtcrnDenoiser:
    """``scoring.scorers.Denoiser``: a pure function of what it is given; shared by all streams and threads."""

    def __init__(self, session: Any) -> None:
        """``session``: an onnxruntime session over ``block_graph``'s graph."""
        self._session = session
        self._memories = [(one.name, tuple(one.shape)) for one in session.get_inputs()[1:]]
        self._outputs = ["enhanced", *(f"{name}_out" for name, _ in self._memories)]

    def denoise(self, request: DenoiseRequest) -> Denoised:
        """See ``Denoiser``. What is remembered is rounded to half precision after each second: a snapshot holds it all,
        so that a stream that goes on elsewhere, or was cut into other calls, gives the same numbers."""
        memory, levels = request.memory, []
        for start in range(request.start, request.end, CORE_RATE):
            pcm = request.pcm[: request.pcm.shape[0] - (request.end - start - CORE_RATE)]
            told = self._second(replace(request, start=start, end=start + CORE_RATE, pcm=pcm, memory=memory))
            memory = told.memory
            levels.append(told.levels)
        return Denoised(np.concatenate(levels), memory)

    def _second(self, request: DenoiseRequest) -> Denoised:
        first, last = first_frame(request.start), first_frame(request.end)
        begin = request.end - request.pcm.shape[0]
        if first * STEP < begin:
            # A stream that is taken up in its middle: its first frame is the first that lies in the audio.
            first = -(-begin // STEP)
        if last <= first:
            return Denoised(np.full((TENTHS, COLUMNS), np.nan, np.float32), request.memory)
        from_sample = first * STEP - begin
        settled = max(0, from_sample - SETTLING)
        pcm = high_passed(request.pcm[settled : (last + 1) * STEP - begin])[from_sample - settled :]
        spectrum = spectra(pcm * np.float32(10.0 ** (request.gain_db / 20.0)))
        told = self._session.run(self._outputs, {"spectrum": spectrum, **self._unpacked(request.memory)})
        kept = np.concatenate([one.ravel() for one in told[1:]]).astype(np.float16)
        parts = np.stack((powers(told[0]), powers(spectrum - told[0])), axis=1)
        centres = (np.arange(first, last) * STEP + STEP - request.start) // _TENTH
        levels = _tenths(parts, centres, TENTHS, request.gain_db)
        return Denoised(np.column_stack((levels, _alike(spectrum, told[0], centres))), kept)

    def _unpacked(self, memory: np.ndarray[Any, np.dtype[np.float16]] | None) -> dict[str, Float32Array]:
        """The network's memories by name, zeros at a stream's start."""
        sizes = [int(np.prod(shape)) for _, shape in self._memories]
        flat = np.zeros(sum(sizes), np.float32) if memory is None else memory.astype(np.float32)
        pieces = np.split(flat, np.cumsum(sizes)[:-1])
        return {name: piece.reshape(shape) for (name, shape), piece in zip(self._memories, pieces, strict=True)}


def _tenths(parts: Float32Array, centres: np.ndarray[Any, np.dtype[np.intp]], n: int, gain_db: float) -> Float32Array:
    """Mean level of the frames whose centre lies in each tenth of a second, dBFS, float32 ``(n, 2)``; NaN without."""
    at = np.clip(centres, 0, n - 1)
    frames = np.bincount(at, minlength=n)
    sums = np.stack([np.bincount(at, parts[:, column], minlength=n) for column in range(2)], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = 10.0 * np.log10(sums / frames[:, np.newaxis]) - gain_db
    return np.where(frames[:, np.newaxis] > 0, np.maximum(levels, FLOOR_DB), np.nan).astype(np.float32)


def _alike(heard: Float32Array, voice: Float32Array, centres: np.ndarray[Any, np.dtype[np.intp]]) -> Float32Array:
    """Mean likeness of the segments whose middle lies in each tenth of a second, float32 ``(10,)``; NaN at the second's
    edges, where no segment has its middle: a second is heard alone."""
    found = likeness(heard, voice)
    known = np.flatnonzero(np.isfinite(found))
    at = np.clip(centres[known + SEGMENT // 2], 0, TENTHS - 1)
    counts = np.bincount(at, minlength=TENTHS)
    sums = np.bincount(at, found[known], minlength=TENTHS)
    means = np.divide(sums, counts, out=np.full(TENTHS, np.nan), where=counts > 0)
    return np.asarray(means, np.float32)
