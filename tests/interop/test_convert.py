"""Models of every Keras: the writer's outputs are met, and a sabotaged conversion is caught, the right layer named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.fixtures import NAMES, calls, model_file
from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop import parity
from throughtime.interop.convert import convert, load, proven, read_stored
from throughtime.interop.functions import Function
from throughtime.interop.keras.recurrent import trace_of
from throughtime.interop.model import Graph, ImportedModel
from throughtime.interop.run import Past
from throughtime.recurrence import Recurrence


def test_there_are_fixtures_of_every_age() -> None:
    assert len(NAMES) > 40
    assert {name.split("-")[1][:1] for name in NAMES if name.startswith("keras-")} == {"1", "2", "3"}


@pytest.mark.parametrize("name", NAMES)
def test_the_writers_outputs_are_met(name: str) -> None:
    model, past = convert(model_file(name)).model, Past() if "stateful" in name else None
    for inputs, output in calls(name):
        np.testing.assert_allclose(model.predict(*inputs, past=past), output, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if "stateful" in n])
def test_a_stateful_model_goes_on(name: str) -> None:
    model, ((first, _), (second, output)) = convert(model_file(name)).model, calls(name)
    assert np.abs(model.predict(*second) - output).max() > 1e-3
    past = Past()
    model.predict(*first, past=past)
    np.testing.assert_allclose(model.predict(*second, past=past), output, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES[::4])
def test_each_conversion_is_proven(name: str) -> None:
    proof = convert(model_file(name)).proof()
    assert proof.good
    assert any(layer.compared for layer in proof.layers)


Change = Callable[[dict[str, np.ndarray], kinds.Recurrent], "tuple[dict[str, np.ndarray], kinds.Recurrent] | None"]


def _swap(a: str, b: str) -> Change:
    def change(weights: dict[str, np.ndarray], layer: kinds.Recurrent) -> Any:
        if not {f"0.{a}", f"0.{b}"} <= weights.keys():
            return None
        return {**weights, f"0.{a}": weights[f"0.{b}"], f"0.{b}": weights[f"0.{a}"]}, layer

    return change


def _functions(kind: str, f: str, g: str) -> Change:
    def change(weights: dict[str, np.ndarray], layer: kinds.Recurrent) -> Any:
        (cell,) = layer.cells
        trace = trace_of(kind, Function(f), Function(g), 0)
        if list(trace.parameters) != list(cell.trace.parameters):
            return None
        return weights, layer.replaced(cells=(Recurrence(trace, cell.sizes),))

    return change


def _turned(weights: dict[str, np.ndarray], layer: kinds.Recurrent) -> Any:
    return weights, layer.replaced(back=not layer.back)


def _first(a: str) -> Change:
    def change(weights: dict[str, np.ndarray], layer: kinds.Recurrent) -> Any:
        name = f"0.{a}"
        return None if name not in weights else ({**weights, name: weights[name] * np.float32(1.001)}, layer)

    return change


SABOTAGE: dict[str, Change] = {
    "gates i and f": _swap("W_xi", "W_xf"),
    "gates i and o of the state": _swap("W_hi", "W_ho"),
    "gates f and o": _swap("W_xf", "W_xo"),
    "candidate and input": _swap("W_xc", "W_xi"),
    "biases i and f": _swap("b_i", "b_f"),
    "biases c and o": _swap("b_c", "b_o"),
    "gates z and r": _swap("W_xz", "W_xr"),
    "gates z and r of the state": _swap("W_hz", "W_hr"),
    "biases z and r": _swap("b_z", "b_r"),
    "the two biases of n": _swap("b_xn", "b_hn"),
    "gates z and n": _swap("W_xz", "W_xn"),
    "one bias a thousandth off": _first("b_i"),
    "one matrix a thousandth off": _first("W_hh"),
    "hard gates": _functions("lstm", "tanh", "hard_sigmoid"),
    "soft gates": _functions("lstm", "tanh", "sigmoid"),
    "candidate by relu": _functions("lstm", "relu", "sigmoid"),
    "hard gates of a GRU": _functions("gru", "tanh", "hard_sigmoid"),
    "reset before": _functions("gru", "tanh", "sigmoid"),
    "soft gates of a GRU": _functions("gru_reset_after", "tanh", "hard_sigmoid"),
    "direction": _turned,
}
"""What a conversion can get wrong; None from a change that a layer cannot have."""

VICTIMS = (
    "keras-1.0.8-lstm",
    "keras-1.0.8-branches",
    "keras-2.2.5-gru_fused",
    "keras-2.3.1-branches",
    "keras-3-nested",
)
VICTIMS += (
    "keras-3-lstm_hard",
    "tf_keras-gru_after",
    "tf_keras-encoder",
    "keras-3-gru_after",
    "keras-1.2.2-masked_both",
)


def sabotaged(model: ImportedModel, name: str) -> list[tuple[str, ImportedModel]]:
    """Every layer of a model with something wrong, and its name."""
    found = []
    for number, layer in enumerate(model.graph.layers):
        way, inner = ("back.", layer.back) if isinstance(layer, kinds.Bidirectional) else ("", layer)
        if not isinstance(inner, kinds.Recurrent):
            continue
        start = f"{number}.{way}"
        own = {k.removeprefix(start): v for k, v in model.parameters.items() if k.startswith(start)}
        changed = SABOTAGE[name](own, inner)
        if changed is None:
            continue
        weights, other = changed
        if other == inner and all(np.array_equal(weights[k], own[k]) for k in own):
            continue
        made = [*model.graph.layers]
        made[number] = layer.replaced(back=other) if isinstance(layer, kinds.Bidirectional) else other
        graph = dataclasses.replace(model.graph, layers=tuple(made))
        parameters = {**model.parameters, **{start + k: v for k, v in weights.items()}}
        found.append((model.graph.names[number], ImportedModel(graph, parameters)))
    return found


def test_sabotage_is_caught_and_the_right_layer_named() -> None:
    count = 0
    for victim in VICTIMS:
        conversion = convert(model_file(victim))
        for name in SABOTAGE:
            for layer, wrong in sabotaged(conversion.model, name):
                proof = conversion.proof(wrong)
                assert not proof.good, (victim, name, layer)
                assert proof.deviates == layer, (victim, name, layer, proof.deviates)
                count += 1
    assert count >= 40


def test_a_layer_that_is_missing_is_named() -> None:
    conversion = convert(model_file("keras-2.3.1-branches"))
    graph = conversion.model.graph
    renamed = Graph((*graph.names[:-1], "other"), graph.layers, graph.nodes, graph.outputs)
    assert conversion.proof(ImportedModel(renamed, conversion.model.parameters)).deviates == graph.names[-1]


def test_stored_outputs_that_are_missed(tmp_path: Path) -> None:
    conversion, ((inputs, output),) = convert(model_file("keras-2.0.9-lstm")), calls("keras-2.0.9-lstm")
    np.savez(tmp_path / "a.npz", x0=inputs[0], y0=output)
    assert proven(conversion, tmp_path, read_stored(tmp_path / "a.npz")).given is not None
    np.savez(tmp_path / "b.npz", x0=inputs[0], y0=output + np.float32(1e-4))
    with pytest.raises(UserError, match="stored outputs are missed"):
        proven(conversion, tmp_path, read_stored(tmp_path / "b.npz"))


def test_load_takes_files_and_folders(tmp_path: Path) -> None:
    from throughtime.interop.folder import save

    model = load(model_file("keras-1.0.8-lstm"))
    save(model, tmp_path / "m")
    again = load(tmp_path / "m")
    x = calls("keras-1.0.8-lstm")[0][0][0]
    assert np.array_equal(model.predict(x), again.predict(x))
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "none.h5")
    (tmp_path / "a.xyz").write_bytes(b"1")
    with pytest.raises(UserError, match=r"expected one of \.h5"):
        load(tmp_path / "a.xyz")


def test_a_heavy_model_is_tried_with_fewer_steps_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of them where that is asked for; of a table only a row is read, so it does not count."""
    conversion = convert(model_file("keras-3-stacked"))
    weights = sum(value.size for value in conversion.model.parameters.values())
    monkeypatch.setattr(parity, "MOST_WORK", weights * 100)
    assert parity.affordable(conversion.model) == (1, 2, 3, 7, 31, 100)
    monkeypatch.setattr(parity, "MOST_WORK", weights * 1200)
    assert parity.affordable(conversion.model) == (1, 2, 3, 7, 31, 200, 1000)
    monkeypatch.setattr(parity, "HEAVY", weights - 1)
    assert parity.affordable(conversion.model) == (1, 3, 31)
    proof = conversion.proof()
    assert proof.good
    assert "longer than 31 steps is not tried" in str(proof)
    assert proof.to_json()["notes"]
    assert all(layer.single > 0 for layer in proof.layers if layer.kind == "recurrent")
    whole = conversion.proof(whole=True)
    assert "1000 steps" in whole.trials
    assert not whole.notes
    model = convert(model_file("keras-3-embedding")).model
    tables = [value.size for name, value in model.parameters.items() if name.endswith(".table")]
    monkeypatch.setattr(parity, "HEAVY", sum(value.size for value in model.parameters.values()) - sum(tables))
    assert parity.affordable(model, (1, 7)) == (1, 7)


@pytest.mark.parametrize(("mine", "theirs"), [(np.inf, 1.0), (1.0, np.inf), (np.nan, 1.0), (1.0, np.nan)])
def test_one_that_is_no_number_is_no_agreement(mine: float, theirs: float) -> None:
    assert parity.difference([0.0, mine], [0.0, theirs]) == np.inf
    assert parity.difference([0.0, np.nan], [0.25, np.nan]) == 0.25
