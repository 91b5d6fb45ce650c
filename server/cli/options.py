"""Flags shared by several commands: the models that score, and where CLAP's weights are and run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import LogLevel
from server.values.mode import Mode

VadOption = Annotated[
    str | None, typer.Option("--vad", help="silero or webrtc. Default: silero. (TINGQING_VAD)", metavar="VAD")
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        help="A dictionary's name, or a comma-separated list of labels: ids, titles, aliases, or descriptions "
        "in English. Default: telemedicine.",
    ),
]
LabelsFolderOption = Annotated[
    Path | None,
    typer.Option("--labels-dir", help="Folder of label files. Default: the shipped files. (TINGQING_LABELS_DIR)"),
]
LanguageOption = Annotated[
    str | None, typer.Option("--language", help="zh or en (BCP 47). Default: the terminal's language.")
]
ReferenceOption = Annotated[
    str | None, typer.Option("--reference", help="Your own id for the recording, repeated in the result.")
]
MosOption = Annotated[bool | None, typer.Option("--mos/--no-mos", help="DNSMOS as supporting evidence. (TINGQING_MOS)")]


DenoiserOption = Annotated[
    bool | None,
    typer.Option(
        "--denoiser/--no-denoiser",
        help="Hear noise under the words with GTCRN, where it is in the model cache. (TINGQING_DENOISER)",
    ),
]


VoicesOption = Annotated[
    bool | None,
    typer.Option(
        "--voices/--no-voices",
        help="Tell voices apart, where segmentation and campplus are in the model cache. (TINGQING_VOICES)",
    ),
]


class Detector(StrEnum):
    """The detectors of ``server.model.detectors``, as the command line lists them."""

    SILERO = "silero"
    WEBRTC = "webrtc"


DetectorOption = Annotated[
    Detector | None, typer.Option("--vad", help="Voice activity detector. Default: silero. (TINGQING_VAD)")
]


class LogFormat(StrEnum):
    """The forms of ``server.logs.formats``."""

    TEXT = "text"
    JSON = "json"


class RecordedSource(StrEnum):
    """Where a recording comes from; a microphone's processing is a matter of live sessions."""

    FILE = "file"
    LINE = "line"
    TELEPHONE = "telephone"


SourceOption = Annotated[
    RecordedSource,
    typer.Option(
        "--source",
        help="[bold]telephone[/bold]: a recorded call, whose bandwidth is judged by what telephone lines carry. "
        "[bold]file[/bold], [bold]line[/bold]: measured as it is.",
    ),
]
ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode",
        help="[bold]recording[/bold]: one person tells something. [bold]visit[/bold]: a conversation; a patient who "
        "listens is never told to speak up.",
    ),
]
LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="Log level; logs go to standard error.")]
ClapOption = Annotated[
    str | None,
    typer.Option(
        "--clap",
        metavar="auto|off|MODEL",
        help="auto (the downloaded weights, if any), off, or a model's id or folder. Default: auto. (TINGQING_CLAP)",
    ),
]
ModelCacheOption = Annotated[
    Path | None,
    typer.Option("--model-cache-dir", metavar="DIR", help="Folder of downloaded models. (TINGQING_MODEL_CACHE_DIR)"),
]
ChannelsOption = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="ROLES",
        help="Who is on which channel: patient=right,doctor=left, or numbers from 1. The patient is judged; while the "
        "doctor speaks, nothing counts as the patient's. Without it, channels are compared: of one sound on several, "
        "one is judged; of different people, each, and the worst counts; others are mixed. More than 16 are "
        "mixed without a look. Notices say which was judged.",
    ),
]
RawOption = Annotated[
    str | None,
    typer.Option(
        "--raw",
        metavar="FORMAT",
        help="Sound without a header, as ENCODING:RATE:CHANNELS: s16le:16000:1, alaw:8000:1, mulaw:8000:2 …",
    ),
]
FarEndOption = Annotated[
    Path | None,
    typer.Option(
        "--far-end",
        metavar="FILE",
        help="The far end's own track (the doctor's side of the call), recorded from the same moment on as the "
        "recording. While it speaks, nothing counts as the patient's.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder of keys, running sessions and results; without it none outlive the server. (TINGQING_DATA_DIR)",
    ),
]
TlsCertOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        metavar="FILE",
        help="Serve HTTPS with this certificate (PEM, with those above it). It is read again when it changes. "
        "(TINGQING_TLS_CERT)",
    ),
]
TlsKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-key",
        metavar="FILE",
        help="Its key (PEM, not encrypted). Default: in the file of the certificate. (TINGQING_TLS_KEY)",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", metavar="auto|cpu|cuda:N", help="Where CLAP runs. Default: auto. (TINGQING_DEVICE)"),
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        "--dtype", metavar="auto|fp32|bf16|fp16", help="CLAP's number format. Default: auto. (TINGQING_DTYPE)"
    ),
]
GpuMemoryOption = Annotated[
    float | None,
    typer.Option(
        "--gpu-memory-fraction",
        metavar="SHARE",
        help="Largest share of the GPU's memory to use. (TINGQING_GPU_MEMORY_FRACTION)",
    ),
]
WorkersOption = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="NUMBER|auto",
        help="Processes that serve the port together; auto: one for each core. Default: 1. (TINGQING_WORKERS)",
    ),
]
MaxSessionsOption = Annotated[
    int | None,
    typer.Option(
        "--max-sessions",
        min=1,
        metavar="N",
        help="Maximum number of live sessions; further ones are refused. Default: 64. (TINGQING_MAX_SESSIONS)",
    ),
]


class Admission(StrEnum):
    """By what newcomers are refused."""

    MEASURED = "measured"
    WHOLE = "whole"
    FIXED = "fixed"


AdmissionOption = Annotated[
    Admission | None,
    typer.Option(
        "--admission",
        help="[bold]measured[/bold]: also refuse sessions that the machine cannot carry, by what they are measured to "
        "cost without what can be left out. [bold]whole[/bold]: with it. [bold]fixed[/bold]: by number only. "
        "Default: measured. (TINGQING_ADMISSION)",
    ),
]
DrainOption = Annotated[
    float | None,
    typer.Option(
        "--drain-s",
        min=0,
        max=600,
        metavar="SECONDS",
        help="Seconds that a stopping server waits for its sessions. Default: 10. (TINGQING_DRAIN_S)",
    ),
]
