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
    """``backends.AudioBackend``. The weights are in memory once, whatever ``streams`` is.

    ``streams`` windows run in parallel, each on its own core if there are enough. With one stream a window uses all
    ``threads`` (0: all cores) and is done soonest. With several, one window takes longer but all together take less
    (two cores: 35 ms instead of 21, but two at a time).
    """

    name: str = "openvino"

    def __init__(self, tower: LeanTower, dtype: Dtype, threads: int = 0, streams: int = 1) -> None:
        """``tower``: in float32, used up by this call; OpenVINO itself rounds it to ``dtype``."""
        import openvino  # noqa: PLC0415 - an extra, and half a second
        from openvino.frontend import FrontEndManager  # noqa: PLC0415 - see above
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415 - see above

        self.dtype = dtype
        self.side_by_side = streams
        # Not openvino.convert_model: it reports its use over the network.
        frontend = FrontEndManager().load_by_framework("pytorch")
        with warnings.catch_warnings():
            # torch deprecates tracing, and its successor (torch.export) warns about its own code.
            warnings.simplefilter("ignore")
            decoder = TorchScriptPythonDecoder(tower.split(), example_input=torch.zeros(1, N_FRAMES, N_MELS))
        model = frontend.convert(frontend.load(decoder))
        model.reshape({0: openvino.PartialShape([1, N_FRAMES, N_MELS])})
        hints = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[dtype],
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            # It would also pin the calling thread, and every thread that one starts (torch's), to one core.
            "ENABLE_CPU_PINNING": False,
        }
        compiled: Any = openvino.Core().compile_model(model, "CPU", hints)
        self._requests = [compiled.create_infer_request() for _ in range(streams)]

    def embed(self, mels: Float32Array) -> Float32Array:
        """See the protocol; all streams are kept busy until the last window has begun."""
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
