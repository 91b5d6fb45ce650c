"""Label dictionaries: the files of ``labels/``, and from what a caller asks for to a LabelSet."""

from server.dictionaries.loader import Dictionary
from server.dictionaries.resolve import Dictionaries

__all__ = ["Dictionaries", "Dictionary"]
