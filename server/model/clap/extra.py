"""The extra ``clap``: its packages, and the message if it is not installed. Looks for packages without importing."""

from importlib.util import find_spec

from server.errors import SettingsError

PACKAGES = ("torch", "transformers", "safetensors", "huggingface_hub")
"""The packages that pyproject.toml lists under ``clap``."""

INSTALL = "pip install 'tingqing[clap]'"


def missing_packages() -> list[str]:
    """The packages of the extra that are not installed; empty if CLAP can run."""
    return [name for name in PACKAGES if find_spec(name) is None]


def need_extra(what: str) -> None:
    """Raises SettingsError if a package that ``what`` (the subject of the sentence) needs is not installed."""
    missing = missing_packages()
    if missing:
        raise SettingsError(f"{what} needs packages that are not installed ({', '.join(missing)}). Run: {INSTALL}")
