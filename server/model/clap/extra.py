"""The extra ``clap``: what it brings, and what to say where it is not installed. Looks for packages, imports none."""

from importlib.util import find_spec

from server.errors import SettingsError

PACKAGES = ("torch", "transformers", "safetensors", "huggingface_hub")
"""What pyproject.toml lists under ``clap``."""

INSTALL = "pip install 'tingqing[clap]'"


def missing_packages() -> list[str]:
    """The packages of the extra that are not installed; empty where CLAP can run."""
    return [name for name in PACKAGES if find_spec(name) is None]


def need_extra(what: str) -> None:
    """Raises SettingsError where a package that ``what`` (the subject of the sentence) needs is not installed."""
    missing = missing_packages()
    if missing:
        raise SettingsError(f"{what} needs packages that are not installed ({', '.join(missing)}). Run: {INSTALL}")
