"""Losses of forecasts, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(forecast (B, K, Q) in the window's scale, actual (B, K) likewise with 0 where missing, observed (B, K), unit) -> a
number. unit (B, 3): the window's level, its scale, and the series' own measure: the mean absolute change over a season,
in the series' unit."""


def mean_absolute(forecast: Tensor, actual: Tensor, observed: Tensor, unit: Tensor) -> Tensor:
    """Mean absolute error in the window's scale."""
    return ((forecast[..., 0] - actual).abs() * observed).sum() / observed.sum()


def mean_squared(forecast: Tensor, actual: Tensor, observed: Tensor, unit: Tensor) -> Tensor:
    """Mean squared error in the window's scale."""
    return ((forecast[..., 0] - actual).square() * observed).sum() / observed.sum()


def mase_smape(forecast: Tensor, actual: Tensor, observed: Tensor, unit: Tensor) -> Tensor:
    """MASE and sMAPE (as a share, 0 to 2) in equal parts: what the M4 competition's OWA measures, up to two factors.

    Source: Makridakis et al. 2020, doi:10.1016/j.ijforecast.2019.04.014, section 2.
    """
    level, scale, change = (unit[:, i : i + 1] for i in range(3))
    error = (forecast[..., 0] - actual).abs() * scale
    size = (forecast[..., 0] * scale + level).abs() + (actual * scale + level).abs()
    errors = 0.5 * (error / change).clamp(max=_LARGE) + 5.0 * error / (size + 1e-6 * change)
    return (errors * observed).sum() / observed.sum()


_LARGE = 50.0
"""A larger MASE counts as this one: the change of a nearly constant series may be next to nothing."""


def quantile(levels: Sequence[float]) -> Loss:
    """The pinball loss of these quantiles, in the window's scale, twice: at the median it is the absolute error."""

    def loss(forecast: Tensor, actual: Tensor, observed: Tensor, unit: Tensor) -> Tensor:
        at = torch.tensor(levels, dtype=forecast.dtype, device=forecast.device)
        error = actual.unsqueeze(-1) - forecast
        pinball = 2 * torch.maximum(at * error, (at - 1) * error).mean(-1)
        return (pinball * observed).sum() / observed.sum()

    return loss


LOSSES: dict[str, Loss] = {"mae": mean_absolute, "mse": mean_squared, "mase_smape": mase_smape}
"""The losses of point forecasts."""


def student_t(forecast: Tensor, actual: Tensor, observed: Tensor, unit: Tensor) -> Tensor:
    """Mean negative log likelihood of Student's t: place, log of the scale, and what softplus makes degrees above 2."""
    place, scale, degrees = place_scale_degrees(forecast)
    t = torch.distributions.StudentT(degrees, place, scale)
    nats: Tensor = -t.log_prob(actual)  # type: ignore[no-untyped-call]
    return (nats * observed).sum() / observed.sum()


def place_scale_degrees(forecast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three parameters of Student's t from outputs (..., 3); distributions.py has the same in NumPy."""
    place, scale, degrees = forecast.unbind(-1)
    return place, torch.nn.functional.softplus(scale) + 1e-3, 2.0 + torch.nn.functional.softplus(degrees)


def negative_binomial(forecast: Tensor, actual: Tensor, observed: Tensor, unit: Tensor) -> Tensor:
    """Mean negative log likelihood of counts, by their mean m and a with variance m + a m^2.

    Source: Salinas et al. 2017, arXiv:1704.04110 (DeepAR), section 3.1.
    """
    level, scale = unit[:, 0:1], unit[:, 1:2]
    place, spread = forecast.unbind(-1)
    mean = torch.nn.functional.softplus((place * scale + level) / scale) * scale + 1e-6
    count = 1.0 / (torch.nn.functional.softplus(spread) + 1e-6)
    value = (actual * scale + level).clamp(min=0.0)
    nats = -(
        torch.lgamma(value + count)
        - torch.lgamma(count)
        - torch.lgamma(value + 1.0)
        + count * torch.log(count / (count + mean))
        + value * torch.log(mean / (count + mean))
    )
    return (nats * observed).sum() / observed.sum()


LIKELIHOODS: dict[str, Loss] = {"student_t": student_t, "negative_binomial": negative_binomial}
"""The losses of distributions."""


def loss_of(name: str, levels: Sequence[float] = (), distribution: str = "none") -> Loss:
    """What a forecaster learns by: the likelihood of a distribution, quantiles, or a loss of point forecasts."""
    if distribution != "none":
        return LIKELIHOODS[distribution]
    return quantile(levels) if levels else LOSSES[name]
