"""ONNX Runtime, imported so that it calls nobody."""

import os
from typing import Any


def load_onnxruntime() -> Any:
    """The module ``onnxruntime``. From 1.32 on it would look up a telemetry host and keep a device id in the home.

    The variable must be set before the library is loaded; ``onnxruntime.disable_telemetry_events`` comes too late. It
    is set for this process whatever the environment says: a hospital's server calls nobody.
    """
    os.putenv("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 - heavy: loaded only where a model runs

    return onnxruntime


def one_thread_session(graph: bytes, *, keep_memory: bool = False) -> Any:
    """An ``onnxruntime.InferenceSession`` that computes on the thread that calls it; all streams and threads may share
    it.

    ``keep_memory``: what a run needed is kept for the next one instead of given back. It saves DNSMOS a twentieth of
    its time, and the other models nothing that could be measured.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = keep_memory
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
