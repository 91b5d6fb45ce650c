"""The audio tower of CLAP, rebuilt from a ``ClapModel``'s weights: the same embeddings with less work.

It leaves out what our windows never need (four mel copies, the fusion of long clips) and precomputes constants: batch
norm as a factor and an offset, one product for query, key and value, the sum of position bias and shift mask, shifts
and cuts as one gather, the patch convolution as one product.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from server.errors import SettingsError
from server.model.clap.geometry import Squares, merged, patches, reordering, stretching
from server.model.clap.spectrogram import N_FRAMES, N_MELS

MOST_SPEC = 1_024
"""Maximum side of the folded spectrogram; it is 256, and the precomputed tables grow with its square."""


class Block(nn.Module):
    """One transformer block over tokens in the order of its squares: ``(n, tokens, dim)`` to the same."""

    bias: Tensor

    @torch.no_grad()
    def __init__(self, layer: Any, squares: Squares) -> None:
        """``layer``: a ``ClapAudioLayer``."""
        super().__init__()
        attention = layer.attention.self
        self.heads = attention.num_attention_heads
        self.squares = squares
        self.before, self.after = layer.layernorm_before, layer.layernorm_after
        self.qkv = nn.ModuleList([_stacked(attention.query, attention.key, attention.value)])
        self.out = layer.attention.output.dense
        self.up, self.down = layer.intermediate.dense, layer.output.dense
        tokens = squares.size**2
        table = attention.relative_position_bias_table[attention.relative_position_index.flatten()]
        bias = table.view(tokens, tokens, self.heads).permute(2, 0, 1)[None]
        mask = squares.mask()
        self.register_buffer("bias", (bias if mask is None else bias + mask[:, None]).contiguous())

    def split(self) -> None:
        """Query, key and value as three products instead of one, over the same weights."""
        together = self.qkv[0]
        assert isinstance(together, nn.Linear)
        rows = together.out_features // 3
        self.qkv = nn.ModuleList([_rows_of(together, start, start + rows) for start in range(0, 3 * rows, rows)])

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(n, side², dim)`` in the order of this block's squares; the order stays."""
        n, _, dim = x.shape
        tokens, size = self.squares.size**2, dim // self.heads
        q, k, v = self._heads(self.before(x), tokens, size)
        bias = self.bias
        if self.squares.shift and n > 1:
            # Each square has its own mask. With squares as heads of a window, all windows share the masks.
            q, k, v = (part.reshape(n, -1, tokens, size) for part in (q, k, v))
            bias = bias.view(1, -1, tokens, tokens)
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).view(-1, self.heads, tokens, size)
        x = x + self.out(heard.transpose(1, 2).reshape(x.shape))
        made: Tensor = x + self.down(F.gelu(self.up(self.after(x))))
        return made

    def _heads(self, x: Tensor, tokens: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each ``(n * squares, heads, tokens, size)``."""
        if len(self.qkv) == 1:
            q, k, v = self.qkv[0](x).view(-1, tokens, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        else:
            q, k, v = (part(x).view(-1, tokens, self.heads, size).transpose(1, 2) for part in self.qkv)
        return q, k, v


class Gather(nn.Module):
    """Reorders tokens ``(n, tokens, dim)``; merges four into one if the index is ``(m, 4)``."""

    index: Tensor

    def __init__(self, index: Tensor) -> None:
        super().__init__()
        self.group = index.shape[1] if index.ndim == 2 else 1
        self.register_buffer("index", index.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(n, t, dim)`` to ``(n, t / group, group * dim)``, in the order of the next block."""
        return x.index_select(1, self.index).view(x.shape[0], -1, self.group * x.shape[2])


class LeanTower(nn.Module):
    """Log-mel to embedding: float32 ``(n, 1001, 64)`` in dB to float32 ``(n, projection)`` of length 1.

    Equals ``ClapModel.get_audio_features`` with four copies of the mel and ``is_longer`` false. Whatever the dtype of
    the weights (``to_dtype``), mel and projection are float32.
    """

    factor: Tensor
    offset: Tensor
    taps: Tensor
    weights: Tensor
    cells: Tensor

    @torch.no_grad()
    def __init__(self, model: Any) -> None:
        """``model``: a ``transformers.ClapModel``. Its weights are taken over: it cannot embed audio afterwards.

        Raises SettingsError for an architecture that this tower does not support.
        """
        super().__init__()
        encoder, config = model.audio_model.audio_encoder, model.config.audio_config
        check_architecture(config)
        norm = encoder.batch_norm
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        stretched = config.spec_size * (config.spec_size // config.num_mel_bins)
        side = config.spec_size // config.patch_size
        taps, weights = stretching(N_FRAMES, stretched)
        squares = Squares.of_block(side, config.window_size, 0)
        self.register_buffer("factor", factor.detach())
        self.register_buffer("offset", (norm.bias - norm.running_mean * factor).detach())
        self.register_buffer("taps", taps)
        self.register_buffer("weights", weights[:, :, None])
        self.register_buffer("cells", patches(stretched, N_MELS, config.patch_size)[squares.order()].flatten())
        convolution = encoder.patch_embed.proj
        self.patch = nn.Linear(config.patch_size**2, convolution.out_channels)
        self.patch.weight, self.patch.bias = nn.Parameter(convolution.weight.flatten(1)), convolution.bias
        self.steps = nn.Sequential(encoder.patch_embed.norm, *_steps(encoder.layers, squares, config.window_size))
        self.norm = encoder.norm
        self.project = nn.Sequential(model.audio_projection.linear1, nn.ReLU(), model.audio_projection.linear2)
        self.requires_grad_(False)
        self.eval()

    def to_dtype(self, dtype: torch.dtype) -> "LeanTower":
        """Convert the transformer's weights to ``dtype``, in place; the embedding stays float32."""
        for part in (self.patch, self.steps, self.norm):
            part.to(dtype)
        return self

    def split(self) -> "LeanTower":
        """In place: three products per block instead of one. OpenVINO then fuses an attention with its transpositions
        into one kernel (a seventh of the time in bf16); torch is slower this way."""
        for step in self.steps:
            if isinstance(step, Block):
                step.split()
        return self

    def forward(self, mel: Tensor) -> Tensor:
        """Log-mels ``(n, 1001, 64)`` in dB to embeddings ``(n, projection)`` of length 1."""
        x = mel * self.factor + self.offset
        parts = [x.index_select(1, self.taps[tap]) * self.weights[tap] for tap in range(4)]
        x = (parts[0] + parts[1] + parts[2] + parts[3]).flatten(1)
        x = x.index_select(1, self.cells).view(mel.shape[0], -1, self.patch.in_features)
        x = self.norm(self.steps(self.patch(x.to(self.patch.weight.dtype))))
        return F.normalize(self.project(x.float().mean(1)), dim=-1)


def _steps(stages: Any, squares: Squares, window: int) -> list[nn.Module]:
    """Blocks, and between them the reordering of tokens for the next one."""
    steps: list[nn.Module] = []
    last = squares
    for stage in stages:
        for number, layer in enumerate(stage.blocks):
            squares = Squares.of_block(last.side, window, number)
            if squares != last:
                steps.append(Gather(reordering(last.order(), squares.order())))
            steps.append(Block(layer, squares))
            last = squares
        if stage.downsample is not None:
            squares = Squares.of_block(last.side // 2, window, 0)
            four = merged(last.side, squares.order())
            steps += [Gather(reordering(last.order(), four)), stage.downsample.norm, stage.downsample.reduction]
            last = squares
    return steps


def _stacked(*layers: nn.Linear) -> nn.Linear:
    """One product for several layers: their outputs one after the other."""
    both = nn.Linear(
        layers[0].in_features, sum(layer.out_features for layer in layers), bias=layers[0].bias is not None
    )
    both.weight = nn.Parameter(torch.cat([layer.weight for layer in layers]))
    if layers[0].bias is not None:
        both.bias = nn.Parameter(torch.cat([layer.bias for layer in layers]))
    return both


def _rows_of(layer: nn.Linear, start: int, end: int) -> nn.Linear:
    """A layer for outputs ``start`` to ``end`` of ``layer``, sharing its memory."""
    part = nn.Linear(layer.in_features, end - start, bias=layer.bias is not None, device="meta")
    part.weight = nn.Parameter(layer.weight[start:end], requires_grad=False)
    if layer.bias is not None:
        part.bias = nn.Parameter(layer.bias[start:end], requires_grad=False)
    return part


def check_architecture(config: Any) -> None:
    """Raises SettingsError if a ``ClapAudioConfig`` does not belong to the family of laion/clap-htsat-fused."""
    side = config.spec_size // config.patch_size
    sides = [side >> stage for stage in range(len(config.depths))]
    faults = {
        f"num_mel_bins {config.num_mel_bins}": config.num_mel_bins != N_MELS,
        f"spec_size {config.spec_size}": config.spec_size % N_MELS != 0
        or config.spec_size**2 // N_MELS < N_FRAMES
        or config.spec_size % config.patch_size != 0
        or config.spec_size > MOST_SPEC,
        "overlapping patches": list(config.patch_stride) != [config.patch_size] * 2,
        f"fusion_type {config.fusion_type}": config.fusion_type is not None,
        "no fusion": not config.enable_fusion,
        f"hidden_act {config.hidden_act}": config.hidden_act != "gelu",
        f"projection_hidden_act {config.projection_hidden_act}": config.projection_hidden_act != "relu",
        f"window_size {config.window_size}": any(s > config.window_size and s % config.window_size for s in sides),
        f"{len(sides)} stages": sides[-1] < 1 or side % (1 << (len(sides) - 1)) != 0,
    }
    found = [name for name, wrong in faults.items() if wrong]
    if found:
        raise SettingsError(
            f"This checkpoint differs from the family of laion/clap-htsat-fused ({', '.join(found)}).", param="--clap"
        )
