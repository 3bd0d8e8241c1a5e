"""A sentence transformer of one's own, from a local folder, on onnxruntime: the extra `embeddings`.

The folder is what an ONNX export of a sentence-transformers model holds: `model.onnx` or `onnx/model.onnx`,
`tokenizer.json`, and where they are there `1_Pooling/config.json` and `sentence_bert_config.json`. Nothing is
ever downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from kubelore.errors import DataError, UsageError

if TYPE_CHECKING:
    from kubelore.types import Vectors

MODELS = ("model.onnx", "onnx/model.onnx")
BATCH = 16
"""Texts computed at once."""
LONGEST = 512
"""Tokens of a text, unless the folder says less."""


class OnnxEmbedder:
    """See `protocols.Embedder`. Mean of the tokens' vectors, or the first one's where the folder says so."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError when onnxruntime or the model is missing, DataError when it cannot be read."""
        try:
            from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError(
                "this embedder needs onnxruntime", hint="pip install 'kubelore[embeddings]'"
            ) from None
        model = next((folder / name for name in MODELS if (folder / name).is_file()), None)
        if model is None or not (folder / "tokenizer.json").is_file():
            raise UsageError(
                f"{folder} has no {MODELS[0]} with a tokenizer.json",
                hint="give the folder of a sentence-transformers model that was exported to ONNX",
            )
        self._folder = folder
        options = SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises nothing narrower
            raise DataError(f"{model}: {error}") from error
        try:
            self._tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # neither does tokenizers
            raise DataError(f"{folder / 'tokenizer.json'}: {error}") from error
        self._tokens.enable_padding()
        self._tokens.enable_truncation(self._setting("sentence_bert_config.json", "max_seq_length", LONGEST))
        self._first = bool(self._setting("1_Pooling/config.json", "pooling_mode_cls_token", False))
        self.name = f"onnx:{folder.absolute().name}/{sha256(model.read_bytes()).hexdigest()[:12]}"

    @cached_property
    def dimension(self) -> int:
        return int(self._pooled(["a"]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        said = [number for number, text in enumerate(texts) if text.strip()]
        for at in range(0, len(said), BATCH):
            batch = said[at : at + BATCH]
            vectors[batch] = self._pooled([texts[number] for number in batch])
        return vectors

    def _pooled(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokens.encode_batch(list(texts))
        mask = np.array([text.attention_mask for text in encoded], np.int64)
        given = {
            "input_ids": np.array([text.ids for text in encoded], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([text.type_ids for text in encoded], np.int64),
        }
        states = self._session.run(None, {put.name: given[put.name] for put in self._session.get_inputs()})[0]
        if states.ndim == 3:
            weight = mask[:, :, None].astype(np.float32)
            states = states[:, 0] if self._first else (states * weight).sum(1) / weight.sum(1).clip(min=1)
        length = np.linalg.norm(states, axis=1, keepdims=True)
        length[length == 0] = 1
        unit: Vectors = np.asarray(states / length, np.float32)
        return unit

    def _setting(self, file: str, key: str, default: Any) -> Any:
        path = self._folder / file
        try:
            return (
                json.loads(path.read_text(encoding="utf-8")).get(key, default) if path.exists() else default
            )
        except (ValueError, AttributeError, OSError) as error:
            raise DataError(f"{path}: {error}") from error
