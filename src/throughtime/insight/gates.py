"""Every gate and state of every step and unit, of any cell: by the engine, without torch.

The engine runs the sequence and gives all states; given these, a step's gates do not depend on each other any more, so
those of all steps are computed at once from the trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps
from throughtime.recurrence import Recurrence
from throughtime.recurrence.evaluate import nodes


@dataclass(frozen=True)
class Seen:
    """What a recurrence did over T steps of B rows. states: name -> (T, B, S_j), after each step. gates: name as the
    paper has it -> (T, B, N)."""

    name: str
    cell: str
    states: dict[str, np.ndarray]
    gates: dict[str, np.ndarray]

    @property
    def values(self) -> dict[str, np.ndarray]:
        """States and gates by name."""
        return {**self.states, **self.gates}

    def pick(self, name: str) -> np.ndarray:
        """A state or gate by name, (T, B, N); UserError lists the names."""
        if name not in self.values:
            raise UserError(f"gate {name!r}: {self.name} ({self.cell}) has {', '.join(self.values)}")
        return self.values[name]

    def statistics(self) -> list[dict[str, object]]:
        """Of each gate: mean, deviation over steps (averaged over units), and the shares of units that are shut (mean
        below 0.02) and open (above 0.98); None for what is no share, such as a candidate."""
        found: list[dict[str, object]] = []
        for name, values in self.gates.items():
            flat = values.reshape(-1, values.shape[-1])
            mean = flat.mean(0)
            share = float(flat.min()) >= 0 and float(flat.max()) <= 1
            found.append(
                {
                    "gate": name,
                    "mean": float(mean.mean()),
                    "deviation": float(flat.std(0).mean()),
                    "shut": float((mean < 0.02).mean()) if share else None,
                    "open": float((mean > 0.98).mean()) if share else None,
                }
            )
        return found


class GateOps(NumpyOps):
    """The operations for NumPy, which also keep what every recurrence over more than one step did, in `seen`."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self.seen: list[Seen] = []

    def recurrence(
        self,
        layer: Recurrence,
        x: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
        lengths: np.ndarray | None = None,
        reverse: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        from throughtime import engine

        assert lengths is None or (lengths == len(x)).all(), "a look inside takes rows of one length"
        turn, trace = (-1 if reverse else 1), layer.trace
        x = np.ascontiguousarray(x[::turn])
        program = engine.compile(layer, str(x.dtype), every=True)
        arrays = tuple(parameters[name] for name in trace.parameters)
        start = tuple(initial) if initial is not None else None
        output, final, _ = program.forward(x, start, arrays, training=False, threads=self.threads)
        states = dict(zip(trace.states, np.split(output, np.cumsum(program.state_sizes)[:-1], -1), strict=True))
        if len(x) > 1:
            before = [_before(values, None if start is None else start[j]) for j, values in enumerate(states.values())]
            with np.errstate(all="ignore"):
                found = nodes(trace, parameters, x, before, list(trace.gates.values()))
            shape = x.shape[:2]
            gates = {
                name: np.broadcast_to(found[n], (*shape, np.shape(found[n])[-1])) for name, n in trace.gates.items()
            }
            # in the order of the text, whichever end they were read from
            states = {name: values[::turn] for name, values in states.items()}
            gates = {name: values[::turn] for name, values in gates.items()}
            self.seen.append(Seen(f"layer {len(self.seen)}", trace.name, states, gates))
        return states[trace.output], final

    def embedded(
        self,
        layer: Recurrence,
        tokens: np.ndarray,
        table: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        return self.recurrence(layer, self.lookup(table, tokens), initial, parameters)


def _before(values: np.ndarray, initial: np.ndarray | None) -> np.ndarray:
    """The states that each step began with, from those it ended in."""
    first = np.zeros_like(values[:1]) if initial is None else np.broadcast_to(initial, values[:1].shape)
    return np.concatenate([first, values[:-1]])
