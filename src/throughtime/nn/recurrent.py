"""Recurrent: any cell as a PyTorch module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

import throughtime.cells
from throughtime.errors import UserError
from throughtime.nn.call import Call, Layer
from throughtime.nn.choice import keeps_values
from throughtime.nn.functional import run
from throughtime.nn.regular import Rates, Regular
from throughtime.nn.resets import check_resets, run_with_resets
from throughtime.recurrence import Cell, Recurrence, Trace


def _trace(cell: Any) -> Trace:
    if isinstance(cell, Trace):
        return cell
    if isinstance(cell, str):
        return throughtime.cells.make(cell).trace()
    if isinstance(cell, type) and issubclass(cell, Cell):
        cell = cell()
    if isinstance(cell, Cell):
        return cell.trace()
    kind = type(cell).__name__
    raise TypeError(f"Recurrent: cell must be a Cell, a Cell class, a Trace or a name of the catalogue, got {kind}")


class Recurrent(torch.nn.Module):
    """Any recurrence over whole sequences: s_t = step(x_t, s_(t-1)), the output is one of the states.

    cell: a Cell, a Cell class, a Trace, or a name of the catalogue ("lstm").
    input_size, hidden_size: the cell's sizes I and H. sizes: any further ones by symbol, {"P": 32}.
    batch_first: x and output are (B, T, ...) instead of (T, B, ...).
    output: "all" steps (T, B, S); only the "last" (B, S), at each row's true end; or every one of the "states" at all
    steps, a State of (T, B, S_j) each.
    initial: "zero", or "learned": a parameter initial_<state> (S_j,) per state, starting at zero.
    reverse: each row from its own end to its start.
    seed: of the initial parameters; None draws one from PyTorch's default generator.

    Against overfitting, while the module trains; shares in 256ths, drawn anew at every call from PyTorch's default
    generator. zoneout: the share of a state's units that keep their old value at a step, one for all states or
    {"h": 0.05, "c": 0.5}; in eval mode its expectation. recurrent_dropout, input_dropout: of the state where the cell
    multiplies it, and of the input, one mask a row for all its steps (variational). weight_dropout: of the matrices on
    the state. See throughtime.recurrence.wrap for what each does to the equations, and for the sources.

    The parameters bear the cell's own names (W_xi, ...).

    Raises ValueError where a size is missing or an option unknown, TypeError where `cell` is no cell.

    Example:
        >>> import torch
        >>> from throughtime.nn import Recurrent
        >>> lstm = Recurrent("lstm", 3, 4, seed=0)
        >>> output, state = lstm(torch.zeros(5, 2, 3), lengths=[5, 2])
        >>> output.shape, state.c.shape
        (torch.Size([5, 2, 4]), torch.Size([2, 4]))
    """

    def __init__(
        self,
        cell: Cell | type[Cell] | Trace | str,
        input_size: int,
        hidden_size: int,
        sizes: dict[str, int] | None = None,
        batch_first: bool = False,
        output: str = "all",
        initial: str = "zero",
        reverse: bool = False,
        seed: int | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        zoneout: Rates = 0.0,
        recurrent_dropout: float = 0.0,
        input_dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        trace = _trace(cell)
        if output not in ("all", "last", "states"):
            raise ValueError(f'{trace.name}: output must be "all", "last" or "states", got {output!r}')
        if initial not in ("zero", "learned"):
            raise ValueError(f'{trace.name}: initial must be "zero" or "learned", got {initial!r}')
        if "H" not in trace.symbols and hidden_size != input_size:
            raise ValueError(
                f"{trace.name}: its state is as wide as its input, hidden_size must be {input_size}, got {hidden_size}"
            )
        reserved = {"x", "initial", "lengths", "resets", "state"} & trace.further.keys()
        if reserved:
            raise ValueError(f"{trace.name}: the input {min(reserved)} needs another name here, forward uses it")
        sizes = {"I": input_size, "H": hidden_size, **(sizes or {})}
        self._layer = Layer(Recurrence(trace, sizes), every=output == "states")
        self.regular = Regular.of(self._layer, zoneout, recurrent_dropout, input_dropout, weight_dropout)
        self.batch_first, self.output, self.initial, self.reverse = batch_first, output, initial, reverse
        dtype = dtype or torch.get_default_dtype()
        if seed is None:
            seed = int(torch.randint(2**62, (), device="cpu"))
        values = self.recurrence.initial_parameters(np.random.default_rng(seed), np.float64)
        for name, value in values.items():
            self.register_parameter(name, torch.nn.Parameter(torch.tensor(value, device=device, dtype=dtype)))
        if initial == "learned":
            for name, size in zip(trace.states, self.recurrence.state_sizes, strict=True):
                zeros = torch.zeros(size, device=device, dtype=dtype)
                self.register_parameter(f"initial_{name}", torch.nn.Parameter(zeros))

    @property
    def recurrence(self) -> Recurrence:
        """The recurrence this module runs."""
        return self._layer.recurrence

    @property
    def trace(self) -> Trace:
        """The recurrence's step."""
        return self._layer.trace

    @property
    def State(self) -> Any:
        """The type of the cell's states: a named tuple with the methods of `throughtime.nn.state.State`."""
        return self._layer.State

    def forward(
        self,
        x: Tensor | PackedSequence,
        initial: Sequence[Tensor] | Tensor | None = None,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
        **inputs: Tensor | PackedSequence,
    ) -> tuple[Any, Any]:
        """Run the recurrence.

        x: (T, B, I), (B, T, I) with batch_first, (T, I) for a single sequence, or a PackedSequence.
        initial: the states (B, S_j) in order (a tensor will do for a cell of one state), in place of the module's own;
        (S_j,) for a single sequence. lengths: (B,) integers, 0 <= length <= T, in any order; what lies behind is not
        read, its output is zero. resets: a mask (T, B) bool, laid out as x is: before a flagged step the row's state is
        the module's own initial one (zeros or learned), as where an episode starts; `initial` is for the first step.
        inputs: what the cell reads beside x, by name, each laid out as x is: gru_d(x, m=observed, d=gaps).

        Returns the output ((T, B, S) or as x is; (B, S) for output="last"; a State of such for output="states") and the
        final State at each row's true end.
        Raises ValueError where a shape does not fit, TypeError for an input too many or too few.
        """
        packed = x if isinstance(x, PackedSequence) else None
        data: Tensor = x.data if isinstance(x, PackedSequence) else x
        alone = packed is None and data.dim() == 2
        name, width = self.trace.name, self.recurrence.sizes["I"]
        if data.dim() != (2 if packed or alone else 3) or data.shape[-1] != width:
            axes = f"(N, I={width})" if packed else f"(B, T, I={width})" if self.batch_first else f"(T, B, I={width})"
            raise ValueError(f"{name}: x must be {axes}, got {tuple(data.shape)}")
        data = self._beside(data, inputs)
        if alone:
            data = data.unsqueeze(1)
        first = self.batch_first and packed is None and not alone
        layer, arrays = self._layer, [getattr(self, name) for name in self.trace.parameters]
        if self.regular is not None and self.training:
            layer, arrays = self.regular.training, self.regular.arrays(arrays)
            data = self.regular.inputs(data, None if packed is None else _rows(packed), 0 if first else 1)
        elif self.regular is not None:
            layer = self.regular.evaluation
        if packed is not None:
            batch = int(packed.batch_sizes[0])
            if lengths is not None:
                raise ValueError(f"{name}: a PackedSequence carries its lengths, leave `lengths` out")
        else:
            batch = data.shape[0 if first else 1]
        states = self._initial(initial, batch, alone)
        if packed is not None and packed.sorted_indices is not None and initial is not None:
            states = tuple([state.index_select(0, packed.sorted_indices) for state in states])
        call = Call(
            layer=layer,
            states=len(states),
            lengths=_lengths(name, lengths, batch, data.shape[1 if first else 0]),
            batch_sizes=packed.batch_sizes if packed is not None else None,
            reverse=self.reverse,
            input_first=first,
            output_first=first,
        )
        if resets is None:
            output, final = run(call, (data, *states, *arrays))
        else:
            output, final = self._cut(call, data, () if initial is None else states, arrays, resets, alone)
        if packed is not None and packed.unsorted_indices is not None:
            final = tuple([state.index_select(0, packed.unsorted_indices) for state in final])
        if alone:
            output, final = output.squeeze(1), tuple([state.squeeze(0) for state in final])
        state = self.State(*final)
        if self.output == "last":
            return getattr(state, self.trace.output).to(output.dtype), state
        shown: Any = [output]
        if self.output == "states":
            shown = output.split_with_sizes(self.recurrence.state_sizes, -1)
        if packed is not None:
            indices = packed.sorted_indices, packed.unsorted_indices
            shown = [PackedSequence(each, packed.batch_sizes, *indices) for each in shown]
        return self.State(*shown) if self.output == "states" else shown[0], state

    def _beside(self, x: Tensor, inputs: dict[str, Any]) -> Tensor:
        """x and the further inputs side by side on the last axis, as the engine reads them."""
        name, sizes = self.trace.name, {n: s for n, s in self.trace.input_sizes.items() if n != "x"}
        if inputs.keys() != sizes.keys():
            wanted = f"the inputs {', '.join(sizes)}" if sizes else "no input"
            raise TypeError(f"{name}: takes {wanted} beside x, got {', '.join(inputs) or 'none'}")
        values = [x]
        for each, symbol in sizes.items():
            value = inputs[each].data if isinstance(inputs[each], PackedSequence) else inputs[each]
            width = self.recurrence.sizes[symbol]
            if value.shape != (*x.shape[:-1], width):
                axes = ", ".join([*map(str, x.shape[:-1]), f"{symbol}={width}"])
                raise ValueError(f"{name}: {each} must be laid out as x, ({axes}), got {tuple(value.shape)}")
            values.append(value.to(x.dtype))
        return torch.cat(values, -1) if sizes else x

    def _cut(
        self, call: Call, x: Tensor, initial: Sequence[Tensor], arrays: Sequence[Tensor], resets: Any, alone: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run with resets."""
        if call.batch_sizes is not None:
            raise UserError(f"{self.trace.name}: resets need a padded batch with lengths, not a PackedSequence")
        first = call.input_first
        shape = tuple(x.shape[:1] if alone else x.shape[:2])
        axes = "(T={},)" if alone else "(B={}, T={})" if first else "(T={}, B={})"
        mask = check_resets(self.trace.name, resets, shape, axes.format(*shape))
        mask = mask.unsqueeze(1) if alone else mask.T if first else mask
        restart = [getattr(self, f"initial_{name}") for name in self.trace.states] if self.initial == "learned" else []
        call = replace(call, input_first=False, output_first=False)
        output, final = run_with_resets(run, call, x.transpose(0, 1) if first else x, initial, restart, arrays, mask)
        return output.transpose(0, 1) if first else output, final

    def _initial(self, initial: Any, batch: int, alone: bool) -> tuple[Tensor, ...]:
        """The initial states (B, S_j) in order; an empty tuple stands for zeros."""
        symbols = self.trace.state_sizes
        if initial is None:
            if self.initial == "zero":
                return ()
            return tuple([getattr(self, f"initial_{name}").expand(batch, -1) for name in symbols])
        states = (initial,) if isinstance(initial, Tensor) else tuple(initial)
        if len(states) != len(symbols):
            wanted = f"{len(symbols)} states ({', '.join(symbols)})"
            raise ValueError(f"{self.trace.name}: initial must be {wanted}, got {len(states)}")
        sizes = self.recurrence.state_sizes
        for (name, symbol), size, state in zip(symbols.items(), sizes, states, strict=True):
            if state.shape != ((size,) if alone else (batch, size)):
                axes = f"({symbol}={size},)" if alone else f"(B={batch}, {symbol}={size})"
                raise ValueError(f"{self.trace.name}: {name} must be {axes}, got {tuple(state.shape)}")
        return tuple([state.unsqueeze(0) for state in states]) if alone else states

    def extra_repr(self) -> str:
        sizes = ", ".join(f"{symbol}={size}" for symbol, size in self.recurrence.sizes.items())
        options = f", output={self.output!r}, initial={self.initial!r}"
        flags = ", batch_first=True" * self.batch_first + ", reverse=True" * self.reverse
        shares = self.regular.shares() if self.regular is not None else []
        regular = "".join(f", {name.replace(' of ', '_')}={share}" for name, share in shares if share)
        return f"{self.trace.name}, {sizes}{options}{flags}{regular}"


def _rows(packed: PackedSequence) -> Tensor:
    """The row of each value of packed data."""
    sizes = packed.batch_sizes
    return torch.cat([torch.arange(int(size)) for size in sizes]).to(packed.data.device)


def _lengths(name: str, lengths: Any, batch: int, steps: int) -> Tensor | None:
    """Check lengths: (B,) integers from 0 to T."""
    if lengths is None:
        return None
    values = torch.as_tensor(lengths)
    if values.dtype.is_floating_point or values.dtype.is_complex or values.dtype == torch.bool:
        raise TypeError(f"{name}: lengths must be integers, got {values.dtype}")
    if values.shape != (batch,):
        raise ValueError(f"{name}: lengths must be (B={batch},), got {tuple(values.shape)}")
    if batch and not keeps_values(values) and not bool(((values >= 0) & (values <= steps)).all()):
        raise ValueError(f"{name}: lengths must lie between 0 and T={steps}, got {values.tolist()}")
    return values.to(torch.int64)
