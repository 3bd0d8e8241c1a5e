from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from kubelore.errors import DataError, UsageError
from kubelore.knowledge.embed import StaticEmbedder, default_embedder, folder_embedder

TEXTS = ["Pod is OOMKilled", "exit code 137 (out of memory)", "How do I bake bread?"]


def test_unweighted_it_gives_what_wordllama_itself_gives() -> None:
    from wordllama.inference import WordLlamaInference

    packaged = default_embedder()
    plain = StaticEmbedder("plain", 256, packaged.weights, packaged.tokenizer)
    vectors = load_file(packaged.weights)["embedding.weight"]
    reference = WordLlamaInference(vectors, Tokenizer.from_file(str(packaged.tokenizer)))
    assert np.allclose(plain.embed(TEXTS), reference.embed(TEXTS, norm=True), atol=1e-5)


def test_vectors_have_unit_length_and_like_texts_are_near() -> None:
    vectors = default_embedder().embed(["CrashLoopBackOff", "the pod crashes in a loop", "bake bread"])
    assert vectors.shape == (3, default_embedder().dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.4 > vectors[0] @ vectors[2]


def test_a_text_without_a_word_gives_a_row_of_zeros_and_the_others_their_vectors() -> None:
    vectors = default_embedder().embed(["", "pod", " - ", "node"])
    assert vectors.any(axis=1).tolist() == [False, True, False, True]
    assert default_embedder().embed([]).shape == (0, 256)


def test_a_batch_gives_what_each_text_gives() -> None:
    many = [f"{text} {number}" for number in range(200) for text in TEXTS]
    assert np.allclose(default_embedder().embed(many)[5], default_embedder().embed([many[5]])[0], atol=1e-6)


def test_the_packaged_model_is_read_without_the_network_or_wordllama_itself() -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "from kubelore.knowledge.embed import default_embedder\n"
        "assert default_embedder().embed(['pod']).any()\n"
        "assert not {'wordllama', 'requests', 'huggingface_hub'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def _folder(path: Path, **tensors: np.ndarray) -> Path:
    path.mkdir()
    words = Tokenizer(WordLevel({"<unk>": 0, "pod": 1, "node": 2}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    words.save(str(path / "tokenizer.json"))
    save_file(tensors, path / "model.safetensors")
    return path


def test_a_folder_with_a_static_model_is_read_with_its_weights(tmp_path: Path) -> None:
    table = np.array([[9, 9], [1, 0], [0, 1]], np.float16)
    folder = _folder(tmp_path / "m", embeddings=table, weights=np.array([1, 3, 4], np.float32))
    embedder = folder_embedder(folder)
    assert embedder.dimension == 2
    assert embedder.embed(["pod node strange"]).tolist() == [pytest.approx([0.6, 0.8])]
    assert not embedder.embed(["strange"]).any()


def test_two_models_never_have_one_name(tmp_path: Path) -> None:
    one = folder_embedder(_folder(tmp_path / "m", embeddings=np.eye(3, dtype=np.float32)))
    (tmp_path / "other").mkdir()
    other = folder_embedder(_folder(tmp_path / "other" / "m", embeddings=2 * np.eye(3, dtype=np.float32)))
    assert one.name != other.name


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no model\.safetensors"):
        folder_embedder(tmp_path)


def test_a_broken_model_is_a_data_error(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "m", embeddings=np.eye(3, dtype=np.float32))
    (folder / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"model\.safetensors"):
        folder_embedder(folder)
    _folder(tmp_path / "n", embeddings=np.eye(3, dtype=np.float32))
    (tmp_path / "n" / "tokenizer.json").write_text(json.dumps({"model": 1}))
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        folder_embedder(tmp_path / "n")


def test_settings_choose_the_embedder(tmp_path: Path) -> None:
    from kubelore import build

    folder = _folder(tmp_path / "m", embeddings=np.eye(3, dtype=np.float32))
    assert build.embedder(build.Settings(embedder=f"static:{folder}")).dimension == 3
    assert build.embedder(build.Settings()) is default_embedder()
    with pytest.raises(UsageError, match="no embedder word2vec"):
        build.embedder(build.Settings(embedder="word2vec"))
