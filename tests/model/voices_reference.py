"""Segmentation 3.0 and CAM++ in plain PyTorch, as their authors describe them, with weights drawn at random.

They share nothing with ``server.model.voices`` but the names of the weights, so that the two can be compared.
"""

import io
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as f

Weights = dict[str, Tensor]


def saved(weights: Any) -> bytes:
    file = io.BytesIO()
    torch.save(weights, file)
    return file.getvalue()


class _Drawn:
    def __init__(self, seed: int) -> None:
        self.weights: Weights = {}
        self._generator = torch.Generator().manual_seed(seed)

    def add(self, name: str, *shape: int, scale: float = 1.0) -> None:
        spread = scale / max(1.0, float(torch.tensor(shape[1:]).prod()) ** 0.5)
        self.weights[name] = torch.randn(shape, generator=self._generator) * spread

    def norm(self, name: str, n: int, *, affine: bool = True) -> None:
        self.weights[f"{name}.running_mean"] = torch.randn(n, generator=self._generator) * 0.1
        self.weights[f"{name}.running_var"] = torch.rand(n, generator=self._generator) + 0.5
        self.weights[f"{name}.num_batches_tracked"] = torch.tensor(7)
        if affine:
            self.weights[f"{name}.weight"] = torch.rand(n, generator=self._generator) + 0.5
            self.weights[f"{name}.bias"] = torch.randn(n, generator=self._generator) * 0.1


def segmentation_weights(seed: int) -> Weights:
    drawn = _Drawn(seed)
    bank = "sincnet.conv1d.0.filterbank."
    drawn.weights[f"{bank}low_hz_"] = torch.linspace(30.0, 7000.0, 40)[:, None]
    drawn.weights[f"{bank}band_hz_"] = torch.linspace(60.0, 900.0, 40)[:, None]
    drawn.weights[f"{bank}window_"] = torch.hamming_window(251, periodic=False)[:125]
    drawn.weights[f"{bank}n_"] = 2 * torch.pi * torch.arange(-125.0, 0.0)[None] / 16_000
    for place, (channels, before) in ((1, (60, 80)), (2, (60, 60))):
        drawn.add(f"sincnet.conv1d.{place}.weight", channels, before, 5)
        drawn.add(f"sincnet.conv1d.{place}.bias", channels)
    for name, n in (("wav_norm1d", 1), ("norm1d.0", 80), ("norm1d.1", 60), ("norm1d.2", 60)):
        drawn.add(f"sincnet.{name}.weight", n)
        drawn.add(f"sincnet.{name}.bias", n)
    drawn.weights |= {f"lstm.{name}": one.detach() for name, one in _lstm(seed).named_parameters()}
    for name, (out, into) in (("linear.0", (128, 256)), ("linear.1", (128, 128)), ("classifier", (7, 128))):
        drawn.add(f"{name}.weight", out, into, scale=2.0)
        drawn.add(f"{name}.bias", out)
    return drawn.weights


def _lstm(seed: int) -> nn.LSTM:
    torch.manual_seed(seed)
    return nn.LSTM(60, 128, 4, bidirectional=True, batch_first=True)


@torch.no_grad()
def segmented(weights: Weights, pcm: Tensor) -> Tensor:
    """``pcm``, ``(n,)``: probabilities ``(frames, 7)``."""
    x = _instance(weights, "sincnet.wav_norm1d", pcm[None, None])
    x = f.conv1d(x, _filters(weights), stride=10).abs()
    for place in range(3):
        if place:
            name = f"sincnet.conv1d.{place}"
            x = f.conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
        x = f.leaky_relu(_instance(weights, f"sincnet.norm1d.{place}", f.max_pool1d(x, 3)))
    lstm = _lstm(0)
    lstm.load_state_dict({name[5:]: one for name, one in weights.items() if name.startswith("lstm.")})
    x, _ = lstm(x.transpose(1, 2))
    for name in ("linear.0", "linear.1"):
        x = f.leaky_relu(f.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"]))
    return f.linear(x, weights["classifier.weight"], weights["classifier.bias"]).softmax(-1)[0]


def _instance(weights: Weights, name: str, x: Tensor) -> Tensor:
    return f.instance_norm(x, weight=weights[f"{name}.weight"], bias=weights[f"{name}.bias"])


def _filters(weights: Weights) -> Tensor:
    """SincNet's: the difference of two ideal low-passes, under a Hamming window; its odd twin as well."""
    bank = "sincnet.conv1d.0.filterbank."
    low = 50.0 + weights[f"{bank}low_hz_"].abs().double()
    high = (low + 50.0 + weights[f"{bank}band_hz_"].abs()).clamp(50.0, 8000.0)
    t = torch.arange(-125, 126).double()[None] / 16_000
    window = torch.cat((weights[f"{bank}window_"], torch.ones(1), weights[f"{bank}window_"].flip(0)))
    even = (2 * high * torch.sinc(2 * high * t) - 2 * low * torch.sinc(2 * low * t)) * window
    odd = (torch.cos(2 * torch.pi * low * t) - torch.cos(2 * torch.pi * high * t)) / (torch.pi * t) * window
    odd[:, 125] = 0.0
    return (torch.cat((even, odd)) / (2 * (high - low)).repeat(2, 1))[:, None].float()


def campplus_weights(seed: int) -> Weights:
    drawn = _Drawn(seed)
    drawn.add("head.conv1.weight", 32, 1, 3, 3)
    drawn.norm("head.bn1", 32)
    for stage in ("head.layer1", "head.layer2"):
        for block in (0, 1):
            for conv in (1, 2):
                drawn.add(f"{stage}.{block}.conv{conv}.weight", 32, 32, 3, 3)
                drawn.norm(f"{stage}.{block}.bn{conv}", 32)
        drawn.add(f"{stage}.0.shortcut.0.weight", 32, 32, 1, 1)
        drawn.norm(f"{stage}.0.shortcut.1", 32)
    drawn.add("head.conv2.weight", 32, 32, 3, 3)
    drawn.norm("head.bn2", 32)
    drawn.add("xvector.tdnn.linear.weight", 128, 320, 5)
    drawn.norm("xvector.tdnn.nonlinear.batchnorm", 128)
    channels = 128
    for number, layers in ((1, 12), (2, 24), (3, 16)):
        for layer in range(1, layers + 1):
            name = f"xvector.block{number}.tdnnd{layer}"
            drawn.norm(f"{name}.nonlinear1.batchnorm", channels)
            drawn.add(f"{name}.linear1.weight", 128, channels, 1)
            drawn.norm(f"{name}.nonlinear2.batchnorm", 128)
            drawn.add(f"{name}.cam_layer.linear_local.weight", 32, 128, 3)
            for one, (out, into) in (("linear1", (64, 128)), ("linear2", (32, 64))):
                drawn.add(f"{name}.cam_layer.{one}.weight", out, into, 1)
                drawn.add(f"{name}.cam_layer.{one}.bias", out)
            channels += 32
        drawn.norm(f"xvector.transit{number}.nonlinear.batchnorm", channels)
        drawn.add(f"xvector.transit{number}.linear.weight", channels // 2, channels, 1)
        channels //= 2
    drawn.norm("xvector.out_nonlinear.batchnorm", channels)
    drawn.add("xvector.dense.linear.weight", 192, 2 * channels, 1)
    drawn.norm("xvector.dense.nonlinear.batchnorm", 192, affine=False)
    return drawn.weights


@torch.no_grad()
def embedded(weights: Weights, mel: Tensor) -> Tensor:
    """``mel``, ``(n, frames, 80)``: ``(n, 192)``."""

    def conv(name: str, x: Tensor, **more: Any) -> Tensor:
        kernel = weights[f"{name}.weight"]
        return (f.conv2d if kernel.ndim == 4 else f.conv1d)(x, kernel, weights.get(f"{name}.bias"), **more)

    def norm(name: str, x: Tensor) -> Tensor:
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return f.batch_norm(x, mean, variance, weights.get(f"{name}.weight"), weights.get(f"{name}.bias"))

    def residual(name: str, x: Tensor, stride: int) -> Tensor:
        told = norm(f"{name}.bn1", conv(f"{name}.conv1", x, stride=(stride, 1), padding=1)).relu()
        told = norm(f"{name}.bn2", conv(f"{name}.conv2", told, padding=1))
        if stride > 1:
            x = norm(f"{name}.shortcut.1", conv(f"{name}.shortcut.0", x, stride=(stride, 1)))
        return (told + x).relu()

    def layer(name: str, x: Tensor, dilation: int) -> Tensor:
        x = norm(
            f"{name}.nonlinear2.batchnorm", conv(f"{name}.linear1", norm(f"{name}.nonlinear1.batchnorm", x).relu())
        )
        x = x.relu()
        pieces = f.avg_pool1d(x, 100, 100, ceil_mode=True).repeat_interleave(100, -1)[..., : x.shape[-1]]
        context = conv(f"{name}.cam_layer.linear1", x.mean(-1, keepdim=True) + pieces).relu()
        local = conv(f"{name}.cam_layer.linear_local", x, padding=dilation, dilation=dilation)
        return local * conv(f"{name}.cam_layer.linear2", context).sigmoid()

    x = norm("head.bn1", conv("head.conv1", mel.transpose(1, 2)[:, None], padding=1)).relu()
    for name in ("layer1", "layer2"):
        x = residual(f"head.{name}.1", residual(f"head.{name}.0", x, 2), 1)
    x = norm("head.bn2", conv("head.conv2", x, stride=(2, 1), padding=1)).relu().flatten(1, 2)
    x = norm("xvector.tdnn.nonlinear.batchnorm", conv("xvector.tdnn.linear", x, stride=2, padding=2)).relu()
    for number, layers, dilation in ((1, 12, 1), (2, 24, 2), (3, 16, 2)):
        for one in range(1, layers + 1):
            x = torch.cat((x, layer(f"xvector.block{number}.tdnnd{one}", x, dilation)), 1)
        name = f"xvector.transit{number}"
        x = conv(f"{name}.linear", norm(f"{name}.nonlinear.batchnorm", x).relu())
    x = norm("xvector.out_nonlinear.batchnorm", x).relu()
    x = torch.cat((x.mean(-1), x.std(-1)), -1)[..., None]
    return norm("xvector.dense.nonlinear.batchnorm", conv("xvector.dense.linear", x))[..., 0]
