"""An import held against the file itself, as ONNX Runtime, or else onnx's ReferenceEvaluator, runs it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.interop import layers as kinds
from throughtime.interop.conversion import Conversion
from throughtime.interop.model import ImportedModel
from throughtime.interop.onnx.build import WRITER
from throughtime.interop.onnx.importing import read
from throughtime.interop.onnx.importing.graph import Imported, convert
from throughtime.interop.onnx.importing.recurrent import GATES
from throughtime.interop.onnx.importing.reference import evaluate
from throughtime.interop.onnx.importing.values import BATCH, View, size, unseen
from throughtime.interop.parity import SINGLE, LayerParity, Parity, compare, difference, first_unlike, trials
from throughtime.interop.run import Past, Value

LENGTHS = (1, 7, 100, 1000)
LOST = 10.0
"""How many times what float32 loses by itself two runs in float32 may differ."""

Run = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class OnnxConversion(Conversion):
    """A converted file. imported: what it became, and from what; run: the file itself at work."""

    imported: Imported
    run: Run

    def proof(
        self, model: ImportedModel | None = None, stored: Sequence[tuple[Any, Any]] = (), whole: bool = False
    ) -> Parity:
        """Hold a model (this one where none is given) against the nodes as ONNX has them, and the file as it runs.
        stored: inputs and outputs as the file takes and gives them. whole: with sequences of 1,000 steps, however many
        weights it has."""
        mine = model or self.model
        found = compare(mine, self.model, self.reference, [_turned(self.imported, *one) for one in stored], whole)
        if found.deviates is not None:
            return found
        errors = _errors(mine, self.imported, self.run, whole)
        rows = [_row(one, errors.get(one.name)) for one in found.layers]
        return replace(found, layers=tuple(rows), trials=(*found.trials, "the file itself, run as a whole"))


def _row(one: LayerParity, found: tuple[float, float] | None) -> LayerParity:
    if found is None:
        return one
    error, allowed = found
    wrong = not error <= allowed
    return replace(one, error=max(one.error, error) if wrong else one.error, single=max(one.single, error))


def load(path: Path) -> OnnxConversion:
    """A file, converted. UserError names what is not known here."""
    proto = read.read(path)
    imported = convert(proto, str(path))

    def reference(name: str, values: Sequence[Value]) -> list[Value] | None:
        return evaluate(imported.truths.get(name), values)

    names = list(dict.fromkeys(name for name, _ in imported.seen.values()))
    return OnnxConversion(imported.model, reference, imported=imported, run=_runner(proto, names, str(path)))


def verify(model: ImportedModel, file: Path, stored: Sequence[tuple[Any, Any]] = ()) -> Parity:
    """The proof of a model and the file it came from; where the file was written here, perhaps from this model, as it
    runs. stored: inputs and outputs of the file."""
    from throughtime.interop.onnx import check

    if read.read(file).producer_name != WRITER:
        return load(file).proof(model, stored, whole=True)
    try:
        conversion = load(file)
    except UserError:  # not all that is written is read
        return check.verify(model, file, stored)
    if first_unlike(model, conversion.model) is not None:
        return check.verify(model, file, stored)
    return conversion.proof(model, stored, whole=True)


def _turned(imported: Imported, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> tuple[Any, Any]:
    """Inputs and outputs of the file as ours has them, the batch in front. UserError for inputs that do not fit."""
    feeds = [one for one in imported.feeds if one.name not in imported.outside]
    wanted = ", ".join(f"{one.name[:40]} of {len(one.axes)} axes" for one in feeds)
    if [x.ndim for x in inputs] != [len(one.axes) for one in feeds]:
        raise UserError(f"stored inputs: expected {wanted}, got {[x.ndim for x in inputs][:20]} axes")
    sizes: dict[int, int] = {}
    for x, feed in zip(inputs, feeds, strict=True):
        for n, axis in zip(x.shape, feed.axes, strict=True):
            for part in axis:
                if part.key == BATCH or part.size in imported.primes:
                    sizes[BATCH if part.key == BATCH else part.size] = n
    answers = list(outputs)
    for k, (y, view) in enumerate(zip(outputs, imported.outputs, strict=False)):
        try:
            answers[k] = unseen(y, View(view.place, view.usual, view.axes), sizes)
        except ValueError:  # another shape, which the comparison tells
            continue
    return [x.transpose(np.argsort(one.order)) for x, one in zip(inputs, feeds, strict=True)], answers


def _runner(proto: Any, names: list[str], who: str) -> Run:
    """The file at work, which also gives the values of these names."""
    import onnx

    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    there = {one.name for one in whole.graph.output} | {one.name for one in whole.graph.input}
    inside = [name for name in names if name not in there]
    whole.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in inside)
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return _by_reference(whole, who)
    from throughtime.interop.onnx.check import session

    opened: list[Any] = []
    other = _by_reference(whole, who)

    def run(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            if not opened:
                opened.append(session(whole.SerializeToString(), who))
            outputs = [one.name for one in opened[0].get_outputs()]
            return dict(zip(outputs, opened[0].run(None, feeds), strict=True))
        except Exception as error:  # its own types, which are no public classes
            refused = str(error) if isinstance(error, UserError) else f"{who}: ONNX Runtime: {_line(error)}"
        try:
            return other(feeds)
        except UserError:
            raise UserError(f"{refused[:400]}; nor does onnx's ReferenceEvaluator run it") from None

    return run


def _by_reference(whole: Any, who: str) -> Run:
    from onnx.reference import ReferenceEvaluator

    ragged = any(one.op_type in GATES and len(one.input) > 4 and one.input[4] for one in read.nodes(whole.graph))

    def run(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if ragged:  # it would run every row to the end and agree with a conversion that forgot the lengths
            raise UserError(f"{who}: onnx's ReferenceEvaluator knows no sequence_lens: {needed('interop')}")
        try:
            evaluator = ReferenceEvaluator(whole)
            return dict(zip(evaluator.output_names, evaluator.run(None, feeds), strict=True))
        except Exception as error:  # what it raises is of many types
            raise UserError(f"{who}: the proof needs onnxruntime ({_line(error)}): {needed('interop')}") from None

    return run


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _batches(imported: Imported, whole: bool) -> Iterator[tuple[list[np.ndarray], dict[int, int]]]:
    """Inputs of ours, and what stands for each free size."""
    fixed = next(size(axis) for axis in imported.feeds[0].axes if axis and axis[0].key == BATCH)
    for trial in trials(imported.model, 5, LENGTHS, whole):
        rows = len(trial.inputs[0]) if fixed > 10000 else fixed
        inputs = [np.resize(one, (rows, *one.shape[1:])) for one in trial.inputs]
        steps = [
            x.shape[1 + k]
            for x, node in zip(inputs, imported.model.graph.inputs, strict=True)
            for k, n in enumerate(imported.model.graph.layers[imported.model.graph.nodes[node].layer].shape)  # type: ignore[attr-defined]
            if n is None
        ]
        yield inputs, {BATCH: rows, **dict.fromkeys(imported.primes, steps[0] if steps else 1)}


def _errors(mine: ImportedModel, imported: Imported, run: Run, whole: bool) -> dict[str, tuple[float, float]]:
    """Layer -> its difference from the file as it runs, in the worst trial, and how large it may be there. Nothing
    behind the first layer that differs is told apart from it."""
    found: dict[str, tuple[float, float]] = {}
    single, wide, graph = mine.as_type("float32"), mine.as_type("float64"), mine.graph
    rng = np.random.default_rng(6)
    for inputs, sizes in _batches(imported, whole):
        feeds, pasts, lengths = _feeds(mine, imported, inputs, rng)
        given = [
            x if graph.layers[graph.nodes[n].layer].tokens else x.astype(np.float32)  # type: ignore[attr-defined]
            for n, x in zip(graph.inputs, inputs, strict=True)
        ]
        theirs = run(feeds)
        with np.errstate(all="ignore"):
            ours = single.values(given, pasts[0], lengths)
            exact = wide.values(given, pasts[1], lengths)
        for (node, value), (name, view) in sorted(imported.seen.items()):
            if name not in theirs or isinstance(graph.layers[graph.nodes[node].layer], kinds.Input):
                continue
            try:
                truth = unseen(theirs[name], view, sizes)
            except ValueError:
                truth = np.full(1, math.inf)
            layer = graph.names[graph.nodes[node].layer]
            _note(found, layer, ours[node][value].array, exact[node][value].array, truth)
        for key, names in imported.carried.items():
            for k, name in enumerate(names):
                truth = theirs[name.removesuffix("_0")]
                layer = key if key in graph.names else key.rpartition(".")[0]
                _note(found, layer, pasts[0].states[key][k], pasts[1].states[key][k], truth)
    return found


def _note(found: dict[str, tuple[float, float]], layer: str, ours: Any, exact: Any, truth: Any) -> None:
    error, lost = difference(ours, truth), difference(ours, exact)
    allowed = max(SINGLE, LOST * lost if math.isfinite(lost) else 0.0)
    worst, limit = found.get(layer, (0.0, SINGLE))
    if not error / allowed <= worst / limit:  # each trial has its own limit: a long one must not excuse a short one
        found[layer] = (error, allowed)
    else:
        found.setdefault(layer, (error, allowed))


def _feeds(
    mine: ImportedModel, imported: Imported, inputs: list[np.ndarray], rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], tuple[Past, Past], np.ndarray | None]:
    """What the file is given; for a file that was written here also states and lengths, which ours is given apart."""
    types, left = {1: np.float32, 11: np.float64, 6: np.int32, 7: np.int64}, list(inputs)
    rows, steps = inputs[0].shape[0], inputs[0].shape[1] if inputs[0].ndim > 1 else 1
    carried = {name for names in imported.carried.values() for name in names}
    lengths = None
    feeds: dict[str, np.ndarray] = {}
    for feed in imported.feeds:
        if feed.name in carried:
            feeds[feed.name] = (rng.standard_normal((rows, size(feed.axes[1]))) * 0.5).astype(types[feed.type])
        elif feed.name in imported.outside:
            lengths = np.concatenate([[steps], rng.integers(1, steps + 1, rows - 1)])
            feeds[feed.name] = lengths.astype(types[feed.type])
        else:
            feeds[feed.name] = np.ascontiguousarray(left.pop(0).transpose(feed.order), types[feed.type])
    pasts = (Past(), Past())
    for past in pasts:
        for key, names in imported.carried.items():
            past.states[key] = [feeds[name] for name in names]
            past.last[key] = np.zeros((rows, 1), np.float32)
    return feeds, pasts, lengths
