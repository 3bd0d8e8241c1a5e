from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from kubelore.errors import DataError, UsageError
from kubelore.knowledge.embed_onnx import OnnxEmbedder

TABLE = np.array([[0, 0], [3, 0], [0, 4]], np.float32)
"""Vectors of [PAD], pod, node."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model whose token states are rows of a table."""
    path = tmp_path / "tiny"
    (path / "onnx").mkdir(parents=True)
    words = Tokenizer(WordLevel({"[PAD]": 0, "pod": 1, "node": 2}, unk_token="[PAD]"))
    words.pre_tokenizer = Whitespace()
    words.save(str(path / "tokenizer.json"))
    tokens = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])
    states = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["texts", "tokens", 2])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [tokens],
        [states],
        [numpy_helper.from_array(TABLE, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path / "onnx" / "model.onnx")
    return path


def test_a_text_is_the_mean_of_its_tokens_and_padding_counts_for_nothing(folder: Path) -> None:
    vectors = OnnxEmbedder(folder).embed(["pod", "pod node", "", "node node node"])
    assert np.allclose(vectors, [[1, 0], [0.6, 0.8], [0, 0], [0, 1]])


def test_pooling_and_length_are_what_the_folder_says(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert np.allclose(OnnxEmbedder(folder).embed(["node pod pod"]), [[0, 1]])
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 1}))
    assert np.allclose(OnnxEmbedder(folder).embed(["node pod pod"]), [[0, 1]])


def test_its_name_says_which_model_it_is(folder: Path) -> None:
    made = OnnxEmbedder(folder)
    assert made.name.startswith("onnx:tiny/")
    assert made.dimension == 2


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.onnx"):
        OnnxEmbedder(tmp_path)


@pytest.mark.parametrize("file", ["onnx/model.onnx", "tokenizer.json", "sentence_bert_config.json"])
def test_a_broken_file_is_named(folder: Path, file: str) -> None:
    (folder / file).write_text("{broken")
    with pytest.raises(DataError, match=Path(file).name.replace(".", r"\.")):
        OnnxEmbedder(folder)
