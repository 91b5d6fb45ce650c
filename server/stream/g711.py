"""ITU-T G.711: a byte of mu-law or A-law as a 16-bit sample."""

import numpy as np
import numpy.typing as npt

MULAW_BIAS = 0x84
"""Added before the encoder takes the logarithm: 33 at 14 bits (G.711, table 2a)."""


def mulaw_table() -> npt.NDArray[np.int16]:
    """The sample of each byte, int16 ``(256,)``: at most 32,124 in magnitude."""
    code = ~np.arange(256) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + MULAW_BIAS) << exponent) - MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def alaw_table() -> npt.NDArray[np.int16]:
    """The sample of each byte, int16 ``(256,)``: at most 32,256 in magnitude. Even bits are inverted on the line."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    low = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, low, (low + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
