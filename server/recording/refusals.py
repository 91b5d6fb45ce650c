"""What a person is told whose recording cannot be read: what it is, and what to do. In both languages."""

from server.errors import (
    DecoderStoppedError,
    EmptyFileError,
    NoDecoderError,
    ProtectedFileError,
    TingqingError,
    UndecodableFileError,
)
from server.values.text import Text

INSTALL = "pip install 'tingqing[formats]'"


def undecodable(other: Text | None = None) -> UndecodableFileError:
    """No decoder reads it. ``other``: what it is instead of a recording, if that is known."""
    if other is not None:
        return UndecodableFileError(
            f"The file is {other.en}, not a recording. Send the recording itself.",
            zh=f"这个文件是{other.zh}，不是录音。请发送录音文件本身。",
            param="file",
        )
    return UndecodableFileError(
        "The file cannot be decoded: it is damaged or in no known format. Use WAV, FLAC, OGG, MP3, AIFF or M4A, or "
        "record again; of sound without a header, say what it is (raw).",
        zh="文件无法解码：已损坏，或格式未知。请使用 WAV、FLAC、OGG、MP3、AIFF 或 M4A，或重新录制；"
        "没有文件头的声音请用 raw 说明格式。",
        param="file",
    )


def empty() -> EmptyFileError:
    """Not a byte."""
    return EmptyFileError(
        "The file is empty. Perhaps it was sent before the recording was saved: send it again.",
        zh="文件是空的。可能录音还没保存完就发送了，请重新发送。",
        param="file",
    )


def protected() -> ProtectedFileError:
    """Only its seller's player reads it."""
    return ProtectedFileError(
        "The file is encrypted or copy-protected (DRM) and cannot be read. Record in the page instead, or export the "
        "recording without protection.",
        zh="文件已加密或有版权保护（DRM），无法读取。请在网页里直接录音，或导出不加密的录音。",
        param="file",
    )


def stopped() -> DecoderStoppedError:
    """It took too long or too much."""
    return DecoderStoppedError(
        "Decoding the file took too long and was stopped. It is probably damaged: export or record it again.",
        zh="解码用时过长，已停止。文件可能已损坏，请重新导出或重新录制。",
        param="file",
    )


def no_ffmpeg() -> NoDecoderError:
    """A format that FFmpeg reads, where there is none."""
    return NoDecoderError(
        "This format (AMR, M4A, 3GP, WebM, WMA, video …) needs FFmpeg, which is not installed on the server. Send WAV, "
        f"FLAC, OGG or MP3, or install it: {INSTALL}",
        zh="这种格式（AMR、M4A、3GP、WebM、WMA、视频等）需要 FFmpeg，服务器上没有安装。"
        f"请发送 WAV、FLAC、OGG 或 MP3，或安装：{INSTALL}",
        param="file",
    )


def no_silk() -> NoDecoderError:
    """A voice message of WeChat or QQ, where its decoder is not installed."""
    return NoDecoderError(
        "Voice messages in SILK (WeChat, QQ) need silk-python, which is not installed on the server. Send WAV, FLAC, "
        f"OGG or MP3, or install it: {INSTALL}",
        zh=f"SILK 语音（微信、QQ）需要 silk-python，服务器上没有安装。请发送 WAV、FLAC、OGG 或 MP3，或安装：{INSTALL}",
        param="file",
    )


_ZH = {
    "undecodable_file": "无法解码这个文件。请使用 WAV、FLAC、OGG（Vorbis、Opus）、MP3 或 AIFF。",
    "too_costly": "评估这段录音所需的计算超过其大小允许的范围。请分段发送，并去掉长时间的静音或单音。",
    "payload_too_large": "录音太长。请分段发送。",
    "unsupported_sample_rate": "采样率不在 8 至 96 kHz 之间。请转换后再发送。",
    "scoring_failed": "评分暂时失败。请稍后重新发送。",
    "invalid_config": "无法按所给的选项评估。请检查 channels 等选项。",
    "invalid_labels": "无法识别所给的标签。请检查 labels。",
}
"""By the code of an error that has no Chinese words of its own."""


def zh_of(error: TingqingError) -> str:
    """What it says in Chinese; empty if nobody knows."""
    return error.zh or _ZH.get(error.code, "")
