"""Where the data files lie that ship with the code: in a source tree beside ``server/``, in a wheel under it."""

from pathlib import Path

from server.errors import SettingsError

_PACKAGE = Path(__file__).resolve().parent


def labels_dir() -> Path:
    """The folder of the label dictionaries (``*.toml``). Raises SettingsError where the installation lacks it."""
    return _data_dir("labels")


def web_client_dir() -> Path:
    """The folder of the page's files, served at ``/``. Raises SettingsError where the installation lacks it."""
    return _data_dir("web_client")


def _data_dir(name: str) -> Path:
    # The packaged copy comes first: beside an installed package, "labels" may be anybody's.
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise SettingsError(f"The folder {name}/ is missing from this installation; install tingqing again.", param=name)
