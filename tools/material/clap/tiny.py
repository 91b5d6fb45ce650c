"""CLAP models with random weights: tiny ones, and the published architecture with a minimal text tower."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import ClapConfig, ClapModel

TINY_AUDIO = {
    "patch_embeds_hidden_size": 16,
    "depths": [2, 2],
    "num_attention_heads": [2, 4],
    "hidden_size": 32,
    "projection_dim": 24,
    "spec_size": 256,
    "window_size": 8,
    "enable_fusion": True,
}
TINY_TEXT = {
    "vocab_size": 400,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "projection_dim": 24,
    "max_position_embeddings": 66,
}
TEXTS = [
    "a person speaking in a quiet room",
    "clear speech with no background sound",
    "a person speaking in a noisy crowd",
    "speech drowned out by loud background noise",
]


def tiny_model(seed: int = 0, **audio: Any) -> ClapModel:
    return random_model({**TINY_AUDIO, **audio}, TINY_TEXT, 24, seed)


def full_size_audio(seed: int) -> ClapModel:
    """The audio tower of laion/clap-htsat-fused: the defaults of transformers, except for the fusion."""
    audio = {"enable_fusion": True, "enable_patch_fusion": True, "projection_dim": 512}
    return random_model(audio, {**TINY_TEXT, "projection_dim": 512}, 512, seed)


def random_model(audio: dict[str, Any], text: dict[str, Any], projection: int, seed: int) -> ClapModel:
    """Weights with which every part has an effect: a batch norm that changes values, position biases that matter."""
    config = ClapConfig(audio_config=audio, text_config=text, projection_dim=projection)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = ClapModel(config)
    model.train(False)
    norm: Any = model.audio_model.audio_encoder.batch_norm
    with torch.no_grad():
        norm.running_mean.uniform_(-60, -10, generator=generator)
        norm.running_var.uniform_(50, 300, generator=generator)
        norm.weight.uniform_(0.5, 1.5, generator=generator)
        norm.bias.uniform_(-0.5, 0.5, generator=generator)
        for name, weight in model.named_parameters():
            if "bias_table" in name:
                weight.normal_(0, 0.5, generator=generator)
            elif name.endswith("bias"):
                weight.normal_(0, 0.02, generator=generator)
    return model


def embedding_of(model: ClapModel, mel: torch.Tensor) -> torch.Tensor:
    """What transformers makes of log-mels ``(n, 1001, 64)`` with ``is_longer`` false."""
    copies = mel[:, None].repeat(1, 4, 1, 1)
    is_longer = torch.zeros(mel.shape[0], 1, dtype=torch.bool)
    with torch.inference_mode():
        features = model.get_audio_features(input_features=copies, is_longer=is_longer)
    embedding: torch.Tensor = features.pooler_output
    return embedding


def save_checkpoint(folder: Path, seed: int = 0) -> Path:
    """A checkpoint in the Hugging Face layout: model, its own small tokenizer, feature extractor."""
    return save(tiny_model(seed), trained_tokenizer(TEXTS), folder)


def save(model: Any, tokenizer: Any, folder: Path) -> Path:
    from transformers import ClapFeatureExtractor, ClapProcessor

    extractor = ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation="fusion", padding="repeatpad", max_length_s=10
    )
    model.save_pretrained(folder)
    processor: Any = ClapProcessor
    processor(extractor, tokenizer).save_pretrained(folder)
    return folder


def trained_tokenizer(texts: Sequence[str], vocabulary: int = 400) -> Any:
    """A byte-level BPE tokenizer like RoBERTa's, with at most that many tokens, learned from ``texts``."""
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.processors import RobertaProcessing
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
        model_max_length=64,
    )
