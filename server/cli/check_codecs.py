"""Which recordings can be decoded here, and how to get the decoders that are missing."""

import subprocess

from server.cli.finding import Finding
from server.settings import Settings

PLAIN = ("WAV", "FLAC", "OGG", "MP3", "AIFF")
BY_FFMPEG = "M4A, AMR, 3GP, CAF, WebM, WMA"
INSTALL = "pip install 'tingqing[formats]'"
ANSWER_S = 20.0


def codecs(settings: Settings) -> Finding:
    """libsndfile's formats, FFmpeg's and SILK."""
    import soundfile

    missing = sorted(set(PLAIN) - set(soundfile.available_formats()))
    if missing:
        names = ", ".join(missing)
        return Finding(
            "codecs",
            "warn",
            f"无法解码：{_in_chinese(missing)}。",
            f"Cannot decode {names}.",
            "pip install --upgrade soundfile",
        )
    decoders = settings.decoders()
    program = decoders.ffmpeg_program
    version = None if program is None else _version(str(program))
    read, unread = list(PLAIN), list[str]()
    (read if version else unread).append(f"{BY_FFMPEG} (FFmpeg{'' if version is None else ' ' + version})")
    (read if decoders.silk else unread).append("SILK (silk-python)")
    zh, en = f"能解码：{_in_chinese(read)}。", f"Can decode {', '.join(read)}."
    if not unread:
        return Finding("codecs", "ok", zh, en)
    lacking = ", ".join(unread)
    return Finding(
        "codecs", "warn", f"{zh}不能解码：{_in_chinese(unread)}。", f"{en} Cannot decode {lacking}.", INSTALL
    )


def _in_chinese(names: list[str]) -> str:
    return "、".join(names).replace(", ", "、")


def _version(program: str) -> str | None:
    """What FFmpeg calls itself, ``None`` if it does not run."""
    try:
        asked = subprocess.run([program, "-version"], capture_output=True, timeout=ANSWER_S, check=True, text=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    words = asked.stdout.split()
    return words[2] if len(words) > 2 else "?"
