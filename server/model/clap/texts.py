"""Embeddings of label texts: each is computed once, and never while a window waits."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from server.values.audio import Float32Array

CAPACITY = 65_536
"""Cached texts; the least recently used go first. 2 kB each, 134 MB when full. The shipped dictionaries have under 200,
and a label set of ad hoc labels at most 1,000 (``dictionaries.adhoc``), so 64 such sessions do not displace each
other's texts, which would make windows wait for the text tower."""

BATCH = 32
SOME = 16
MAX_TOKENS = 77
"""Longer label texts are cut (the text tower would take 512): an ad hoc label has at most 200 characters. A text tower
with fewer positions cuts earlier."""


class TextEmbedder:
    """Embeddings of length 1, cached by (revision, text). Thread-safe; one text tower run at a time."""

    def __init__(self, tokenizer: Any, text_model: Any, projection: Any, revision: str) -> None:
        """``text_model``, ``projection``: those of a ``ClapModel``, in evaluation mode, float32."""
        self._tokenizer = tokenizer
        self._model = text_model
        self._projection = projection
        self._revision = revision
        # RoBERTa's positions begin after that of padding (transformers' ``ClapTextEmbeddings``).
        places = text_model.config.max_position_embeddings - text_model.config.pad_token_id - 1
        self._most_tokens = min(MAX_TOKENS, places)
        self._known: OrderedDict[tuple[str, str], Float32Array] = OrderedDict()
        self._running = threading.Lock()
        self._books = threading.Lock()

    def embed(self, texts: Sequence[str]) -> list[Float32Array]:
        """One embedding per text, float32 ``(projection,)``; only texts not seen before run through the tower."""
        wanted = list(dict.fromkeys(texts))
        found = self._look_up(wanted)
        if len(found) < len(wanted):
            with self._running:
                found |= self._look_up([text for text in wanted if text not in found])
                missing = sorted((text for text in wanted if text not in found), key=len)
                for start in range(0, len(missing), BATCH):
                    found |= self._run(missing[start : start + BATCH])
        return [found[text] for text in texts]

    def embed_some(self, texts: Sequence[str]) -> bool:
        """Embed a few new texts, for under half a second on a CPU; True while more are left."""
        with self._running:
            found = self._look_up(list(dict.fromkeys(texts)))
            missing = sorted({text for text in texts if text not in found}, key=lambda text: (len(text), text))
            if missing:
                self._run(missing[:SOME])
        return len(missing) > SOME

    def _look_up(self, texts: Sequence[str]) -> dict[str, Float32Array]:
        with self._books:
            found = {}
            for text in texts:
                key = (self._revision, text)
                if key in self._known:
                    self._known.move_to_end(key)
                    found[text] = self._known[key]
            return found

    def _run(self, texts: Sequence[str]) -> dict[str, Float32Array]:
        device = next(self._model.parameters()).device
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._most_tokens, return_tensors="pt"
        )
        with torch.inference_mode():
            pooled = self._model(
                input_ids=tokens["input_ids"].to(device), attention_mask=tokens["attention_mask"].to(device)
            ).pooler_output
            made = torch.nn.functional.normalize(self._projection(pooled), dim=-1).cpu().numpy()
        new = {text: np.array(row, np.float32) for text, row in zip(texts, made, strict=True)}
        with self._books:
            for text, row in new.items():
                row.flags.writeable = False
                self._known[self._revision, text] = row
            while len(self._known) > CAPACITY:
                self._known.popitem(last=False)
        return new
