"""The operations of a model over torch tensors: for training it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from throughtime.models.ops import NORM
from throughtime.recurrence import Recurrence
from throughtime.storage.parameters import check_parameters


class TorchOps:
    """Tensors are time-major, (T, B, ...). training: whether dropout drops. generator: what its masks come from."""

    def __init__(self, training: bool = False, generator: torch.Generator | None = None) -> None:
        self.training, self.generator = training, generator

    def lookup(self, table: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Rows of the table: (V, E) and integers (...) to (..., E)."""
        return functional.embedding(tokens, table)

    def linear(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """weight (N, K) times x (..., K), plus bias (N,): (..., N)."""
        return functional.linear(x, weight, bias)

    def log_softmax(self, x: torch.Tensor) -> torch.Tensor:
        """Logarithms of the probabilities along the last axis."""
        return functional.log_softmax(x, -1)

    def relu(self, x: torch.Tensor) -> torch.Tensor:
        """max(x, 0)."""
        return torch.relu(x)

    def tanh(self, x: torch.Tensor) -> torch.Tensor:
        """The hyperbolic tangent."""
        return x.tanh()

    def softmax(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        """Shares along an axis that add up to 1."""
        return torch.softmax(x, axis)

    def sum(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        """The sum along an axis."""
        return x.sum(axis)

    def largest(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        """The largest value along an axis."""
        return x.amax(axis)

    def exp(self, x: torch.Tensor) -> torch.Tensor:
        """The exponential."""
        return x.exp()

    def log(self, x: torch.Tensor) -> torch.Tensor:
        """The natural logarithm; of what is smaller than 1e-30, that of 1e-30."""
        return x.clamp_min(1e-30).log()

    def concatenate(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Tensors side by side on the last axis."""
        return parts[0] if len(parts) == 1 else torch.cat(list(parts), -1)

    def mask(self, lengths: torch.Tensor, steps: int, like: torch.Tensor) -> torch.Tensor:
        """(T, B, 1): 1 where a row (B,) has a step, 0 behind its end."""
        return (torch.arange(steps, device=lengths.device)[:, None] < lengths).to(like)[..., None]

    def bag(self, table: torch.Tensor, indices: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """The mean of some rows of a table: (V, E), indices (N,) and offsets (D + 1,) to (D, E); of none, zeros.

        Row d is the mean of indices[offsets[d] : offsets[d + 1]].
        """
        return functional.embedding_bag(indices, table, offsets, mode="mean", include_last_offset=True)

    def permute(self, x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
        """The axes in another order."""
        return x.permute(*axes)

    def blocks(self, x: torch.Tensor, count: int) -> torch.Tensor:
        """`count` copies one after the other on a new first axis: (count, ...)."""
        return x.expand(count, *x.shape)

    def constant(self, values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
        """Fixed values, beside a tensor."""
        return torch.from_numpy(values).to(like)

    def fixed(self, x: torch.Tensor) -> torch.Tensor:
        """The same values, through which no gradient goes."""
        return x.detach()

    def layer_norm(self, x: torch.Tensor, gain: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Each row shifted and scaled to mean 0 and variance 1, times gain, plus bias; see Ops."""
        return functional.layer_norm(x, x.shape[-1:], gain, bias, NORM)

    def attention(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What each query takes of the values, and the shares it gives to them; see Ops."""
        scores = torch.matmul(queries.permute(1, 0, 2) * keys.shape[-1] ** -0.5, keys.permute(1, 2, 0))  # (B, U, T)
        behind = torch.arange(len(keys), device=lengths.device) >= lengths[:, None]
        shares = torch.softmax(scores.masked_fill(behind[:, None], -torch.inf), -1)
        return torch.matmul(shares, values.permute(1, 0, 2)).permute(1, 0, 2), shares.permute(1, 0, 2)

    def dropout(self, x: torch.Tensor, share: float, variational: bool) -> torch.Tensor:
        """Zero the share of values, in 256ths, and scale the rest up; variational: the same ones at every step."""
        if not self.training or share == 0.0:
            return x
        from throughtime.nn.masks import dropout_mask

        return x * dropout_mask(x.shape[1:] if variational else x.shape, share, x, self.generator)

    def recurrence(
        self,
        layer: Recurrence,
        x: torch.Tensor,
        initial: Sequence[torch.Tensor] | None,
        parameters: Mapping[str, torch.Tensor],
        lengths: torch.Tensor | None = None,
        reverse: bool = False,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """The recurrence over x (T, B, I) from `initial` (None: zeros): output (T, B, S), final states (B, S_j).

        lengths: (B,), what lies behind is not read, and zero in the output. reverse: from each row's end to its start.
        """
        from throughtime.nn.functional import recurrence

        start = tuple(initial) if initial is not None else None
        arrays = tuple(parameters[name] for name in layer.trace.parameters)
        return recurrence(layer, x, start, arrays, lengths, reverse)

    def embedded(
        self,
        layer: Recurrence,
        tokens: torch.Tensor,
        table: torch.Tensor,
        initial: Sequence[torch.Tensor] | None,
        parameters: Mapping[str, torch.Tensor],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """`recurrence` over lookup(table, tokens), tokens (T, B), the products made once per row of the table."""
        from throughtime.nn.embedded import embedded_recurrence

        start = tuple(initial) if initial is not None else None
        arrays = tuple(parameters[name] for name in layer.trace.parameters)
        return embedded_recurrence(layer, tokens, table, start, arrays)


class TorchModel(torch.nn.Module):
    """A model's parameters as torch Parameters, under their flat names; called with what its arithmetic takes.

    arithmetic: the module of the model: `forward(ops, config, parameters, *inputs)`, and WHO, which speaks in errors.
    """

    def __init__(self, arithmetic: Any, config: Any, parameters: Mapping[str, np.ndarray], seed: int = 0) -> None:
        super().__init__()
        check_parameters(arithmetic.WHO, config.shapes, parameters)
        self.config, self.arithmetic = config, arithmetic
        self.generator = torch.Generator().manual_seed(seed)
        for name, value in parameters.items():
            *path, last = name.split(".")
            owner: torch.nn.Module = self
            for part in path:
                if part not in dict(owner.named_children()):
                    owner.add_module(part, torch.nn.Module())
                owner = owner.get_submodule(part)
            owner.register_parameter(last, torch.nn.Parameter(torch.tensor(np.ascontiguousarray(value))))
        self._flat = dict(self.named_parameters())
        self._ops = TorchOps(generator=self.generator)

    def forward(self, *inputs: Any) -> Any:
        """What the model's `forward` returns. A language model's: tokens (T, B) int64 and a state or None to logits
        (T, B, vocabulary) and the state after the last."""
        return self.apart("forward", *inputs)

    def apart(self, function: str, *inputs: Any) -> Any:
        """What another function of the arithmetic returns, called as `forward` is."""
        self._ops.training = self.training
        return getattr(self.arithmetic, function)(self._ops, self.config, self._flat, *inputs)

    @torch.no_grad()
    def begin_anew(self, config: Any, parameters: Mapping[str, np.ndarray]) -> None:
        """Take over other values of the parameters, and a configuration with the same shapes."""
        self.config = config
        for name, value in parameters.items():
            self._flat[name].copy_(torch.from_numpy(value))

    @property
    def flat(self) -> Mapping[str, torch.Tensor]:
        """The parameters by flat name, without a walk through the module."""
        return self._flat

    def arrays(self) -> dict[str, np.ndarray]:
        """The parameters as NumPy arrays, by flat name; views where they are on the CPU, not copies."""
        return {name: value.detach().cpu().numpy() for name, value in self._flat.items()}
