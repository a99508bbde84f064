"""The forecaster's arithmetic: NumPy and torch agree, against a formula in plain loops; scaling; configurations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.tolerances import OUTPUT
from throughtime import cells
from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps, ReferenceOps
from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.model import ForecastConfig, forward, initial_parameters
from throughtime.tasks.forecast.scaling import Window, scaled

ROWS = 5


def make(cell: str = "gru", layers: int = 1, dtype: str = "float64", **options: Any) -> tuple[ForecastConfig, Any]:
    sizes = {"segment": 3, "segments": 4, "horizon": 7, "lags": (1, 3, 12)} | options
    traces = [cells.make(cell).trace()] * layers
    config = ForecastConfig.stack(
        *(sizes.pop(name) for name in ("segment", "segments", "horizon", "lags")),
        traces,
        **({"hidden": 6, "embedding": 5} | sizes),
    )
    rng = np.random.default_rng(1)
    drawn = initial_parameters(config, rng, dtype)
    return config, {name: value + 0.3 * rng.standard_normal(value.shape).astype(dtype) for name, value in drawn.items()}


def inputs(config: ForecastConfig, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    past = rng.standard_normal((config.segments, ROWS, 2 * config.segment))
    references = rng.standard_normal((len(config.lags), ROWS, config.horizon))
    return past.astype(dtype), references.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cell", "layers", "outputs"), [("gru", 1, 1), ("lstm", 2, 3), ("min_gru", 1, 1)])
def test_numpy_and_torch_agree(cell: str, layers: int, outputs: int, dtype: str) -> None:
    config, parameters = make(cell, layers, dtype, outputs=outputs)
    past, references = inputs(config, dtype)
    model = TorchModel(forecaster, config, parameters).eval()
    wanted = model(torch.from_numpy(past), torch.from_numpy(references)).detach().numpy()
    assert wanted.shape == (ROWS, 7, outputs)
    for ops in (NumpyOps(), ReferenceOps()):
        found = forward(ops, config, parameters, past, references)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * OUTPUT[dtype])


def test_against_the_formula() -> None:
    config, p = make("gru", outputs=2)
    past, references = inputs(config)

    def sigmoid(a: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-a))

    def gru(x: np.ndarray, h: np.ndarray) -> np.ndarray:
        w = {name.removeprefix("layers.0."): value for name, value in p.items()}
        z = sigmoid(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
        r = sigmoid(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
        return (1 - z) * h + z * np.tanh(w["W_xh"] @ x + w["W_hh"] @ (r * h) + w["b_h"])

    found = forward(NumpyOps(), config, p, past, references)
    shares = np.exp(p["mixture"]) / np.exp(p["mixture"]).sum(0)
    for row in range(ROWS):
        h = np.zeros(6)
        for s in range(config.segments):
            h = gru(np.maximum(p["input.W_xu"] @ past[s, row] + p["input.b_u"], 0), h)
        for k in range(config.horizon):
            d = gru(np.maximum(p["position"][k // 3], 0), h)
            v = (p["output.W_hy"] @ d + p["output.b_y"]).reshape(3, 2)[k % 3]
            base = sum(shares[r, k] * references[r, row, k] for r in range(3))
            np.testing.assert_allclose(found[row, k], base + v, rtol=0, atol=1e-12)


WIDE: dict[str, Any] = {"known": 2, "features": 3, "profile": True, "scaling": "series"}


def seen_of(config: ForecastConfig) -> Any:
    """Windows with features and a profile, one value missing, ready for the model."""
    rng = np.random.default_rng(3)
    steps = config.lookback + config.horizon
    values = rng.standard_normal((ROWS, config.warm + config.lookback))
    values[0, 2] = np.nan
    features = rng.standard_normal((ROWS, steps, config.features)).astype(np.float32)
    profile = rng.standard_normal((ROWS, steps))
    return scaled(config, Window(values, features, profile, np.tile([0.5, 2.0], (ROWS, 1))))


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("distribution", ["none", "student_t"])
def test_what_is_known_enters_alike(every: bool, distribution: str) -> None:
    outputs = 3 if distribution == "student_t" else 2
    options: dict[str, Any] = {**WIDE, "every": every, "distribution": distribution, "outputs": outputs}
    config, parameters = make("gru", dtype="float32", **options)
    seen = seen_of(config)
    torch_inputs = [None if v is None else torch.from_numpy(v) for v in (seen.past, seen.references, seen.ahead)]
    wanted = TorchModel(forecaster, config, parameters).eval()(*torch_inputs).detach().numpy()
    found = forward(NumpyOps(), config, parameters, seen.past, seen.references, seen.ahead)
    assert found.shape == ((4, ROWS, 7, outputs) if every else (ROWS, 7, outputs))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


def test_features_and_profiles_stand_where_they_belong() -> None:
    config, _ = make(**WIDE)
    assert config.warm == 0
    rng = np.random.default_rng(3)
    values = rng.standard_normal((ROWS, 12))
    features = rng.standard_normal((ROWS, 19, 3)).astype(np.float32)
    profile = rng.standard_normal((ROWS, 19))
    seen = scaled(config, Window(values, features, profile, np.tile([0.5, 2.0], (ROWS, 1))))
    assert seen.past.shape == (4, ROWS, config.inputs)
    rest = seen.past[1, 0, 6:].reshape(3, 4)  # of the steps of the second segment: three features and the profile
    np.testing.assert_allclose(rest[:, :3], features[0, 3:6], atol=1e-6)
    np.testing.assert_allclose(rest[:, 3], (profile[0, 3:6] - 0.5) / 2, atol=1e-6)
    assert seen.ahead is not None
    coming = seen.ahead[1, 0].reshape(3, 3)  # of the second segment to come: two that are known, and the profile
    np.testing.assert_allclose(coming[:, :2], features[0, 15:18, :2], atol=1e-6)
    np.testing.assert_allclose(coming[:, 2], (profile[0, 15:18] - 0.5) / 2, atol=1e-6)
    assert (seen.ahead[2, 0].reshape(3, 3)[1:] == 0).all()  # beyond the horizon
    np.testing.assert_allclose(seen.references[3, 0], (profile[0, 12:] - 0.5) / 2, atol=1e-6)
    moved = (values[0, 11] + profile[0, 12:] - profile[0, 11] - 0.5) / 2
    np.testing.assert_allclose(seen.references[4, 0], moved, atol=1e-6)


def test_an_output_at_every_segment_sees_only_what_came_before() -> None:
    config, parameters = make("gru", every=True, **WIDE)
    assert config.warm == 9
    rng = np.random.default_rng(3)
    values = rng.standard_normal((ROWS, 21))
    features, profile = rng.standard_normal((ROWS, 19, 3)).astype(np.float32), rng.standard_normal((ROWS, 19))
    results = []
    for changed in (False, True):
        own, more = values.copy(), features.copy()
        if changed:
            own[:, 15:] = 99.0  # what comes after the second segment
            more[:, 6:, 2] = 99.0
        seen = scaled(config, Window(own, more, profile, np.tile([0.5, 2.0], (ROWS, 1))))
        results.append(forward(NumpyOps(), config, parameters, seen.past, seen.references))
    np.testing.assert_allclose(results[0][:2], results[1][:2], rtol=0, atol=1e-12)
    assert np.abs(results[0][2:] - results[1][2:]).max() > 0.1


def test_untrained_it_is_the_mean_of_its_references() -> None:
    config, _ = make()
    past, references = inputs(config)
    found = forward(
        NumpyOps(), config, initial_parameters(config, np.random.default_rng(0), np.float64), past, references
    )
    np.testing.assert_allclose(found[..., 0], references.mean(0), rtol=0, atol=1e-12)


def test_a_window_in_its_own_scale() -> None:
    config, _ = make()
    window = np.array([[1.0, 2, 3, np.nan, 5, 6, 7, 8, 9, 10, 11, 30]])
    seen = scaled(config, Window(window))
    known = window[np.isfinite(window)]
    level = known.mean()
    scale = np.abs(known - level).mean()
    assert (seen.level[0, 0], seen.scale[0, 0]) == (pytest.approx(level), pytest.approx(scale))
    expected = np.nan_to_num((window[0] - level) / scale).reshape(4, 3)
    np.testing.assert_allclose(seen.past[:, 0, :3], expected, atol=1e-6)
    assert seen.past[:, 0, 3:].ravel().tolist() == [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    back = seen.unit(seen.references[:, 0, :, None].astype(float)[:1])
    np.testing.assert_allclose(back[0, :, 0], [30] * 7, rtol=1e-6)  # lag 1: the last value
    np.testing.assert_allclose(seen.references[1, 0] * scale + level, [10, 11, 30, 10, 11, 30, 10], rtol=1e-5)
    # lag 12: the missing value takes the last one
    np.testing.assert_allclose(seen.references[2, 0] * scale + level, [1, 2, 3, 30, 5, 6, 7], rtol=1e-5)


@pytest.mark.parametrize(
    "window", [[0.0] * 12, [7.0] * 12, [np.nan] * 12, [1e30] * 11 + [-1e30], [np.nan] * 11 + [4.0]]
)
def test_strange_windows_stay_finite(window: list[float]) -> None:
    config, _ = make()
    seen = scaled(config, Window(np.array([window])))
    for values in (seen.past, seen.references, seen.level, seen.scale):
        assert np.isfinite(values).all()
    assert (seen.scale > 0).all()


def test_configurations_survive_json() -> None:
    config, _ = make("lstm", 2, outputs=3, dropout=0.25)
    assert ForecastConfig.from_json(config.to_json()).to_json() == config.to_json()
    assert ForecastConfig.from_json(config.to_json()).shapes == config.shapes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segment": 0}, "forecaster: segment must be an integer from 1 to 1,048,576, got 0"),
        ({"horizon": 1.5}, "forecaster: horizon must be an integer from 1 to 1,048,576, got 1.5"),
        ({"lags": [13]}, "forecaster: lags must be integers from 1 to the look-back, 12, got"),
        ({"lags": []}, "forecaster: lags must be integers"),
        ({"lags": 3}, "forecaster: lags must be a list"),
        ({"dropout": 1.0}, "forecaster: dropout must be a share"),
        ({"known": 2}, "forecaster: known must be from 0 to features, got 2 and 0"),
        ({"scaling": "log"}, "forecaster: scaling must be one of window, level, last, series"),
        ({"every": True}, "forecaster: an output at every step needs scaling series"),
        ({"distribution": "student_t"}, "forecaster: student_t has 3 parameters, got outputs=1"),
        ({"layers": []}, "forecaster: expected at least one layer"),
        ({"embedding": 6}, "forecaster: layer 0 .gru. takes I=5, what comes in has 6"),
    ],
)
def test_configurations_that_do_not_fit(change: dict[str, Any], words: str) -> None:
    plain = make()[0].to_json()
    with pytest.raises(UserError, match=words):
        ForecastConfig.from_json({**plain, **change})
    with pytest.raises(UserError, match="segments missing"):
        ForecastConfig.from_json({name: value for name, value in plain.items() if name != "segments"})


def test_cells_that_read_more_are_refused() -> None:
    with pytest.raises(UserError, match="gru_d reads m, d beside x"):
        make("gru_d")
