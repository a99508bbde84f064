"""The textbook's tests of memory: made, not measured, of any length, with known losses for who remembers nothing."""

from __future__ import annotations

import numpy as np

from throughtime.errors import UserError


def adding(steps: int, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The adding problem: numbers from 0 to 1, two of them marked, one in each half; their sum is wanted at the end.

    Returns x (T, B, 2) float32, values and marks, and y (B,) float32. Who always says 1 has a mean squared error of
    1/6 = 0.167. UserError below two steps.

    Source: Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, experiment 4; in this form Le et al. 2015,
    arXiv:1504.00941, section 4.1.
    """
    if steps < 2 or rows < 1:
        raise UserError(f"adding: expected at least 2 steps and 1 row, got {steps} and {rows}")
    values = rng.random((steps, rows), np.float32)
    marks = np.zeros((steps, rows), np.float32)
    marks[rng.integers(0, steps // 2, rows), np.arange(rows)] = 1
    marks[rng.integers(steps // 2, steps, rows), np.arange(rows)] = 1
    return np.stack([values, marks], 2), (values * marks).sum(0)


SYMBOLS, LENGTH = 8, 10
"""Of the copying problem: so many kinds of symbols, and so many to copy."""


def copying(lag: int, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The copying problem: 10 symbols of 8 kinds, a long silence, a signal, then the symbols are wanted back.

    Returns x (T, B, 10) float32, one-hot (0 silence, 1 to 8 symbols, 9 the signal), and y (T, B) int64, T = lag + 20.
    Who remembers nothing has a mean cross entropy of 10 ln 8 / (lag + 20) nats. UserError for a lag below 1.

    Source: Hochreiter and Schmidhuber 1997; in this form Arjovsky et al. 2016, arXiv:1511.06464, section 4.1.
    """
    if lag < 1 or rows < 1:
        raise UserError(f"copying: expected a lag and rows of at least 1, got {lag} and {rows}")
    symbols = rng.integers(1, SYMBOLS + 1, (LENGTH, rows))
    given = np.zeros((lag + 2 * LENGTH, rows), np.int64)
    given[:LENGTH] = symbols
    given[lag + LENGTH - 1] = SYMBOLS + 1
    wanted = np.zeros_like(given)
    wanted[-LENGTH:] = symbols
    return np.eye(SYMBOLS + 2, dtype=np.float32)[given], wanted


def memoryless(lag: int) -> float:
    """Nats per step of the copying problem for who remembers nothing."""
    return float(LENGTH * np.log(SYMBOLS) / (lag + 2 * LENGTH))
