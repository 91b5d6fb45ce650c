"""GTCRN from the model cache."""

import logging

from server.model.gtcrn.denoiser import GtcrnDenoiser
from server.model.gtcrn.graph import block_graph
from server.model.onnx import one_thread_session
from server.model.small.deriving import Derivation, derive
from server.model.small.store import SmallModels

log = logging.getLogger(__name__)

MODEL_ID = "gtcrn"
BLOCKS = Derivation("blocks-1", block_graph)


def open_gtcrn(store: SmallModels) -> GtcrnDenoiser | None:
    """``None`` without the model, or where it cannot be loaded, which is logged: the other measures judge alone."""
    try:
        graph = derive(store, MODEL_ID, BLOCKS)
        return None if graph is None else GtcrnDenoiser(one_thread_session(graph))
    except Exception as error:  # onnx and onnxruntime raise what they like; a server starts without this model
        log.error("model %s cannot be loaded: %s", MODEL_ID, error)
        store.failed(MODEL_ID)
        return None
