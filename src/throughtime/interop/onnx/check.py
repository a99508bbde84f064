"""An ONNX file held against the model it was made from, in ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.interop import layers as kinds
from throughtime.interop.model import ImportedModel
from throughtime.interop.onnx.build import LENGTHS, model_of
from throughtime.interop.parity import SINGLE, LayerParity, Parity, difference, stored_error, trials
from throughtime.interop.run import Past
from throughtime.options import Json
from throughtime.storage.folder import read_file, write_atomically

STEPS = (1, 2, 7, 40)


def write(model: ImportedModel, file: Path) -> dict[str, Json]:
    """Write a model as ONNX where ONNX Runtime gives the same numbers; what was found. UserError otherwise."""
    try:
        import onnx
    except ImportError:
        raise UserError(f"{file}: writing ONNX needs onnx: {needed('interop')}") from None
    made = model_of(model)
    try:
        onnx.checker.check_model(made)
    except onnx.checker.ValidationError as refused:
        raise UserError(
            f"{file}: onnx refuses it ({str(refused)[:200]}); nothing was written, please report this model"
        ) from None
    content = made.SerializeToString()
    error = largest_error(model, content, str(file))
    if not error <= SINGLE:
        raise UserError(f"{file}: ONNX Runtime differs by {error:.2g}; nothing was written, please report this model")
    write_atomically(file, content)
    return {"error": error, "bytes": len(content), "nodes": len(made.graph.node)}


def verify(model: ImportedModel, file: Path, stored: Sequence[tuple[Any, Any]] = ()) -> Parity:
    """The parity of a model and an ONNX file that it was written to. stored: inputs and outputs of the model."""
    try:
        content = read_file(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}); check the path") from None
    worst = largest_error(model, content, str(file))
    # ONNX Runtime computes in float32 only
    row = LayerParity("whole model", "onnx", 0.0 if worst <= SINGLE else worst, True, worst)
    return Parity((row,), tuple(f"{steps} steps" for steps in STEPS), given=stored_error(model, stored))


def session(content: bytes, who: str) -> Any:
    """An ONNX Runtime session of one thread; UserError where it cannot run the file."""
    try:
        import onnxruntime
    except ImportError:
        raise UserError(f"{who}: running ONNX needs onnxruntime: {needed('interop')}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own types, which are no public classes
        raise UserError(f"{who}: ONNX Runtime refuses it ({str(error).splitlines()[0][:300]})") from None


class ReferenceSession:
    """onnx's ReferenceEvaluator in the place of an ONNX Runtime session."""

    def __init__(self, content: bytes) -> None:
        import onnx
        from onnx.reference import ReferenceEvaluator

        proto = onnx.load_model_from_string(content)
        self._run, self._graph = ReferenceEvaluator(proto), proto.graph

    def get_inputs(self) -> list[Any]:
        """Names and shapes of the inputs."""
        return [
            SimpleNamespace(name=one.name, shape=[n.dim_value for n in one.type.tensor_type.shape.dim])
            for one in self._graph.input
        ]

    def get_outputs(self) -> list[Any]:
        """Names of the outputs."""
        return list(self._graph.output)

    def run(self, names: None, feeds: dict[str, np.ndarray]) -> list[Any]:
        """The outputs."""
        return list(self._run.run(names, feeds))


def by_reference(model: ImportedModel, content: bytes, who: str) -> float:
    """`largest_error` in onnx's ReferenceEvaluator, which takes no sequence_lens: every row has all steps."""
    return largest_error(model, content, who, ReferenceSession(content), ragged=False)


def largest_error(model: ImportedModel, content: bytes, who: str, run: Any = None, ragged: bool = True) -> float:
    """The largest difference of outputs and final states, over lengths, ragged batches and random initial states.
    run: what runs it, an ONNX Runtime session where not given. ragged: whether rows end early."""
    worst = 0.0
    run = run or session(content, who)
    taken = {one.name: one for one in run.get_inputs()}
    names = [one.name for one in run.get_outputs()]
    rng = np.random.default_rng(1)
    for trial in trials(model, 1, STEPS):
        feeds: dict[str, Any] = {}
        past, lengths = Past(), None
        for node, x in zip(model.graph.inputs, trial.inputs, strict=True):
            layer = model.graph.layers[model.graph.nodes[node].layer]
            assert isinstance(layer, kinds.Input)
            feeds[model.graph.names[model.graph.nodes[node].layer]] = x.astype("int64" if layer.tokens else "float32")
        rows = len(trial.inputs[0])
        if LENGTHS in taken and LENGTHS not in feeds:
            steps = trial.inputs[0].shape[1]
            shortest = 0 if ragged else steps
            feeds[LENGTHS] = lengths = np.concatenate([[steps], rng.integers(shortest, steps + 1, rows - 1)])
        for name, one in taken.items():
            if name not in feeds and name.endswith("_0"):
                feeds[name] = (rng.standard_normal((rows, one.shape[1])) * 0.5).astype("float32")
        ours = _begin(model, feeds, past, rows)
        if feeds.keys() != taken.keys():
            missing = ", ".join(sorted(taken.keys() ^ feeds.keys())[:4])
            raise UserError(f"{who}: expected the inputs of this model, they differ in {missing}")
        given = [feeds[model.graph.names[model.graph.nodes[n].layer]] for n in model.graph.inputs]
        found = model.predict(*given, past=past if ours else None, lengths=lengths)
        theirs = dict(zip(names, run.run(None, feeds), strict=True))
        each = found if isinstance(found, list) else [found]
        for k, one in enumerate(each):
            worst = _larger(worst, difference(theirs[f"output{k}"], one))
        for key, layer_states in past.states.items() if ours else ():
            for (j, _, state, _), one in zip(_states(model, key), layer_states, strict=True):
                worst = _larger(worst, difference(theirs[f"{key}.{j}.{state}"], one))
    return worst


def _larger(a: float, b: float) -> float:
    return math.inf if math.isnan(b) else max(a, b)


def _recurrents(model: ImportedModel) -> dict[str, kinds.Recurrent]:
    found: dict[str, kinds.Recurrent] = {}
    for name, layer in zip(model.graph.names, model.graph.layers, strict=True):
        if isinstance(layer, kinds.Recurrent):
            found[name] = layer
        elif isinstance(layer, kinds.Bidirectional):
            found |= {f"{name}.ahead": layer.ahead, f"{name}.back": layer.back}
    return found


def _states(model: ImportedModel, name: str) -> list[tuple[int, int, str, int]]:
    return _recurrents(model)[name].state_names


def _begin(model: ImportedModel, feeds: dict[str, np.ndarray], past: Past, rows: int) -> bool:
    """Give our own model the initial states that ONNX Runtime is given; whether there are any."""
    for name, layer in _recurrents(model).items():
        keys = [f"{name}.{j}.{state}_0" for j, _, state, _ in layer.state_names]
        if all(key in feeds for key in keys):
            past.states[name] = [feeds[key] for key in keys]
            past.last[name] = np.zeros((rows, layer.size), "float32")
    return bool(past.states)
