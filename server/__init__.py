"""Tingqing (听清): live assessment of telemedicine recordings while the patient speaks."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tingqing")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"
