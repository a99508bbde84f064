"""Maps from the last values to the next ones, one for all series: linear, and with one hidden layer.

Windows are shifted by their last value and divided by the series' scale, as NLinear does: Zeng et al. 2023,
arXiv:2205.13504, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.baselines.simple import filled

_MOST = 20_000
"""Windows fitted to at most, evenly spread."""


class LinearMap:
    """Ridge regression from the last K values to the next H, in closed form. window: K, 0 for two seasons, or so."""

    name = "linear map"

    def __init__(self, window: int = 0) -> None:
        self._given, self.window, self.horizon = window, window, 1
        self._weights = np.zeros((0, 0))

    def applies(self, histories: Sequence[np.ndarray]) -> bool:
        """Whether it says anything about such histories; it does."""
        return True

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Fit to every window of the histories, the ridge chosen on the last fifth of each."""
        self.horizon = horizon
        longest = max(len(one) for one in histories)
        window = self._given or max(2 * season, min(96, 4 * horizon), 8)
        self.window = max(1, min(window, longest - horizon))
        x, y, late = self._pairs(histories)
        if not len(x):
            self._weights = np.zeros((self.window + 1, horizon))
            return
        best: tuple[float, float] | None = None
        for ridge in (1e-3, 1e-1, 1e1) if late.any() and not late.all() else ():
            weights = ridge_map(x[~late], y[~late], ridge)
            error = float(np.abs(x[late] @ weights - y[late]).mean())
            best = min(best, (error, ridge)) if best else (error, ridge)
        self._weights = ridge_map(x, y, best[1] if best else 1e-1)

    def predict(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H) after the ends of histories."""
        x, last, scale = self._windows([filled(one)[-self.window :] for one in histories], histories)
        forecasts: np.ndarray = self._apply(x) * scale + last
        return forecasts

    def _apply(self, x: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = x @ self._weights
        return scaled

    def _windows(
        self, tails: Sequence[np.ndarray], histories: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = np.stack([np.concatenate([np.full(self.window - len(t), t[0]), t]) for t in tails])
        last = values[:, -1:]
        spread = np.array([_scale(filled(one)) for one in histories])[:, None]
        return np.concatenate([(values - last) / spread, np.ones((len(values), 1))], 1), last, spread

    def _pairs(self, histories: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        width = self.window + self.horizon
        total = sum(max(0, len(one) - width + 1) for one in histories)
        every = max(1, total // _MOST)
        xs, ys, lates = [], [], []
        for one in histories:
            if len(one) < width:
                continue
            known = np.isfinite(one)
            whole = np.lib.stride_tricks.sliding_window_view(filled(one), width)
            seen = np.lib.stride_tricks.sliding_window_view(known, width)[:, self.window :].all(1)
            rows = np.arange(len(whole))[::-1][::every][::-1]
            rows = rows[np.asarray(seen)[rows]]
            part = whole[rows]
            last, scale = part[:, self.window - 1 : self.window], _scale(filled(one))
            xs.append(np.concatenate([(part[:, : self.window] - last) / scale, np.ones((len(part), 1))], 1))
            ys.append((part[:, self.window :] - last) / scale)
            lates.append(np.asarray(rows > 0.8 * len(whole)))
        if not xs:
            return np.zeros((0, self.window + 1)), np.zeros((0, self.horizon)), np.zeros(0, bool)
        return np.concatenate(xs), np.concatenate(ys), np.concatenate(lates)


class WindowMLP(LinearMap):
    """The linear map plus one hidden layer of relu units, trained by Adam on the squared error, with early stopping."""

    name = "window MLP"

    def __init__(self, window: int = 0, hidden: int = 64, steps: int = 1500, seed: int = 0) -> None:
        super().__init__(window)
        self._hidden, self._steps, self._seed = hidden, steps, seed
        self._layers: list[np.ndarray] = []

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Fit to windows of the histories; what does best on the last fifth of each is kept."""
        super().fit(histories, season, horizon)
        x, y, late = self._pairs(histories)
        rng = np.random.default_rng(self._seed)
        self._layers = [
            rng.standard_normal((x.shape[1], self._hidden)) / np.sqrt(x.shape[1]),
            np.zeros((self._hidden, horizon)),
        ]
        if len(x) < 10 or late.all() or not late.any():
            return
        rest = y - x @ ridge_map(x[~late], y[~late], 1e-1)
        x, rest, held, held_rest = x[~late], rest[~late], x[late], rest[late]
        best = (float((held_rest**2).mean()), [one.copy() for one in self._layers])
        first, second = [np.zeros_like(w) for w in self._layers], [np.zeros_like(w) for w in self._layers]
        for step in range(1, self._steps + 1):
            rows = rng.integers(0, len(x), min(256, len(x)))
            h = np.maximum(x[rows] @ self._layers[0], 0)
            error = 2 * (h @ self._layers[1] - rest[rows]) / rest[rows].size
            gradients = [x[rows].T @ ((error @ self._layers[1].T) * (h > 0)), h.T @ error]
            for w, g, m, v in zip(self._layers, gradients, first, second, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                w -= 2e-3 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
            if step % 50 == 0:
                loss = float(((np.maximum(held @ self._layers[0], 0) @ self._layers[1] - held_rest) ** 2).mean())
                if loss < best[0]:
                    best = (loss, [one.copy() for one in self._layers])
        self._layers = best[1]

    def _apply(self, x: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = x @ self._weights + np.maximum(x @ self._layers[0], 0) @ self._layers[1]
        return scaled


def _scale(history: np.ndarray) -> float:
    moved = np.abs(np.diff(history))
    moved = moved[np.isfinite(moved)]
    return float(moved.mean()) or 1.0 if len(moved) else 1.0


def ridge_map(x: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    """(F, K) weights by which x (M, F) tells of y (M, K): least squares, the Gram matrix's diagonal made larger by a
    share of its mean."""
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += ridge * max(1e-12, float(np.trace(gram)) / len(gram))
    weights: np.ndarray = np.linalg.solve(gram, x.T @ y)
    return weights
