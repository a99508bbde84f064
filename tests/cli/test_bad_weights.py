"""Weights and tokenizers that are damaged, foreign or hostile: one row for each way."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from tests.cli.damage import RUN, TOKENIZER, WEIGHTS
from throughtime.data import tokenizers


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, np.ndarray]], Any]:
    def run(arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = np.ascontiguousarray(change(arrays[name]))

    return run


def everywhere(dtype: Any) -> Callable[[dict[str, np.ndarray]], Any]:
    return lambda arrays: arrays.update({name: value.astype(dtype) for name, value in arrays.items()})


def set_first(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda a: np.concatenate([[np.float32(value)], a[1:]])


ARRAYS: dict[str, tuple[Callable[[dict[str, np.ndarray]], Any], list[str]]] = {
    "missing": (lambda arrays: arrays.pop("embedding"), ["embedding missing"]),
    "unknown": (lambda arrays: arrays.update(extra=np.zeros(3, np.float32)), ["extra unknown"]),
    "many unknown": (lambda arrays: arrays.update({f"x{i}": np.zeros(1, np.float32) for i in range(99)}), ["91 more"]),
    "none": (lambda arrays: arrays.clear(), ["missing", "more"]),
    "another shape": (changed("embedding", lambda a: a[:, :3]), ["embedding must be"]),
    "transposed": (changed("embedding", lambda a: a.T), ["embedding must be"]),
    "flat": (changed("embedding", lambda a: a.ravel()), ["embedding must be"]),
    "empty": (changed("embedding", lambda a: a[:0]), ["embedding must be"]),
    "half precision": (everywhere(np.float16), ["float32", "is float16"]),
    "integers": (everywhere(np.int64), ["float32", "is int64"]),
    "mixed": (changed("embedding", lambda a: a.astype(np.float64)), ["embedding is float64"]),
    "NaN": (changed("output.b_y", set_first(np.nan)), ["output.b_y has 1 of", "NaN"]),
    "infinite": (changed("output.b_y", set_first(np.inf)), ["output.b_y has 1 of", "infinite"]),
    "overflowing": (lambda arrays: [v.fill(3e38) for v in arrays.values()], ["output is not finite"]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_weights_that_do_not_fit(model: Path, refuse: Any, name: str) -> None:
    change, words = ARRAYS[name]
    arrays = load_file(model / WEIGHTS)
    change(arrays)
    (model / WEIGHTS).write_bytes(save(arrays))
    refuse(RUN, *words)


def tensors(**tensor: Any) -> bytes:
    return json.dumps({"embedding": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **tensor}}).encode()


HEADERS: dict[str, bytes | tuple[int, bytes]] = {
    "a header of 2**63 bytes": (2**63, b"{}"),
    "a header of 2**64 - 1 bytes": (2**64 - 1, b"{}"),
    "a header longer than the file": (1000, b"{}"),
    "no header": (0, b""),
    "not json": b"hello",
    "a list": b"[]",
    "nested": b"[" * 100_000,
    "not utf-8": b'{"\xff": 1}',
    "half a surrogate pair": b'{"\\ud800": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
    "no dtype": b'{"a": {"shape": [2], "data_offsets": [0, 8]}}',
    "an unknown dtype": tensors(dtype="F31"),
    "bfloat16": tensors(dtype="BF16", shape=[4]),
    "8 bits": tensors(dtype="F8_E4M3", shape=[8]),
    "outside of the file": tensors(data_offsets=[0, 2**40]),
    "backwards": tensors(data_offsets=[8, 0]),
    "negative": tensors(data_offsets=[-8, 0]),
    "an absurd shape": tensors(shape=[2**40, 2**40]),
    "a shape of nothing": tensors(shape=[0, 2**63], data_offsets=[0, 0]),
    "a hundred dimensions": tensors(shape=[2] + [1] * 100),
    "overlapping": json.dumps({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "ab"}).encode(),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header(model: Path, refuse: Any, name: str) -> None:
    header = HEADERS[name]
    length, text = header if isinstance(header, tuple) else (len(header), header)
    (model / WEIGHTS).write_bytes(struct.pack("<Q", length) + text + bytes(8))
    refuse(RUN, "m")


BPE = tokenizers.fit("bpe", "the cat sat on the mat " * 9, 262).to_json()


def bpe(**changes: Any) -> dict[str, Any]:
    made = json.loads(json.dumps(BPE))
    for key, value in changes.items():
        (made["tokenizer"] if key in made["tokenizer"] else made["tokenizer"]["model"])[key] = value
    return dict(made)


VOCAB = BPE["tokenizer"]["model"]["vocab"]
SPLIT = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
TOKENIZERS: dict[str, tuple[Any, list[str]]] = {
    "null": (None, ["tokenizer"]),
    "a list": ([], ["tokenizer"]),
    "no kind": ({}, ['"kind"']),
    "a kind of lists": ({"kind": []}, ['"kind"']),
    "another kind": ({"kind": "letters" * 1000}, ["choose from"]),
    "no characters": ({"kind": "characters", "unknown": False}, ["'characters' is missing"]),
    "an empty vocabulary": ({"kind": "characters", "characters": "", "unknown": False}, ["each character once"]),
    "a character twice": ({"kind": "characters", "characters": "aa", "unknown": False}, ["each character once"]),
    "characters in a list": ({"kind": "characters", "characters": ["a"], "unknown": False}, ["expected text"]),
    "half a surrogate pair": ({"kind": "characters", "characters": "\ud800", "unknown": False}, ["surrogate pair"]),
    "unknown a text": ({"kind": "characters", "characters": "abc", "unknown": "no"}, ["true or false"]),
    "unknown without its sign": ({"kind": "characters", "characters": "abc", "unknown": True}, ["U+FFFD"]),
    "too few": ({"kind": "characters", "characters": "abc", "unknown": False}, ["expected", "got 3"]),
    "bytes": ({"kind": "bytes"}, ["got 256"]),
    "pieces a text": ({"kind": "words", "pieces": "abc"}, ["list of texts"]),
    "pieces of numbers": ({"kind": "words", "pieces": [1]}, ["list of texts"]),
    "an empty piece": ({"kind": "words", "pieces": [""]}, ["list of texts"]),
    "a piece twice": ({"kind": "words", "pieces": ["a", "a"]}, ["each piece once"]),
    "half a pair in a piece": ({"kind": "words", "pieces": ["\udfff"]}, ["half of a surrogate pair"]),
    "bpe of nothing": ({"kind": "bpe"}, ["'tokenizer' is missing"]),
    "bpe a list": ({"kind": "bpe", "tokenizer": []}, ["vocabulary"]),
    "bpe without a vocabulary": (bpe(vocab={}), ["256 bytes"]),
    "bpe ids out of range": (bpe(vocab={**VOCAB, "a": 10**9}), ["each once"]),
    "bpe ids twice": (bpe(vocab={**VOCAB, "a": 0}), ["each once"]),
    "bpe ids of text": (bpe(vocab={**VOCAB, "a": "x"}), ["pieces and their ids"]),
    "bpe pieces of no bytes": (bpe(vocab={**VOCAB, "\u6708": len(VOCAB)}), ["pieces of bytes"]),
    "bpe merges from nowhere": (bpe(merges=[["x", "yz"]]), ["not in the vocabulary"]),
    "bpe merges of numbers": (bpe(merges=[[1, 2]]), ["pairs of pieces"]),
    "bpe merges a text": (bpe(merges="a b"), ["pairs of pieces"]),
    "bpe with a pattern": (bpe(pre_tokenizer=SPLIT), ["ByteLevel"]),
    "bpe of another size": (BPE, [f"got {len(VOCAB)}"]),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_hostile_tokenizer(model: Path, refuse: Any, name: str) -> None:
    data, words = TOKENIZERS[name]
    (model / TOKENIZER).write_text(json.dumps(data))
    refuse(RUN, *words)
