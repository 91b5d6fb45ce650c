"""What random bytes are given to: each reader of bytes from outside, with what must be true of any input.

A target returns, or raises AssertionError where a promise of the reader is broken; any other exception is a bug of the
reader. Input that is too long to be worth the time is passed over.
"""

import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from server.dictionaries.loader import parse
from server.dictionaries.sounds import parse_sounds
from server.dictionaries.topics import parse_topics
from server.errors import (
    LabelFileError,
    NonFiniteSamplesError,
    PayloadTooLargeError,
    TingqingError,
    TranscriptError,
    UndecodableFileError,
)
from server.recording.decode import Gap, read_recording
from server.recording.decoders.limits import NO_FFMPEG, Decoders
from server.recording.decoders.sniffing import Reader, looked_at
from server.stream.decode import PcmDecoder
from server.transcript.files import read_line
from server.values.audio import AudioFormat, Encoding
from server.wire.client import MAX_PARAM, SessionStart, parse_client_message
from server.wire.observer import parse_observer_message

MOST_BYTES = 200_000
PROCESSES = (Reader.MP3, Reader.SILK)
LIBSNDFILE_ALONE = Decoders(NO_FFMPEG)
MAX_S = 30.0
"""Longest recording that the containers' target reads; a small file may hold hours."""

ENCODINGS = tuple(Encoding)


def pcm(data: bytes) -> None:
    """First byte: the encoding. Second: into how many pieces the rest is cut. The samples do not depend on the cuts."""
    if len(data) < 2:
        return
    audio = AudioFormat(ENCODINGS[data[0] % len(ENCODINGS)], 16_000)
    pieces, sound = 1 + data[1] % 16, data[2:]
    whole = PcmDecoder(audio).decode(sound, refuse=False)
    assert whole.dtype == np.float32
    assert np.all(np.isnan(whole) | (np.abs(whole) <= 1.0))
    edges = [len(sound) * number // pieces for number in range(pieces + 1)]
    decoder = PcmDecoder(audio)
    cut = [decoder.decode(sound[begin:end], refuse=False) for begin, end in pairwise(edges)]
    assert np.array_equal(np.concatenate(cut), whole, equal_nan=True)
    assert decoder.half_open == (len(sound) % audio.encoding.sample_bytes != 0)
    try:
        PcmDecoder(audio).decode(sound)
    except NonFiniteSamplesError:
        assert np.isnan(whole).any()


def wire(data: bytes) -> None:
    """A text message of either side. What is taken can be written again; what is not names its field in few words."""
    text = data.decode("utf-8", "replace")
    for read in (parse_client_message, parse_observer_message):
        for message in (data, text):
            try:
                taken = read(message)
            except TingqingError as error:
                assert len(error.param or "") <= MAX_PARAM
                str(error).encode("utf-8")
            else:
                again = taken.model_dump_json(exclude_unset=True)
                assert read(again) == taken
                if isinstance(taken, SessionStart):
                    assert "NaN" not in again
                    assert "Infinity" not in again


def labels(data: bytes) -> None:
    """A label file, a topic file or a sounds file: every fault is a LabelFileError that names the file."""
    source = data.decode("utf-8", "replace")
    for read in (parse, parse_topics, parse_sounds):
        try:
            read(source, "some.toml")
        except LabelFileError as error:
            assert str(error).startswith("some.toml")


def transcript(data: bytes) -> None:
    """A line of a transcript: every fault is a TranscriptError."""
    try:
        read_line(data, 1)
    except TranscriptError as error:
        assert str(error).startswith("line:1")


def container(data: bytes) -> None:
    """A recording that libsndfile reads in this process: blocks of finite samples, or one error."""
    if len(data) > MOST_BYTES or looked_at(io.BytesIO(data)).reader in PROCESSES:
        return
    try:
        with read_recording(io.BytesIO(data), "some.wav", max_s=MAX_S, decoders=LIBSNDFILE_ALONE) as recording:
            assert recording.channels > 0
            for block in recording.blocks():
                if not isinstance(block, Gap):
                    assert block.ndim == 1
                    assert np.isfinite(block).all()
    except (UndecodableFileError, PayloadTooLargeError):
        pass


TARGETS: dict[str, Callable[[bytes], None]] = {one.__name__: one for one in (pcm, wire, labels, transcript, container)}
