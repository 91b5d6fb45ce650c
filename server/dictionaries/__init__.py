"""Label dictionaries: reads the files of ``labels/`` and resolves requests to LabelSets."""

from server.dictionaries.loader import Dictionary
from server.dictionaries.resolve import Dictionaries

__all__ = ["Dictionaries", "Dictionary"]
