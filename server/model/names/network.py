"""YAMNet over the seconds of a window. What windows share is heard once."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any, Final

import numpy as np

from server.model.names.mel import PATCH_SAMPLES, log_mel
from server.model.names.told import KEPT
from server.values.audio import CORE_RATE, Float32Array

PATCH_HOP = CORE_RATE // 2
"""Half a second, from the window's start, which is a whole second of the stream: successive windows have the same
patches, and a second of stream is two of them."""
REMEMBERED: Final = 8192
"""Patches, of 25 numbers each: those of the last ten seconds of 400 sessions."""


class Network:
    """Scores of patches by their samples: a pure function, of which the last ``REMEMBERED`` answers are kept.

    When it is full the one that was not asked for longest is dropped, and computed again if it is. For any threads.
    """

    def __init__(self, session: Any) -> None:
        """``session``: of ``layers.yamnet_graph``."""
        self._session = session
        self._known: OrderedDict[bytes, Float32Array] = OrderedDict()
        self._lock = threading.Lock()

    def scores(self, pcm: Float32Array) -> Float32Array:
        """``pcm``, float32 ``(n,)`` at 16 kHz, -1..1: float32 ``(patches, len(KEPT))``, 0..1, a patch of 0.975 s each
        half second; none for a shorter one, or where a sample is not finite."""
        if pcm.shape[0] < PATCH_SAMPLES or not np.isfinite(pcm).all():
            return np.zeros((0, len(KEPT)), np.float32)
        patches = np.lib.stride_tricks.sliding_window_view(pcm, PATCH_SAMPLES)[::PATCH_HOP]
        keys = [hashlib.blake2b(patch.tobytes(), digest_size=16).digest() for patch in patches]
        found = self._recall(keys)
        new = [number for number, one in enumerate(found) if one is None]
        if new:
            computed = self._session.run(None, {"patches": log_mel(patches[new])})[0][:, KEPT]
            for number, row in zip(new, computed, strict=True):
                found[number] = row
            self._remember({keys[number]: found[number] for number in new})
        return np.stack([one for one in found if one is not None]).astype(np.float32)

    def _recall(self, keys: list[bytes]) -> list[Float32Array | None]:
        with self._lock:
            for key in keys:
                if key in self._known:
                    self._known.move_to_end(key)
            return [self._known.get(key) for key in keys]

    def _remember(self, rows: dict[bytes, Float32Array | None]) -> None:
        with self._lock:
            self._known.update((key, row) for key, row in rows.items() if row is not None)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
