"""The page that Tingqing is measured against: Gradio around the transformers pipeline for CLAP, 42 requests at a time.

    python bench/gradio_page.py --port 7860 --tokenizer FOLDER

Needs ``gradio`` beside torch and transformers, in an environment of its own: it is no part of this project. ``FOLDER``:
the published configuration and tokenizer; the weights are random, which cost as much as real ones. Imports nothing of
Tingqing.
"""

import argparse
from pathlib import Path
from typing import Any

import gradio
import torch
from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel, pipeline

AT_ONCE = 42
TEXTS = (
    "clear speech of one person",
    "speech with loud background noise",
    "music",
    "several people talking at once",
    "a child crying",
)


def page(folder: Path) -> Any:
    """``(audio file) -> shares of the texts``, as its own documentation writes it."""
    torch.manual_seed(0)
    classify = pipeline(
        "zero-shot-audio-classification",
        model=ClapModel(ClapConfig.from_pretrained(folder)).eval(),
        feature_extractor=ClapFeatureExtractor.from_pretrained(folder),
        tokenizer=AutoTokenizer.from_pretrained(folder),
    )

    def judge(path: str) -> dict[str, float]:
        return {each["label"]: each["score"] for each in classify(path, candidate_labels=list(TEXTS))}

    return gradio.Interface(judge, gradio.Audio(type="filepath"), gradio.Label(), api_name="judge")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--tokenizer", type=Path, required=True)
    given = parser.parse_args()
    shown = page(given.tokenizer).queue(default_concurrency_limit=AT_ONCE)
    shown.launch(server_name="127.0.0.1", server_port=given.port, quiet=True)
