"""ONNX in: the files of torch's exporters."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from throughtime import interop
from throughtime.errors import UserError
from throughtime.interop import parity
from throughtime.interop.onnx.importing import proof as proofs


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short sequences."""
    plain = parity.trials
    monkeypatch.setattr(parity, "trials", lambda model, *_, **__: plain(model, 0, (1, 2, 7)))
    monkeypatch.setattr(proofs, "LENGTHS", (1, 7, 30))


class Tagger(torch.nn.Module):
    """Embedding, recurrent layers, and a dense layer over all steps or the last."""

    def __init__(self, kind: str, last: bool, **options: Any) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(11, 3)
        self.layers = getattr(torch.nn, kind)(3, 4, batch_first=True, **options)
        self.head = torch.nn.Linear(8 if options.get("bidirectional") else 4, 2)
        self.last = last

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, h = self.layers(self.table(tokens))
        h = h[0] if isinstance(h, tuple) else h
        return torch.log_softmax(self.head(y[:, -1] if self.last else y), -1), h[-1]


@pytest.mark.parametrize(
    ("kind", "last", "options", "dynamo"),
    [
        ("LSTM", True, {"num_layers": 2}, False),
        pytest.param("LSTM", False, {"bidirectional": True}, True, marks=pytest.mark.long),
        pytest.param("GRU", True, {"bidirectional": True, "num_layers": 2}, True, marks=pytest.mark.long),
        ("RNN", False, {"nonlinearity": "relu"}, False),
        ("RNN", False, {"nonlinearity": "relu"}, True),
    ],
)
def test_torch_exporters(tmp_path: Path, kind: str, last: bool, options: dict[str, Any], dynamo: bool) -> None:
    if dynamo:
        pytest.importorskip("onnxscript")
    torch.manual_seed(1)
    model, tokens, file = Tagger(kind, last, **options).eval(), torch.randint(0, 11, (2, 6)), tmp_path / "a.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            shapes = ({0: torch.export.Dim("b", min=1, max=99), 1: torch.export.Dim("t", min=1, max=9999)},)
            torch.onnx.export(model, (tokens,), file, dynamo=True, dynamic_shapes=shapes, verbose=False)
        else:
            axes = {"x": {0: "b", 1: "t"}}
            torch.onnx.export(model, (tokens,), file, dynamo=False, input_names=["x"], dynamic_axes=axes)
    if dynamo and kind == "RNN":  # written step by step, for the length of the example alone
        with pytest.raises(UserError, match="MatMul"):
            interop.load(file)
        return
    found = interop.load(file).predict(tokens.numpy())
    with torch.no_grad():
        for one, other in zip(found, model(tokens), strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=1e-5)
