"""Codecs that libsndfile writes, at rates that lines use; and enhancers. For the benches.

Opus, Vorbis and MP3 by ``soundfile``'s own libraries; GSM 06.10, G.711, G.721, G.723, NMS and Dialogic (VOX) ADPCM by
libsndfile. Enhancers: WebRTC's noise suppression (``webrtc-noise-gain``, BSD) and GTCRN (MIT) where its file is given.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soundfile
import soxr
from voices import RATE, Audio, fitted

LOUDEST = 32767.0


@dataclass(frozen=True, slots=True)
class Codec:
    """``level``: libsndfile's compression, 0..1. ``kbps``: what was measured on speech, headers included."""

    name: str
    container: str
    subtype: str
    rate: int
    kbps: float
    level: float | None = None

    @property
    def narrow(self) -> bool:
        return self.rate <= 8000

    def through(self, sound: Audio) -> Audio:
        """``sound`` (16 kHz) encoded and decoded, as long as it was."""
        sent = sound if self.rate == RATE else soxr.resample(sound, RATE, self.rate, quality="HQ")
        sent = fitted(sent, sent.size + sent.size % 2)  # VOX packs two samples into a byte
        file = io.BytesIO()
        told: dict[str, Any] = {"format": self.container, "subtype": self.subtype}
        packed = {} if self.level is None else {"compression_level": self.level}
        soundfile.write(file, np.clip(sent, -1, 1), self.rate, **told, **packed)
        file.seek(0)
        raw = {**told, "samplerate": self.rate, "channels": 1} if self.container == "RAW" else {}
        heard, rate = soundfile.read(file, **raw)
        return fitted(heard if rate == RATE else soxr.resample(heard, rate, RATE, quality="HQ"), sound.size)


CODECS = (
    Codec("opus6", "OGG", "OPUS", 16_000, 6.3, 1.0),
    Codec("opus8", "OGG", "OPUS", 16_000, 8.4, 0.99),
    Codec("opus10", "OGG", "OPUS", 16_000, 10.5, 0.98),
    Codec("opus13", "OGG", "OPUS", 16_000, 13.1, 0.97),
    Codec("opus18", "OGG", "OPUS", 16_000, 17.8, 0.95),
    Codec("opus29", "OGG", "OPUS", 16_000, 28.8, 0.9),
    Codec("opus8k", "OGG", "OPUS", 8_000, 8.4, 0.99),
    Codec("vorbis26", "OGG", "VORBIS", 16_000, 26.0, 1.0),
    Codec("vorbis8k", "OGG", "VORBIS", 8_000, 15.0, 1.0),
    Codec("mp3_20", "MP3", "MPEG_LAYER_III", 16_000, 19.8, 0.99),
    Codec("mp3_8k", "MP3", "MPEG_LAYER_III", 8_000, 8.0, 0.99),
    Codec("gsm", "WAV", "GSM610", 8_000, 13.0),
    Codec("mulaw", "WAV", "ULAW", 8_000, 64.0),
    Codec("alaw16k", "WAV", "ALAW", 16_000, 128.0),
    Codec("nms16", "WAV", "NMS_ADPCM_16", 8_000, 16.0),
    Codec("g723_24", "AU", "G723_24", 8_000, 24.0),
    Codec("g721", "AU", "G721_32", 8_000, 32.0),
    Codec("vox", "RAW", "VOX_ADPCM", 8_000, 32.0),
    Codec("ima16k", "WAV", "IMA_ADPCM", 16_000, 64.0),
)


def by_webrtc(noisy: Audio, strength: int) -> Audio:
    """WebRTC's noise suppression, ``strength`` 1..4, without gain; its delay is taken off."""
    from webrtc_noise_gain import AudioProcessor  # noqa: PLC0415 - a package of the benches

    processor, size = AudioProcessor(0, strength), RATE // 100
    pcm = (np.clip(np.pad(noisy, (0, 2 * size)), -1, 1) * LOUDEST).astype("<i2")
    pieces = [
        np.frombuffer(processor.Process10ms(pcm[start : start + size].tobytes()).audio, "<i2")
        for start in range(0, pcm.size - size + 1, size)
    ]
    made = np.concatenate(pieces) / LOUDEST
    n = 1 << int(np.ceil(np.log2(noisy.size + made.size)))
    match = np.fft.irfft(np.fft.rfft(made, n) * np.conj(np.fft.rfft(noisy, n)), n)
    return fitted(made[int(np.argmax(match[: 2 * size])) :], noisy.size)


class Gtcrn:
    """GTCRN as a causal enhancer, frame by frame, with its streaming ONNX file."""

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(file), options)
        self._window = np.sqrt(np.hanning(513)[:512]).astype(np.float32)

    def enhanced(self, noisy: Audio) -> Audio:
        padded = np.pad(noisy, (256, 512)).astype(np.float32)
        state = {put.name: np.zeros(put.shape, np.float32) for put in self._session.get_inputs() if put.name != "mix"}
        out = np.zeros(padded.size)
        for start in range(0, padded.size - 511, 256):
            spectrum = np.fft.rfft(padded[start : start + 512] * self._window)
            mix = np.stack([spectrum.real, spectrum.imag], -1)[None, :, None].astype(np.float32)
            made, *after = self._session.run(None, {"mix": mix, **state})
            state = dict(zip(state, after, strict=True))
            out[start : start + 512] += np.fft.irfft(made[0, :, 0, 0] + 1j * made[0, :, 0, 1]) * self._window
        return fitted(out[256:], noisy.size)
