"""The architecture of laion/clap-htsat-fused (its ``config.json``): with these shapes, random weights cost as much as
the real ones."""

from typing import Any

AUDIO: dict[str, Any] = {
    "num_mel_bins": 64,
    "spec_size": 256,
    "patch_size": 4,
    "patch_stride": [4, 4],
    "patch_embeds_hidden_size": 96,
    "depths": [2, 2, 6, 2],
    "num_attention_heads": [4, 8, 16, 32],
    "window_size": 8,
    "mlp_ratio": 4.0,
    "hidden_size": 768,
    "hidden_act": "gelu",
    "enable_fusion": True,
    "enable_patch_fusion": True,
    "enable_patch_layer_norm": True,
    "aff_block_r": 4,
    "projection_dim": 512,
}
TEXT: dict[str, Any] = {
    "vocab_size": 50_265,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3_072,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "projection_dim": 512,
}
PROJECTION = 512
TOWER_GFLOP = 11.8
"""Of one window in the audio tower; a multiplication and an addition are two."""

LABEL_TEXTS = (
    "a person speaking in a quiet room",
    "a person speaking in a noisy crowd",
    "music playing in the background",
    "a television in the next room",
    "a person coughing",
)
"""Five labels as written for the zero-shot pipeline."""
