"""Every format that a phone, a messenger or a browser hands over: decoded to its real end, or refused with words."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from server.errors import (
    ConfigError,
    DecoderStoppedError,
    EmptyFileError,
    NoDecoderError,
    NoSoundTrackError,
    ProtectedFileError,
    UndecodableFileError,
)
from server.recording.decode import Gap, Recording, read_recording
from server.recording.decoders.limits import NO_FFMPEG, DecoderLimits, Decoders
from server.recording.decoders.raw import RawFormat, parse_raw
from server.stream.g711 import alaw_table, mulaw_table
from server.values.audio import Float32Array
from server.values.notices import NoticeCode
from tests.recording.encoding import FIVE_SECONDS, RATE, encoded, piped, silk, sound


def samples_of(recording: Recording) -> Float32Array:
    return np.concatenate(
        [
            np.zeros(0, np.float32),
            *(np.zeros(block.samples, np.float32) if isinstance(block, Gap) else block for block in recording.blocks()),
        ]
    )


def seconds_of(source: Path | bytes, name: str | None = None) -> float:
    with read_recording(source if isinstance(source, Path) else io.BytesIO(source), name) as recording:
        seconds = samples_of(recording).size / recording.sample_rate
        assert not recording.cut_short
        assert not recording.notices
        return seconds


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", ()),
        ("a.amr", ("-ar", "8000")),
        ("a.3gp", ("-ar", "8000", "-c:a", "libopencore_amrnb")),
        ("a.caf", ("-c:a", "adpcm_ima_qt")),
        ("a.webm", ("-c:a", "libopus")),
        ("a.wma", ()),
        ("a.aac", ()),
        ("a.mka", ("-c:a", "flac")),
        ("a.ts", ("-c:a", "mp2")),
        ("a.avi", ("-c:a", "libmp3lame")),
    ],
)
def test_formats_of_phones_and_messengers_are_decoded_whatever_their_name(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """Named .mp3, for which libsndfile would look for frames of MP3 in it."""
    data = encoded(tmp_path / name, *options).read_bytes()
    assert seconds_of(data, "voice.mp3") == pytest.approx(FIVE_SECONDS, abs=0.15)
    (misnamed := tmp_path / "voice.wav").write_bytes(data)
    assert seconds_of(misnamed) == pytest.approx(FIVE_SECONDS, abs=0.15)


def test_what_comes_out_of_m4a_is_what_went_in(tmp_path: Path) -> None:
    with read_recording(encoded(tmp_path / "a.m4a", "-b:a", "128k")) as recording:
        heard = samples_of(recording)
        assert (recording.subtype, recording.sample_rate, recording.channels) == ("AAC", RATE, 1)
    wanted = sound().astype(np.float32) / 32_768
    assert np.corrcoef(heard[: wanted.size], wanted)[0, 1] > 0.99


def test_the_sound_of_a_video_is_judged_and_a_video_without_sound_refused(tmp_path: Path) -> None:
    assert seconds_of(encoded(tmp_path / "a.mp4", video=True)) == pytest.approx(FIVE_SECONDS, abs=0.15)
    with pytest.raises(NoSoundTrackError, match="without sound"):
        read_recording(encoded(tmp_path / "b.mp4", video=True, silent=True))


def test_of_several_tracks_the_first_is_judged_and_that_is_told(tmp_path: Path) -> None:
    with read_recording(encoded(tmp_path / "a.mka", "-map", "0:a", "-map", "0:a", "-c:a", "flac")) as recording:
        assert samples_of(recording).size == FIVE_SECONDS * RATE
        assert [notice.code for notice in recording.notices] == [NoticeCode.SEVERAL_TRACKS]


@pytest.mark.parametrize("container", ["wav", "au", "aiff", "caf", "flac", "ogg", "matroska"])
def test_what_was_written_into_a_pipe_is_read_to_its_end(container: str) -> None:
    """Lengths of 0 or -1 in the header."""
    assert seconds_of(piped(container)) == pytest.approx(FIVE_SECONDS, abs=0.05)


def test_fragments_of_an_mp4_are_read_to_their_end() -> None:
    assert seconds_of(piped("mp4", "-movflags", "frag_keyframe+empty_moov")) == pytest.approx(FIVE_SECONDS, abs=0.2)


@pytest.mark.parametrize("length", [0, 1_000, 0xFFFF_FFFF, 0x7FFF_FFFF])
def test_the_length_in_a_header_of_au_is_not_believed(length: int) -> None:
    data = bytearray(piped("au"))
    data[8:12] = struct.pack(">I", length)
    assert seconds_of(bytes(data)) == FIVE_SECONDS


def test_an_mp4_that_breaks_off_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = encoded(tmp_path / "a.m4a", "-movflags", "+faststart").read_bytes()
    with read_recording(io.BytesIO(whole[: len(whole) * 2 // 3])) as recording:
        assert 1.0 < samples_of(recording).size / RATE < 4.5
        assert recording.cut_short
        assert [notice.code for notice in recording.notices] == [NoticeCode.CUT_SHORT]


def test_an_mp4_without_its_index_says_that_it_was_never_finished(tmp_path: Path) -> None:
    whole = encoded(tmp_path / "a.m4a").read_bytes()
    with pytest.raises(UndecodableFileError, match="never finished"):
        read_recording(io.BytesIO(whole[: len(whole) // 2]))


def test_damage_in_the_middle_costs_a_piece_and_is_told(tmp_path: Path) -> None:
    data = bytearray(encoded(tmp_path / "a.aac").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = np.random.default_rng(3).bytes(400)
    with read_recording(io.BytesIO(bytes(data))) as recording:
        assert samples_of(recording).size / RATE == pytest.approx(FIVE_SECONDS, abs=0.7)
        assert NoticeCode.DAMAGED_FILE in [notice.code for notice in recording.notices] or recording.cut_short


def test_protected_files_are_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    apple = encoded(tmp_path / "a.m4a").read_bytes().replace(b"mp4a", b"drms")
    windows = bytearray(encoded(tmp_path / "a.wma").read_bytes())
    windows[30:46] = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    for data in (apple, bytes(windows), b"CTENFDAM" + bytes(5_000)):
        with pytest.raises(ProtectedFileError, match="Record in the page") as raised:
            read_recording(io.BytesIO(data))
        assert "网页" in raised.value.zh


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\3\4" + bytes(500), "ZIP"),
        (b"%PDF-1.7" + bytes(500), "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "picture"),
        ("这是一份病历，不是录音。".encode() * 60, "text"),
        (b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", "text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
    ],
)
def test_what_is_no_recording_is_called_what_it_is(data: bytes, what: str) -> None:
    with pytest.raises(UndecodableFileError, match=what):
        read_recording(io.BytesIO(data), "visit.wav")


def test_an_empty_file_is_told_apart() -> None:
    with pytest.raises(EmptyFileError, match="send it again"):
        read_recording(io.BytesIO(b""))


def test_a_voice_message_in_silk_is_decoded() -> None:
    with read_recording(io.BytesIO(silk()), "voice.amr") as recording:
        heard = samples_of(recording)
        assert (recording.subtype, recording.sample_rate) == ("SILK", 24_000)
        assert heard.size / 24_000 == pytest.approx(FIVE_SECONDS, abs=0.05)
    assert 0.1 < np.sqrt(np.mean(np.square(heard))) < 0.3


def test_silk_ends_at_its_mark_and_a_cut_one_is_judged_as_far_as_it_goes() -> None:
    ended = silk() + struct.pack("<h", -1) + b"and more"
    assert seconds_of(ended) == pytest.approx(FIVE_SECONDS, abs=0.05)
    whole = silk()
    with read_recording(io.BytesIO(whole[: len(whole) // 2])) as recording:
        assert 1.0 < samples_of(recording).size / 24_000 < 4.0
        assert recording.cut_short


def test_a_missing_decoder_is_told_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Decoders, "silk", False)
    for data in (encoded(tmp_path / "a.m4a").read_bytes(), silk()):
        with pytest.raises(NoDecoderError, match=r"pip install 'tingqing\[formats\]'"):
            read_recording(io.BytesIO(data), decoders=Decoders(NO_FFMPEG))
    with read_recording(io.BytesIO(piped("flac")), decoders=Decoders(NO_FFMPEG)) as recording:
        assert samples_of(recording).size > 4 * RATE


def test_a_decoder_that_hangs_is_stopped(tmp_path: Path) -> None:
    (hangs := tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o755)
    decoders = Decoders(str(hangs), DecoderLimits(patience_s=0.2))
    with pytest.raises(DecoderStoppedError, match="too long"):
        read_recording(encoded(tmp_path / "a.m4a"), decoders=decoders)


def test_a_decoder_that_hangs_later_leaves_what_it_gave(tmp_path: Path) -> None:
    header = struct.pack(">4sIIIII", b".snd", 24, 0xFFFF_FFFF, 6, 8_000, 1)
    (tmp_path / "some").write_bytes(header + np.full(16_000, 0.1, ">f4").tobytes())
    (hangs := tmp_path / "ffmpeg").write_text(f"#!/bin/sh\ncat {tmp_path}/some\nexec sleep 600\n")
    hangs.chmod(0o755)
    decoders = Decoders(str(hangs), DecoderLimits(patience_s=0.2))
    with read_recording(encoded(tmp_path / "a.m4a"), decoders=decoders) as recording:
        assert samples_of(recording).size == 16_000
        assert recording.cut_short


@pytest.mark.parametrize("encoding", ["s16le", "s16be", "u8", "s24le", "s32be", "f32le", "f64be"])
def test_sound_without_a_header_is_read_as_its_owner_says(encoding: str) -> None:
    wanted = sound(1.0).astype(np.float64) / 32_768
    order = ">" if encoding.endswith("be") else "<"
    scaled = {"u8": wanted * 128 + 128, "s16": wanted * 2**15, "s24": wanted * 2**23, "s32": wanted * 2**31}
    kind = encoding.removesuffix("le").removesuffix("be")
    if kind == "s24":
        data = np.rint(scaled[kind]).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        dtype = {"u8": "u1", "s16": "i2", "s32": "i4", "f32": "f4", "f64": "f8"}[kind]
        data = (np.rint(scaled[kind]) if kind in scaled else wanted).astype(order + dtype).tobytes()
    raw = RawFormat(encoding, RATE, 1)
    with read_recording(io.BytesIO(data + b"\1"[: raw.frame_bytes - 1]), raw=raw) as recording:
        assert np.abs(samples_of(recording) - wanted).max() < 0.01


@pytest.mark.parametrize(("encoding", "table"), [("mulaw", mulaw_table()), ("alaw", alaw_table())])
def test_g711_without_a_header_is_read_as_on_the_wire(tmp_path: Path, encoding: str, table: np.ndarray) -> None:
    codes = np.random.default_rng(2).integers(0, 256, 16_000, dtype=np.uint8)
    (path := tmp_path / "call.bin").write_bytes(codes.tobytes())
    with read_recording(path, raw=RawFormat(encoding, 8_000, 2)) as recording:
        frames = np.concatenate(list(recording.frames()))
    assert np.array_equal(np.rint(frames.ravel() * 32_768), table[codes])


def test_a_file_of_one_kind_may_be_read_as_another_if_its_owner_says_so(shared: Path) -> None:
    """Such as PCM named .wav."""
    path = shared / "audio/odd_formats/cognitive-services-speech-sdk__missing_wav_header.wav"
    with read_recording(path, raw=parse_raw("s16le:16000")) as recording:
        assert samples_of(recording).size == path.stat().st_size // 2


@pytest.mark.parametrize(
    "text", ["", "s16le", "mp3:16000:1", "s16le:0:1", "s16le:16000:0", "s16le:x", "s16le:16000:1:1"]
)
def test_a_raw_format_that_cannot_be_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ConfigError, match="raw"):
        parse_raw(text)


def test_a_raw_format_is_read_in_the_names_of_others() -> None:
    assert parse_raw(" ULAW:8000:2 ") == RawFormat("mulaw", 8_000, 2)
    assert parse_raw("s16:44100") == RawFormat("s16le", 44_100, 1)


def test_a_tag_before_aac_does_not_make_it_mp3(tmp_path: Path) -> None:
    tag = b"ID3\4\0\0" + bytes((0, 0, 1, 0)) + bytes(128)
    assert seconds_of(tag + encoded(tmp_path / "a.aac").read_bytes()) == pytest.approx(FIVE_SECONDS, abs=0.15)


def test_a_wav_with_a_codec_that_libsndfile_lacks_is_decoded(tmp_path: Path) -> None:
    assert seconds_of(encoded(tmp_path / "a.wav", "-c:a", "adpcm_swf", "-ar", "22050")) == pytest.approx(5.0, abs=0.2)
