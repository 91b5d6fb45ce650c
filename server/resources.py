"""Finds the data files that ship with the code: beside ``server/`` in a source tree, inside it in a wheel."""

from pathlib import Path

from server.errors import SettingsError

_PACKAGE = Path(__file__).resolve().parent


def labels_dir() -> Path:
    """The folder of the label dictionaries (``*.toml``). Raises SettingsError if the installation lacks it."""
    return _data_dir("labels")


def web_client_dir() -> Path:
    """The folder of the web pages, served at ``/``. Raises SettingsError if the installation lacks it."""
    return _data_dir("web_client")


def _data_dir(name: str) -> Path:
    # The packaged copy comes first: beside an installed package, a folder "labels" may belong to anyone.
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise SettingsError(f"The folder {name}/ is missing from this installation. Reinstall tingqing.", param=name)
