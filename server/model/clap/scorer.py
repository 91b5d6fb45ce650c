"""The CLAP scorer: how much closer a window is to a label's texts than to its contrast."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from server.judge.labels import ClapEvidence, Label, LabelSet
from server.judge.sounds import Sounds, disturbance, own_sound
from server.model.acoustic.opinions import HIDDEN_BY_PROCESSING, SPEECH_FREE
from server.model.clap.checkpoint import LoadedClap
from server.model.clap.mel import MEL
from server.model.clap.spectrogram import FLOOR_DB
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Float32Array
from server.values.scores import Opinion, ScorerKind, Why

SPEECH_S = 0.35
"""Seconds of speech from which ``speech_present`` passes; labels about speech need as much."""


class ClapScorer:
    """``scoring.scorers.Scorer``. A pure function of each window's mel, labels and capture.

    Evidence = sigmoid(scale * (mean cosine to the positive texts - mean cosine to the contrast texts)), for each label
    independently of the others. There is no opinion, but a ``why``, on a window without a signal or with a sample that
    is not finite (``no_evidence``), on a label about speech if nobody speaks (``no_speech``), and on a label whose
    acoustic measures the browser's processing hides (``processing_enabled``), because what hides noise from the
    measures hides it from CLAP. ``recent`` stays empty: the model hears 10 s.

    It also names one sound around the patient, unless processing hides those, and one of the patient's own
    (``judge.sounds``).
    """

    name: str = "clap"
    kind: ScorerKind = "clap"

    def __init__(self, clap: LoadedClap, sounds: Sounds | None = None) -> None:
        self._clap = clap
        self._sounds = sounds or Sounds()
        self._sound_ids = tuple(self._sounds.texts())
        self._sound_rows: Float32Array | None = None

    @property
    def model(self) -> str:
        """``<id>@<revision>``."""
        return self._clap.name

    @property
    def side_by_side(self) -> int:
        """Windows that take no longer than one."""
        return self._clap.audio.side_by_side

    def prepare(self, labels: LabelSet) -> bool:
        """Embed some new texts of labels and sounds; True while more are left. Blocks, on any thread."""
        texts = _texts_of(label.clap for label in labels.labels)
        if self._clap.texts.embed_some([*texts, *(text for some in self._sounds.texts().values() for text in some)]):
            return True
        self._sound_matrix()
        return False

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        """One reply per request, in order. Every label with texts has an entry."""
        mels = [_mel_of(request) for request in requests]
        heard = [n for n, mel in enumerate(mels) if _has_signal(mel) and requests[n].window.is_patients]
        embeddings = dict(zip(heard, self._embed([mels[number] for number in heard]), strict=True))
        return [self._reply(request, embeddings.get(number)) for number, request in enumerate(requests)]

    def _embed(self, mels: Sequence[Float32Array]) -> Iterable[Float32Array]:
        return self._clap.audio.embed(np.stack(mels)) if mels else ()

    def _reply(self, request: ScoreRequest, heard: Float32Array | None) -> ScoreReply:
        opinions = self._opinions(request, heard)
        if heard is None or not self._sound_ids:
            return ScoreReply(opinions)
        nearness = dict(zip(self._sound_ids, (self._clap.scale * (self._sound_matrix() @ heard)).tolist(), strict=True))
        around = None if request.capture.processed else disturbance(nearness, self._sounds)
        own = own_sound(nearness, self._sounds)
        return ScoreReply(opinions, interference=(around,) if around else (), events=(own,) if own else ())

    def _sound_matrix(self) -> Float32Array:
        """Float32 ``(sounds, projection)``: the mean of each sound's text embeddings, so that one product gives the
        mean cosines. Computed once; two threads at the same time compute the same."""
        if self._sound_rows is None:
            rows = [np.mean(self._clap.texts.embed(texts), axis=0) for texts in self._sounds.texts().values()]
            self._sound_rows = np.stack(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)
        return self._sound_rows

    def _opinions(self, request: ScoreRequest, heard: Float32Array | None) -> dict[str, Opinion]:
        labels = [(label, label.clap) for label in request.labels.labels if label.clap is not None]
        near = self._nearness(heard, [clap for _, clap in labels]) if heard is not None else None
        speaking = request.window.speech_s >= SPEECH_S
        opinions = {}
        for number, (label, _) in enumerate(labels):
            why = _silenced(label, processed=request.capture.processed, speaking=speaking)
            if why is None and (near is None or not np.isfinite(near[number])):
                why = Why.NO_EVIDENCE
            opinions[label.id] = Opinion(None, why) if why or near is None else Opinion(_sigmoid(float(near[number])))
        return opinions

    def _nearness(self, heard: Float32Array, labels: Sequence[ClapEvidence]) -> npt.NDArray[np.float64]:
        """scale * (mean cosine to positive - mean cosine to contrast) of each label, float64 ``(labels,)``."""
        texts = list(dict.fromkeys(_texts_of(labels)))
        embeddings = self._clap.texts.embed(texts)
        # One product per text, not one for all: its last bit must not depend on the number of texts.
        cosine = {text: float(np.dot(row, heard)) for text, row in zip(texts, embeddings, strict=True)}
        differences = [_mean(cosine, label.positive) - _mean(cosine, label.contrast) for label in labels]
        return self._clap.scale * np.asarray(differences, np.float64)


def _mean(cosine: dict[str, float], texts: Sequence[str]) -> float:
    return sum(cosine[text] for text in texts) / len(texts) if texts else 0.0


def _texts_of(labels: Iterable[ClapEvidence | None]) -> list[str]:
    return [text for label in labels if label is not None for text in (*label.positive, *label.contrast)]


def _mel_of(request: ScoreRequest) -> Float32Array:
    return np.asarray(request.window.tracked[MEL], np.float32)


def _has_signal(mel: Float32Array) -> bool:
    """False for digital silence and values that are not finite: an embedding of them would mean nothing."""
    return bool(np.isfinite(mel).all() and mel.max() > FLOOR_DB)


def _silenced(label: Label, *, processed: bool, speaking: bool) -> Why | None:
    """Why CLAP must not score this label here. Labels without acoustic evidence do not need speech."""
    measures = {part.measure for part in label.acoustic.parts} if label.acoustic is not None else set[str]()
    hidden = measures & HIDDEN_BY_PROCESSING or (label.clap is not None and label.clap.hidden_by_processing)
    if processed and hidden:
        return Why.PROCESSING_ENABLED
    if not speaking and not measures <= SPEECH_FREE:
        return Why.NO_SPEECH
    return None


def _sigmoid(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0))))
