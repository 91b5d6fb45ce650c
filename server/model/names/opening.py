"""The namer of sounds, with YAMNet where its weights are in the model cache."""

import logging

from server.judge.sounds import Sounds
from server.model.names.layers import yamnet_graph
from server.model.names.network import Network
from server.model.names.scorer import NamingScorer
from server.model.names.tflite import read_tflite
from server.model.onnx import one_thread_session
from server.model.small.deriving import Derivation, derive
from server.model.small.store import SmallModels

log = logging.getLogger(__name__)

MODEL_ID = "yamnet"
ONNX = Derivation("onnx-1", lambda file: yamnet_graph(read_tflite(file)))


def open_namer(store: SmallModels, sounds: Sounds) -> NamingScorer:
    """Without the weights, or where they cannot be loaded, which is logged: mains hum alone is named."""
    try:
        graph = derive(store, MODEL_ID, ONNX)
        return NamingScorer(sounds, None if graph is None else Network(one_thread_session(graph)))
    except Exception as error:  # onnx and onnxruntime raise what they like; a server starts without this model
        log.error("model %s cannot be loaded: %s", MODEL_ID, error)
        store.failed(MODEL_ID)
        return NamingScorer(sounds)
