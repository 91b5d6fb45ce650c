"""ONNX Runtime, imported so that it calls nobody and gives back what it no longer needs."""

import os
from typing import Any

from server.allocator import give_memory_back


def load_onnxruntime() -> Any:
    """The module ``onnxruntime``. From 1.32 on it would look up a telemetry host and keep a device id in the home.

    The variable must be set before the library is loaded; ``onnxruntime.disable_telemetry_events`` comes too late. It
    is set for this process whatever the environment says: a hospital's server calls nobody.
    """
    give_memory_back()
    os.putenv("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 - heavy: loaded only where a model runs

    return onnxruntime


def one_thread_session(graph: bytes, *, keep_memory: bool = False) -> Any:
    """An ``onnxruntime.InferenceSession`` that computes on the thread that calls it; all streams and threads may share
    it.

    ``keep_memory``: what a run needed is kept for the next instead of given back, which saves a twentieth of the time.
    It is worth it where a run needs little, or comes many times a second.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = keep_memory
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
