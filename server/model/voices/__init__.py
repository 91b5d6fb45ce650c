"""Who speaks when (pyannote's segmentation), and whose voice it is (CAM++)."""

from server.model.voices.opening import open_voices
from server.model.voices.talkers import TalkerModels

__all__ = ["TalkerModels", "open_voices"]
