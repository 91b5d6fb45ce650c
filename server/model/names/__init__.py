"""What sounds there are besides speech (YAMNet)."""

from server.model.names.opening import open_namer
from server.model.names.scorer import NamingScorer

__all__ = ["NamingScorer", "open_namer"]
