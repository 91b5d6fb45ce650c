"""What ``tingqing doctor`` looks at: each check says what is wrong, in both languages, and what mends it."""

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import files
from urllib.parse import urlsplit

from server.cli.check_codecs import codecs
from server.cli.check_database import check_database
from server.cli.finding import Finding
from server.cli.misspelt import sentences
from server.errors import TingqingError
from server.loopback import is_loopback
from server.settings import Settings

TESTED = ((3, 11), (3, 12))
LEAST_FREE = 1_000_000_000
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""This version is not older: a clock before it makes every token and certificate invalid."""


def _python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] not in TESTED:
        en = f"Python {version} is not one that Tingqing is tested with."
        return Finding("python", "warn", f"听清没有在 Python {version} 上测试过。", en, "make PYTHON=python3.11 setup")
    return Finding("python", "ok", f"Python {version}。", f"Python {version}.")


def _settings(_: Settings) -> Finding:
    """Their values were read already; a name that is misspelt has none."""
    told = list(sentences())
    if told:
        zh, en = " ".join(zh for zh, _ in told), " ".join(en for _, en in told)
        return Finding("settings", "warn", zh, en, "env | grep ^TINGQING_")
    return Finding("settings", "ok", "没有不认识的设置。", "Every TINGQING_… variable is a setting.")


def _models(settings: Settings) -> Finding:
    from server.model.clap.cache import ModelCache
    from server.model.clap.finding import basic_mode_hint, find_checkpoint
    from server.model.dnsmos import MODEL_FILE

    if settings.mos and not any(file.as_posix() == MODEL_FILE for file in files("speechmos") or ()):
        return Finding(
            "models",
            "fail",
            "缺少 DNSMOS 模型。",
            "The model of DNSMOS is missing.",
            "pip install --force-reinstall speechmos",
        )
    try:
        found = find_checkpoint(settings.clap, ModelCache(settings.model_cache_dir))
    except TingqingError as error:
        return Finding("models", "fail", f"CLAP 不能用：{error.message}", error.message, "tingqing models verify")
    absent = _absent(settings)
    if absent is not None:
        return absent
    if found is None and settings.clap != "off":
        zh = "没有 CLAP 权重，只按声学指标评分（基础模式）。"
        return Finding("models", "warn", zh, basic_mode_hint(), "tingqing models download")
    return Finding("models", "ok", "模型齐全。", "The models are there.")


def _absent(settings: Settings) -> Finding | None:
    """A small model that would be used and is not there, or is damaged."""
    from server.model.small.store import SmallModels, get
    from server.values.models import ModelState

    for model in SmallModels(settings.model_cache_dir).optional():
        if model.missed and settings.listens_with(model.id):
            damaged = model.state is ModelState.DAMAGED
            zh = f"模型 {model.id} {'已损坏' if damaged else '不在'}：{model.without.zh}"
            en = f"Model {model.id} is {'damaged' if damaged else 'absent'}: {model.without.en}"
            return Finding("models", "warn", zh, en, get(model.id))
    return None


def _gpu(settings: Settings) -> Finding:
    from server.model.clap.extra import missing_packages

    wanted = settings.device.startswith("cuda")
    if missing_packages():
        return Finding(
            "gpu",
            "fail" if wanted else "ok",
            "没有安装 torch，不使用 GPU。",
            "torch is not installed; no GPU is used.",
            "pip install 'tingqing[clap]'" if wanted else "",
        )
    from server.model.clap.devices import choose_device

    try:
        device = choose_device(settings.device)
    except TingqingError as error:
        return Finding("gpu", "fail", f"没有这个设备：{settings.device}。", error.message, "nvidia-smi")
    return Finding("gpu", "ok", f"CLAP 将在 {device} 上运行。", f"CLAP would run on {device}.")


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    where = f"{settings.host}:{settings.port}"
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            en = f"{where} cannot be used ({error.strerror}); perhaps a Tingqing runs there already."
            zh = f"端口 {where} 不能用（{error.strerror}），可能已有一个听清在运行。"
            return Finding("port", "warn", zh, en, f"tingqing serve --port {settings.port + 1}")
    return Finding("port", "ok", f"端口 {where} 可用。", f"{where} is free.")


def _tls(settings: Settings) -> Finding:
    if settings.tls_cert is None:
        return Finding("tls", "ok", "没有设置证书。", "No certificate is set.")
    from server.tls.pair import read_pair

    now = datetime.now(UTC)
    try:
        pair = read_pair(settings.tls_cert, settings.tls_key, now)
    except TingqingError as error:
        return Finding("tls", "fail", f"证书不能用：{error.message}", error.message, "tingqing cert")
    warnings = pair.warnings(now, urlsplit(settings.public_url or "").hostname)
    if warnings:
        return Finding("tls", "warn", f"证书有问题：{warnings[0]}", warnings[0], "tingqing cert")
    until = f"{pair.expires:%Y-%m-%d}"
    return Finding("tls", "ok", f"证书有效期至 {until}。", f"The certificate is valid until {until}.")


def _clock(_: Settings) -> Finding:
    now = datetime.now(UTC)
    if now < EARLIEST:
        return Finding(
            "clock",
            "fail",
            f"系统时间不对：{now:%Y-%m-%d}。",
            f"The clock says {now:%Y-%m-%d}.",
            "timedatectl set-ntp true",
        )
    return Finding("clock", "ok", f"系统时间 {now:%Y-%m-%d %H:%M} UTC。", f"The clock says {now:%Y-%m-%d %H:%M} UTC.")


def _disk(settings: Settings) -> Finding:
    import tempfile

    folders = [
        tempfile.gettempdir(),
        *([str(settings.data_dir)] if settings.data_dir and settings.data_dir.is_dir() else []),
    ]
    least, where = min((shutil.disk_usage(folder).free, folder) for folder in folders)
    if least < LEAST_FREE:
        zh = f"{where} 只剩 {least / 1e9:.1f} GB。"
        return Finding("disk", "warn", zh, f"Only {least / 1e9:.1f} GB are free at {where}.", f"df -h {where}")
    return Finding("disk", "ok", f"至少还有 {least / 1e9:.0f} GB 可用。", f"At least {least / 1e9:.0f} GB are free.")


def _browser(settings: Settings) -> Finding:
    """Whether pages of this server would get the microphone, by how it is called."""
    public = settings.public_url or ""
    secure = (
        public.startswith("https://") or settings.tls_cert is not None or (not public and is_loopback(settings.host))
    )
    if not secure:
        zh = "浏览器只在 HTTPS 或 localhost 页面上提供话筒。"
        return Finding(
            "browser",
            "warn",
            zh,
            "Browsers give a page the microphone over HTTPS or on localhost only.",
            "tingqing cert",
        )
    if is_loopback(settings.host) and not public:
        zh = "只有本机的浏览器能访问，可以使用话筒。"
        en = "Browsers on this machine alone reach it, and would give pages the microphone."
        return Finding("browser", "ok", zh, en)
    return Finding("browser", "ok", "浏览器可以使用话筒。", "Browsers would give pages the microphone.")


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python, _settings, codecs, _models, _gpu, _port, _tls, _clock, _disk, check_database, _browser,
)  # fmt: skip


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, in order. A check that fails in a way of its own is a finding too."""
    for check in CHECKS:
        name = check.__name__.removeprefix("_")
        try:
            yield check(settings)
        except Exception as error:  # a broken installation breaks in more ways than a list covers
            text = f"{type(error).__name__}: {error}"
            yield Finding(name, "fail", f"检查失败：{text}", f"The check failed: {text}", "tingqing version")
