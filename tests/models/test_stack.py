"""A language model's configuration: what fits together, and the way through JSON."""

from __future__ import annotations

import json

import pytest

from throughtime import cells
from throughtime.errors import UserError
from throughtime.models.stack import Dropout, Stack
from throughtime.recurrence import Recurrence
from throughtime.tasks.text.model import LanguageConfig

LSTM, GRU = cells.make("lstm").trace(), cells.make("gru").trace()


def config(**options: object) -> LanguageConfig:
    return LanguageConfig.stack(11, 5, [LSTM, GRU], [7, 6], **options)  # type: ignore[arg-type]


def test_layers_take_what_comes_from_below() -> None:
    made = config()
    assert [layer.sizes for layer in made.layers] == [{"I": 5, "H": 7}, {"I": 7, "H": 6}]
    assert made.layers[0].state_sizes == (7, 7)
    assert made.shapes["layers.1.W_xz"] == (6, 7)
    assert made.shapes["output.W_hy"] == (11, 6)


def test_layers_of_one_size_and_of_two_directions() -> None:
    made = Stack.of([LSTM, GRU, GRU], 5, 4, bidirectional=True)
    assert [[layer.sizes for layer in directions] for directions in made.layers] == [
        [{"I": 5, "H": 4}] * 2,
        [{"I": 8, "H": 4}] * 2,
        [{"I": 8, "H": 4}] * 2,
    ]


def test_tied_has_no_output_matrix_and_a_projection_only_where_sizes_differ() -> None:
    assert config(tied=True).shapes["output.W_hp"] == (5, 6)
    same = LanguageConfig.stack(11, 6, [GRU], 6, tied=True).shapes
    assert "output.W_hp" not in same
    assert "output.W_hy" not in same


def test_json_keeps_everything() -> None:
    made = config(dropout=Dropout(0.1, 0.2, 0.3, 0.4, True), tied=True)
    back = LanguageConfig.from_json(json.loads(json.dumps(made.to_json())))
    assert back.shapes == made.shapes
    assert (back.dropout, back.tied) == (made.dropout, True)
    assert [layer.trace.to_json() for layer in back.layers] == [
        Recurrence.from_json(layer.to_json()).trace.to_json() for layer in made.layers
    ]
    assert LanguageConfig.from_json(made.to_json()).shapes == made.shapes


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: LanguageConfig.stack(11, 5, [LSTM], 0), "H must be a positive integer, got 0"),
        (lambda: LanguageConfig.stack(0, 5, [LSTM], 4), "vocabulary must be"),
        (lambda: LanguageConfig.stack(11, 5, [], 4), "at least one layer"),
        (lambda: LanguageConfig.stack(11, 5, [LSTM, LSTM], [4]), "as many hidden sizes"),
        (lambda: LanguageConfig(11, 5, (Recurrence(LSTM, {"I": 4, "H": 4}),)), "takes I=4, what comes in has 5"),
        (lambda: Dropout(output=1.0), "output must be a share"),
        (lambda: LanguageConfig.from_json({"vocabulary": 3}), "embedding, layers missing"),
        (lambda: LanguageConfig.from_json({**config().to_json(), "layers": [{"sizes": {}}]}), "trace and sizes"),
        (lambda: LanguageConfig.from_json({**config().to_json(), "dropout": {"x": 1}}), "dropout is malformed"),
        (lambda: Recurrence.from_json({"sizes": {}, "trace": {"nodes": []}}), "config.json is damaged"),
    ],
)
def test_what_does_not_fit_is_said(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=says):
        call()
