"""The audio tower in OpenVINO, on the CPU; the extra ``cpu``."""

import warnings
from typing import Any

import numpy as np
import torch

from server.model.clap.devices import Dtype
from server.model.clap.spectrogram import N_FRAMES, N_MELS
from server.model.clap.tower import LeanTower
from server.values.audio import Float32Array

PRECISIONS: dict[Dtype, str] = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


class OpenVinoBackend:
    """``backends.AudioBackend``. Weights once, whatever ``streams`` is.

    ``streams`` windows side by side, on one core each where there are as many cores. With one stream a window has all
    ``threads`` (0: all cores) and its answer soonest; with several a window takes longer and all of them less (two
    cores: 35 ms instead of 21, but two at a time).
    """

    name: str = "openvino"

    def __init__(self, tower: LeanTower, dtype: Dtype, threads: int = 0, streams: int = 1) -> None:
        """``tower`` in float32, of no other use afterwards; OpenVINO rounds it to ``dtype`` itself."""
        import openvino  # noqa: PLC0415 - an extra, and half a second
        from openvino.frontend import FrontEndManager  # noqa: PLC0415 - see above
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415 - see above

        self.dtype = dtype
        self.side_by_side = streams
        # Not openvino.convert_model: that one reports its use over the network.
        frontend = FrontEndManager().load_by_framework("pytorch")
        with warnings.catch_warnings():
            # torch deprecates tracing, and its successor (torch.export) warns of its own parts.
            warnings.simplefilter("ignore")
            decoder = TorchScriptPythonDecoder(tower.split(), example_input=torch.zeros(1, N_FRAMES, N_MELS))
        model = frontend.convert(frontend.load(decoder))
        model.reshape({0: openvino.PartialShape([1, N_FRAMES, N_MELS])})
        hints = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[dtype],
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            # It would pin the calling thread too, and with it every thread that one starts (torch's) to one core.
            "ENABLE_CPU_PINNING": False,
        }
        compiled: Any = openvino.Core().compile_model(model, "CPU", hints)
        self._requests = [compiled.create_infer_request() for _ in range(streams)]

    def embed(self, mels: Float32Array) -> Float32Array:
        """As the protocol has it; all streams are kept busy until the last window has begun."""
        rows: list[Float32Array] = []
        streams = len(self._requests)
        for number in range(mels.shape[0] + streams):
            request = self._requests[number % streams]
            if streams <= number and number - streams < mels.shape[0]:
                request.wait()
                rows.append(np.array(request.get_output_tensor().data[0], np.float32))
            if number < mels.shape[0]:
                request.start_async([mels[number][None]])
        return np.stack(rows)
