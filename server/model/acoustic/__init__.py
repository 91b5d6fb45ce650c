"""What can be measured about how speech sounds, without a language model."""

from server.model.acoustic.scorer import AcousticScorer
from server.model.acoustic.summary import summarise

__all__ = ["AcousticScorer", "summarise"]
