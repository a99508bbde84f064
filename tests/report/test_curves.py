"""Curves over the steps of a training."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from throughtime.report.curves import POINTS, _smooth, _thin, losses, measures, new_figure, svg


def test_pictures_show_the_lines_they_are_given() -> None:
    steps = list(range(1, 3001))
    loss = [1.5 + 2 * math.exp(-s / 300) for s in steps]
    plain = losses((steps, loss), ([1000, 3000], [1.7, 1.6]), {}, "nats")
    lined = losses((steps, loss), ([1000, 3000], [1.7, 1.6]), {"unigram": 3.0}, "nats")
    assert plain.count("<path") < lined.count("<path")
    unclipped = measures((steps, loss), None, (steps, loss), (steps, loss))
    assert unclipped.count("<use") <= measures((steps, loss), 1.0, (steps, loss), (steps, loss)).count("<use")


def test_a_single_point_is_seen() -> None:
    dot = re.compile(r'<g clip-path="[^"]*">\s*<use')
    one, two = ([10], [0.5]), ([10, 20], [0.5, 0.4])
    assert len(dot.findall(measures(one, None, one, one))) == 3
    assert not dot.findall(measures(two, None, two, two))
    assert dot.findall(losses(one, ([], []), {}, "nats"))


def test_long_curves_are_averaged_and_gaps_left_out() -> None:
    steps, values = _thin((list(range(10_000)), [1.0, 3.0] * 5000))
    assert len(steps) <= POINTS
    assert abs(values - 2).max() < 0.5
    steps, values = _thin(([1, 2, 3], [1.0, math.nan, 2.0]))
    assert steps.tolist() == [1, 3]


def test_smoothing_keeps_a_constant_and_the_mean_of_noise() -> None:
    assert _smooth(np.full(200, 2.5)) == pytest.approx(2.5)
    noise = np.tile([0.0, 1.0], 400)
    assert abs(_smooth(noise)[100:] - 0.5).max() < 0.1
    assert len(_smooth(np.zeros(0))) == 0


@pytest.mark.parametrize("name", ["sales_$_net_$", "$\\frac{1}{$", "a$b"])
def test_a_name_is_no_formula(name: str) -> None:
    figure = new_figure(1, 4.0, 3.0)
    (axes,) = figure.axes
    axes.plot([1, 2], [10, 1000], label=name)
    axes.set_yscale("log")
    axes.set_title(name)
    axes.set_xticks([1, 2], [name, name])
    axes.legend()
    assert svg(figure).count("<svg") == 1
