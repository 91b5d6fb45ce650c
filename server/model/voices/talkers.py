"""Segmentation and voice together: who speaks in some seconds of audio, each with what the voice is known by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from server.model.acoustic.speech import syllable_nuclei
from server.model.voices.campplus import MOST_FRAMES
from server.model.voices.mel import FRAME, log_mel
from server.model.voices.mel import STEP as MEL_STEP
from server.model.voices.segmentation import CLASSES, LEAST_SAMPLES, RECEPTIVE, SPEAKERS, STEP
from server.scoring.talking import Talk, TalkRequest
from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE, BoolArray
from server.values.voices import HeardTalker

SPEAKS = 0.5
LEAST_ROWS = 80
"""Rows of speech alone from which a voice is known: under a second it differs from itself."""
GOES_ON, LEAST_GOES_ON_ROWS = 0.9, 150
"""Who was one voice for so much of the seconds before, and of so many rows alone, is that voice still: segmentation
tells two talkers of ten seconds apart more surely than their numbers do."""
_ROW = CORE_RATE // ROW_RATE
_MEMBERS = np.array([[speaker in members for speaker in range(SPEAKERS)] for members in CLASSES], np.float32)
_PAIRS = np.array([len(members) > 1 for members in CLASSES], np.float32)


class TalkerModels:
    """``scoring.scorers.TalkerModel``: a pure function of what it is given; shared by all streams and threads."""

    def __init__(self, segmentation: Any, campplus: Any) -> None:
        """``segmentation``, ``campplus``: onnxruntime sessions over the graphs of this package."""
        self._segmentation = segmentation
        self._campplus = campplus

    def talk(self, request: TalkRequest) -> Talk:
        """See ``TalkerModel``."""
        rows = request.pcm.shape[0] // _ROW
        nuclei = syllable_nuclei(request.syllable_db)[rows - request.new :]
        if request.pcm.shape[0] < LEAST_SAMPLES or not np.any(request.pcm):
            return Talk((), np.zeros(request.new, np.float32), nuclei)
        classes = self._segmentation.run(None, {"pcm": request.pcm[np.newaxis, np.newaxis]})[0]
        by_row = classes[_frames_of(rows, classes.shape[0])]
        speaks: BoolArray = by_row @ _MEMBERS >= SPEAKS
        alone = speaks & (speaks.sum(axis=1, keepdims=True) == 1)
        found = [speaker for speaker in range(SPEAKERS) if speaks[rows - request.new :, speaker].any()]
        known = [one for one in found if _goes_on(alone[: rows - request.new, one], request.spoke)]
        mel = log_mel(request.pcm) if len(known) < len(found) else np.zeros((0, 0), np.float32)
        talkers = tuple(
            _known(speaks[:, one], alone[:, one], request.new)
            if one in known
            else self._talker(speaks[:, one], alone[:, one], mel, request.new)
            for one in found
        )
        return Talk(talkers, np.asarray(by_row[rows - request.new :] @ _PAIRS, np.float32), nuclei)

    def _talker(self, speaks: BoolArray, alone: BoolArray, mel: Float32Array, n: int) -> HeardTalker:
        new, before = speaks[speaks.shape[0] - n :], speaks[: speaks.shape[0] - n]
        heard = np.flatnonzero(alone[: mel.shape[0]])[-MOST_FRAMES:]
        if heard.size < LEAST_ROWS:
            return HeardTalker(new, before, None, 0.0)
        told = mel[heard]
        (voice,) = self._campplus.run(None, {"mel": (told - told.mean(axis=0))[np.newaxis]})[0]
        voice = np.asarray(voice / np.linalg.norm(voice), np.float32)
        return HeardTalker(new, before, voice, heard.size / ROW_RATE)


def _known(speaks: BoolArray, alone: BoolArray, n: int) -> HeardTalker:
    heard = min(int(np.count_nonzero(alone)), MOST_FRAMES)
    return HeardTalker(speaks[speaks.shape[0] - n :], speaks[: speaks.shape[0] - n], None, heard / ROW_RATE)


def _goes_on(alone: BoolArray, spoke: Sequence[BoolArray]) -> bool:
    """``alone``: where a talker speaks alone in the rows before the new ones."""
    total = int(np.count_nonzero(alone))
    if total < LEAST_GOES_ON_ROWS:
        return False
    return any(np.count_nonzero(alone & one) >= GOES_ON * total for one in spoke)


def _frames_of(rows: int, frames: int) -> npt.NDArray[np.intp]:
    """The frame of the segmentation nearest to each row, by their centres."""
    centres = np.arange(rows) * _ROW + _ROW // 2
    return np.clip(np.rint((centres - RECEPTIVE / 2) / STEP).astype(np.intp), 0, frames - 1)


assert FRAME > MEL_STEP == _ROW, "the spectrum of a row begins with it"
