"""RNN, LSTM and GRU: torch.nn's modules with the engine inside."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import dropout
from torch.nn.utils.rnn import PackedSequence

from throughtime.nn import dynamo
from throughtime.nn.call import Call
from throughtime.nn.choice import Path, choose, lower_dtype
from throughtime.nn.functional import run_by
from throughtime.nn.layout import layer, layer_key

dynamo.teach_when_imported()


class _OnEngine:
    """The forward pass all three share; what the engine does not cover goes to torch.nn's own."""

    _on_engine = True

    def forward(self, input: Any, hx: Any = None) -> Any:
        result = _stack(self, input, hx)
        return super().forward(input, hx) if result is None else result  # type: ignore[misc]

    def __prepare_scriptable__(self) -> Any:
        """torch.jit.script compiles torch.nn's module, with these parameters."""
        base: Any = next(cls for cls in type(self).__mro__ if cls.__module__ == torch.nn.RNN.__module__)
        plain = base.__new__(base)
        plain.__dict__.update(self.__dict__)
        return plain


class RNN(_OnEngine, torch.nn.RNN):
    """torch.nn.RNN, faster on a CPU: the same arguments, parameters, results and errors.

    h = f(W_ih x + b_ih + W_hh h' + b_hh), f = tanh or relu; any number of layers, in one or both directions.

    Example:
        >>> import torch, throughtime.nn
        >>> output, h = throughtime.nn.RNN(3, 4)(torch.randn(5, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]))

    Source: Elman 1990, doi:10.1207/s15516709cog1402_1; torch.nn.RNN's documentation.
    """


class LSTM(_OnEngine, torch.nn.LSTM):
    """torch.nn.LSTM, faster on a CPU: the same arguments, parameters, results and errors, proj_size included.

    The equations are those of the cell `lstm`, with the two biases b_ih + b_hh for b.

    Example:
        >>> import torch, throughtime.nn
        >>> output, (h, c) = throughtime.nn.LSTM(3, 4, num_layers=2)(torch.randn(5, 2, 3))
        >>> output.shape, c.shape
        (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]))

    Source: as the cell `lstm`; torch.nn.LSTM's documentation.
    """


class GRU(_OnEngine, torch.nn.GRU):
    """torch.nn.GRU, faster on a CPU: the same arguments, parameters, results and errors.

    The equations are those of the cell `gru_reset_after`: the reset gate acts after the product.

    Example:
        >>> import torch, throughtime.nn
        >>> output, h = throughtime.nn.GRU(3, 4, bidirectional=True)(torch.randn(5, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]))

    Source: as the cell `gru_reset_after`; torch.nn.GRU's documentation.
    """


def _stack(module: Any, input: Any, hx: Any) -> Any:
    """Every layer and direction of a module, by the engine; None where torch.nn's own forward is to answer.

    That includes every input torch.nn would refuse, so that the error is torch's.
    """
    packed = isinstance(input, PackedSequence)
    x: Any = input.data if packed else input
    if hx is None:
        states: tuple[Tensor, ...] = ()
    elif module.mode == "LSTM":
        if not isinstance(hx, tuple | list) or len(hx) != 2:
            return None
        states = tuple(hx)
    else:
        states = (hx,)
    module._update_flat_weights()
    weights = module._flat_weights
    path = choose((x, *states, *weights))
    if path is Path.ELSEWHERE or not _fits(module, input, x, states):
        return None
    if path is Path.LOWER:
        return _lower(module, input, x, states, weights)
    return _shaped(module, path, input, x, states, weights)


def _lower(module: Any, input: Any, x: Tensor, states: tuple[Tensor, ...], weights: list[Tensor]) -> Any:
    """Under autocast: computed in float32, returned in the dtypes of torch.nn's own layers.

    These are autocast's dtype; for a GRU that of its initial state, where it is wider, as the state is added to.
    """
    dtype = lower_dtype()
    if module.mode == "GRU":
        dtype = torch.promote_types(dtype, (states[0] if states else x).dtype)
    with torch.autocast("cpu", enabled=False):
        x, states, weights = x.float(), tuple([s.float() for s in states]), [w.float() for w in weights]
        path = choose((x, *states, *weights))
        output, final = _shaped(module, path, input, x, states, weights)
    if isinstance(output, PackedSequence):
        output = output._replace(data=output.data.to(dtype))
    else:
        output = output.to(dtype)
    return output, tuple([state.to(dtype) for state in final]) if module.mode == "LSTM" else final.to(dtype)


def _shaped(module: Any, path: Path, input: Any, x: Tensor, states: tuple[Tensor, ...], weights: list[Tensor]) -> Any:
    """Run the layers over a batch, one sequence or packed data; everything as torch.nn returns it."""
    packed = isinstance(input, PackedSequence)
    alone = x.dim() == 2 and not packed
    if alone:
        x = x.unsqueeze(1)
        states = tuple([state.unsqueeze(1) for state in states])
    elif packed and input.sorted_indices is not None:
        states = tuple([state.index_select(1, input.sorted_indices) for state in states])
    output, final = _layers(module, path, x, states, weights, input.batch_sizes if packed else None, alone)
    if packed:
        if input.unsorted_indices is not None:
            final = [state.index_select(1, input.unsorted_indices) for state in final]
        output = PackedSequence(output, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
    elif alone:
        output, final = output.squeeze(1), [state.squeeze(1) for state in final]
    return output, tuple(final) if module.mode == "LSTM" else final[0]


def _fits(module: Any, input: Any, x: Tensor, states: tuple[Tensor, ...]) -> bool:
    """Whether every shape is one torch.nn accepts."""
    packed = isinstance(input, PackedSequence)
    dimensions = x.dim()
    if x.size(-1) != module.input_size or (dimensions != 2 if packed else dimensions not in (2, 3)):
        return False
    if not states:
        return True
    rows: tuple[int, ...] = (module.num_layers * (2 if module.bidirectional else 1),)
    if packed:
        rows += (int(input.batch_sizes[0]),)
    elif dimensions == 3:
        rows += (x.size(0 if module.batch_first else 1),)
    widths = (module.proj_size or module.hidden_size, module.hidden_size)
    return all(state.size() == (*rows, width) for state, width in zip(states, widths, strict=False))


def _layers(
    module: Any,
    path: Path,
    x: Any,
    states: tuple[Tensor, ...],
    weights: list[Tensor],
    batch_sizes: Tensor | None,
    alone: bool,
) -> tuple[Any, list[Tensor]]:
    """Run layer after layer; the output of the last and the final states (layers * directions, B, S_j)."""
    directions = 2 if module.bidirectional else 1
    runs = module.num_layers * directions
    width = len(weights) // runs
    batch_first = module.batch_first and batch_sizes is None and not alone
    lead = runs == 1
    split = [(state,) if lead else state.unbind(0) for state in states]
    finals = []
    made: Any = layer_key if path is Path.OPERATOR else layer
    for index in range(module.num_layers):
        last = index == module.num_layers - 1
        inputs = module.input_size if index == 0 else directions * (module.proj_size or module.hidden_size)
        which = made(module.mode, inputs, module.hidden_size, module.bias, module.proj_size)
        outputs = []
        for direction in range(directions):
            number = index * directions + direction
            call = Call(
                layer=which,
                states=len(states),
                batch_sizes=batch_sizes,
                reverse=direction == 1,
                input_first=batch_first and index == 0,  # between layers time comes first, as in torch,
                output_first=batch_first and last,  # so that dropout draws the same masks
                lead=lead,
            )
            arrays = weights[number * width : (number + 1) * width]
            output, final = run_by(path, call, (x, *[state[number] for state in split], *arrays))
            outputs.append(output)
            finals.append(final)
        x = outputs[0] if directions == 1 else torch.cat(outputs, -1)
        if module.dropout and module.training and not last:
            x = dropout(x, module.dropout, True)
    if lead:
        return x, list(finals[0])
    return x, [torch.stack(parts) for parts in zip(*finals, strict=True)]
