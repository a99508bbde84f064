"""A recurrence right behind an embedding: the products with the input are made once per symbol, not once per step."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import embedding

from throughtime.nn.call import Call, Layer
from throughtime.nn.choice import engine_covers
from throughtime.nn.functional import as_layer, recurrence, run_engine
from throughtime.recurrence import Recurrence


def embedded_recurrence(
    layer: Layer | Recurrence, ids: Tensor, table: Tensor, initial: Sequence[Tensor] | None, arrays: Sequence[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """`recurrence` with x = table[ids], bit for bit the same output.

    ids: (T, B) int64. table: (V, I). initial: states (B, S_j), None for zeros. arrays: the layer's parameter arrays.
    The engine folds table and input weights into one table of gate values where the vocabulary is smaller than the
    batch and the cell allows it. Differentiable as `recurrence` is. IndexError where an id is not in the table.
    """
    layer, states = as_layer(layer), tuple(initial or ())
    tensors = (table, *states, *arrays)
    if (
        ids.numel() >= 2 * table.shape[0]
        and layer.sources is None
        and ids.is_cpu
        and engine_covers(tensors)
        and layer.program(table.dtype, lookup=True).takes_ids
    ):
        try:
            return run_engine(Call(layer, len(states), ids=ids), tensors)
        except ValueError as error:
            raise (IndexError(str(error)) if "not in the table" in str(error) else error) from None
    return recurrence(layer, embedding(ids, table), initial, arrays)
