"""Other measures of one recording, to compare with: WADA-SNR and SRMR, written after their papers."""

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

Audio = npt.NDArray[np.float64]
SHAPE = 0.4
"""Of the Gamma distribution that amplitudes of clean speech follow (Kim and Stern 2008)."""
DRAWS = 200_000
LOWEST_DB, HIGHEST_DB = -20, 100
BANDS, LOWEST_HZ = 23, 125.0
MODULATIONS = np.geomspace(4, 128, 8)
FRAME_S, STEP_S = 0.256, 0.064


@functools.cache
def _wada_table() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """SNR, dB, and ln E|z| - E ln|z| of Gamma speech in Gaussian noise of that SNR, by simulation."""
    rng = np.random.default_rng(1)
    speech = rng.gamma(SHAPE, size=DRAWS) * rng.choice((-1.0, 1.0), DRAWS)
    speech /= np.sqrt(np.mean(speech**2))
    noise = rng.standard_normal(DRAWS)
    snrs = np.arange(LOWEST_DB, HIGHEST_DB + 1.0)
    mixed = [np.abs(speech + noise * 10 ** (-snr / 20)) for snr in snrs]
    values = np.array([np.log(one.mean()) - np.log(np.maximum(one, 1e-12)).mean() for one in mixed])
    return snrs, np.maximum.accumulate(values)


def wada_snr(sound: Audio) -> float:
    """SNR by the distribution of amplitudes (WADA; Kim and Stern, Interspeech 2008), -20..100 dB."""
    magnitude = np.abs(sound / max(float(np.abs(sound).max()), 1e-12))
    magnitude = np.maximum(magnitude, 1e-10)
    snrs, table = _wada_table()
    return float(np.interp(np.log(magnitude.mean()) - np.log(magnitude).mean(), table, snrs))


def peers_of(file: Path) -> dict[str, float]:
    """``wada_db`` and ``srmr`` of a recording; of two channels, their mean."""
    sound, rate = soundfile.read(file, always_2d=True)
    mono = sound.mean(axis=1)
    return {"wada_db": wada_snr(mono), "srmr": srmr(mono, rate)}


def srmr(sound: Audio, rate: int) -> float:
    """Speech-to-reverberation modulation energy ratio (Falk, Zheng and Chan 2010): envelopes of 23 gammatone bands, the
    energy of their four slow modulation bands (4–18 Hz) over that of the four fast ones (29–128 Hz)."""
    top = 0.45 * rate
    erb = np.linspace(_erb(LOWEST_HZ), _erb(top), BANDS)
    energy = np.zeros(MODULATIONS.size)
    for hz in (10 ** (erb / 21.4) - 1) / 0.00437:
        b, a = signal.gammatone(hz, "iir", fs=rate)
        slow = signal.resample_poly(np.abs(signal.hilbert(signal.lfilter(b, a, sound))), 1, rate // 400)
        for place, modulation in enumerate(MODULATIONS):
            part = signal.lfilter(*signal.iirpeak(modulation, 2.0, fs=400.0), slow)
            energy[place] += float(np.mean(part**2))
    return float(energy[:4].sum() / max(float(energy[4:].sum()), 1e-20))


def _erb(hz: float) -> float:
    return float(21.4 * np.log10(0.00437 * hz + 1))
