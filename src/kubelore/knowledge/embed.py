"""The embedders that need nothing but numpy: a text is the weighted mean of the vectors of its tokens.

The default reads the weights and the tokenizer that the package `wordllama` ships, without importing it:
its own loader imports slowly and asks the network. A folder with a static model (`model.safetensors`,
`tokenizer.json`, as model2vec writes them) does as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from kubelore.errors import DataError, UsageError
from kubelore.knowledge.analyse import prose, version
from kubelore.packaged import packaged_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubelore.types import Vectors

WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")
COMMON = 0.01
"""A token with this share of all tokens counts half as much as a rare one."""
UNKNOWN = ("<unk>", "[UNK]", *(f"<0x{byte:02X}>" for byte in range(256)))
"""Tokens of what a model does not know; the last are the bytes of unknown letters."""
BATCH = 128
"""Texts pooled at once."""


def passage_text(title: str, content: str) -> str:
    """What of a passage is embedded. The title is said more than once, for it says what the rest is about."""
    return f"{title}\n{title}\n{title}\n{content}"


@cache
def default_embedder() -> StaticEmbedder:
    """The packaged model, read when it is first asked to embed."""
    spec = find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("the package wordllama is not installed", hint="pip install wordllama")
    folder = Path(spec.submodule_search_locations[0])
    return StaticEmbedder(
        f"wordllama-l2-supercat-256/{version()}",
        256,
        folder / WEIGHTS,
        folder / TOKENIZER,
        prepare=prose,
        shares=_shares(),
    )


def folder_embedder(folder: Path) -> StaticEmbedder:
    """A static model of one's own. Raises UsageError when there is none, DataError when it is broken."""
    weights, tokenizer = folder / "model.safetensors", folder / "tokenizer.json"
    for file in (weights, tokenizer):
        if not file.is_file():
            raise UsageError(
                f"{folder} has no {file.name}", hint="give the folder of a model2vec or wordllama model"
            )
    digest = sha256(weights.read_bytes()).hexdigest()[:12]
    width = _Model.read(weights, tokenizer, {}).vectors.shape[1]
    return StaticEmbedder(f"{folder.absolute().name}/{digest}", width, weights, tokenizer)


@dataclass(frozen=True)
class StaticEmbedder:
    """See `protocols.Embedder`. Nothing is read before the first `embed`."""

    name: str
    dimension: int
    weights: Path
    tokenizer: Path
    prepare: Callable[[str], str] = str
    """Writes a text as the model expects it."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of all tokens, those that are frequent in this field."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        batches = (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
        pooled = [self._model.pool([self.prepare(text) for text in batch]) for batch in batches]
        return np.concatenate(pooled) if pooled else np.zeros((0, self.dimension), np.float32)

    @cached_property
    def _model(self) -> _Model:
        return _Model.read(self.weights, self.tokenizer, self.shares)


@dataclass(frozen=True, slots=True)
class _Model:
    tokens: Tokenizer
    vectors: NDArray[np.floating[Any]]
    """Shape (rows, dimension), of the file's own precision."""
    rows: NDArray[np.int64]
    """Row of each token's vector; -1: it has none."""
    weights: NDArray[np.float32]
    """Of each token in the mean."""

    @classmethod
    def read(cls, weights: Path, tokenizer: Path, shares: Mapping[str, float]) -> _Model:
        try:
            tokens = Tokenizer.from_file(str(tokenizer))
            tensors = load_file(weights)
            vectors = tensors.get("embedding.weight", tensors.get("embeddings"))
        except (SafetensorError, OSError) as error:
            raise DataError(f"{weights}: {error}") from error
        except Exception as error:  # tokenizers raises nothing narrower
            raise DataError(f"{tokenizer}: {error}") from error
        if vectors is None or vectors.ndim != 2:
            raise DataError(f"{weights} holds no table of token vectors", hint="it must be a static model")
        tokens.no_padding()
        tokens.no_truncation()
        count = tokens.get_vocab_size()
        rows = tensors.get("mapping", np.arange(count)).astype(np.int64)
        rows[rows >= len(vectors)] = -1
        weight = tensors.get("weights", np.ones(count)).astype(np.float32)
        unknown = (tokens.token_to_id(token) for token in UNKNOWN)
        rows[[number for number in unknown if number is not None]] = -1
        for token, share in shares.items():
            weight[tokens.token_to_id(token)] *= COMMON / (COMMON + share)
        return cls(tokens, vectors, rows, weight)

    def pool(self, texts: Sequence[str]) -> Vectors:
        """One row of unit length for each text, of zeros where no token is known."""
        encoded = self.tokens.encode_batch_fast(list(texts), add_special_tokens=False)
        ids = np.fromiter((i for e in encoded for i in e.ids), np.int64)
        text = np.repeat(np.arange(len(texts)), [len(e.ids) for e in encoded])
        known = self.rows[ids] >= 0
        kinds, kind = np.unique(ids[known], return_inverse=True)
        # Words recur: a product with how often each text has each token reads few vectors.
        places = text[known] * len(kinds) + kind
        counts = np.bincount(places, minlength=len(texts) * len(kinds)).reshape(len(texts), len(kinds))
        vectors = self.vectors[self.rows[kinds]].astype(np.float32) * self.weights[kinds, None]
        sums = counts.astype(np.float32) @ vectors
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        length[length == 0] = 1
        unit: Vectors = sums / length
        return unit


def _shares() -> dict[str, float]:
    lines = packaged_text("kubelore.knowledge", "token-shares.tsv").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("# "))
    return {token: float(share) for token, share in rows}
