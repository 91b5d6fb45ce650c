"""Segmentation and CAM++ from the model cache."""

import logging

from server.model.onnx import one_thread_session
from server.model.small.deriving import Derivation, derive
from server.model.small.store import SmallModels
from server.model.voices.campplus import campplus_graph
from server.model.voices.segmentation import segmentation_graph
from server.model.voices.talkers import TalkerModels

log = logging.getLogger(__name__)

SEGMENTATION = Derivation("onnx-1", segmentation_graph)
CAMPPLUS = Derivation("onnx-1", campplus_graph)


def open_voices(store: SmallModels) -> TalkerModels | None:
    """``None`` without either model, or where one cannot be loaded, which is logged: nobody is told apart then."""
    try:
        graphs = [derive(store, "segmentation", SEGMENTATION), derive(store, "campplus", CAMPPLUS)]
        sessions = [one_thread_session(graph) for graph in graphs if graph is not None]
    except Exception as error:  # onnx and onnxruntime raise what they like; a server starts without these models
        log.error("the talker models cannot be loaded: %s", error)
        store.failed("segmentation", "campplus")
        return None
    return TalkerModels(*sessions) if len(sessions) == len(graphs) else None
