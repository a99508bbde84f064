"""The report of a model that makes one text of another, from what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Sample, Section, Table
from throughtime.report.run import Run, equations_of, is_number
from throughtime.tasks.reading.report import as_list, learning, mapping, percent, sentence

SHOWN = ("notes",)


def write(run: Run, measures: Mapping[str, str], model: list[Item] | None = None, loss: str = "nats per piece") -> Path:
    """Write the page of a run; its path. measures: name of a figure -> what it is called, the first for the top. model:
    what is said of the model where that is no encoder-decoder alone. loss: what the curve shows."""
    evaluation = run.evaluation
    verdict = run.unscored(" nats")
    if evaluation:
        verdict = sentence(evaluation, "verdict") or "Scored, but not beside a baseline."
    known = {name: what for name, what in measures.items() if is_number(evaluation.get(name))}
    sections = [
        Section("Result", _result(evaluation, known)),
        Section("Attention", _attention(evaluation)),
        Section("Long, short and new", _lengths(evaluation)),
        Section("Worst answers to read", worst(evaluation)),
        Section("Learning", learning(run, loss)),
        Section("Data", [Prose("; ".join(run.record.data.notes) + ".")] if run.record.data.notes else []),
    ]
    merits = [(f"{evaluation[name]:.1f}", what) for name, what in known.items()]
    shown = generator_items(run.record.model, run.record.parameters) if model is None else model
    return run.write(verdict, merits, sections, shown, shown=SHOWN)


def _result(evaluation: Mapping[str, Json], measures: Mapping[str, str]) -> list[Item]:
    if not measures:
        return []
    baselines = {str(name): mapping(one) for name, one in mapping(evaluation.get("baselines")).items()}
    rows = []
    for name, entry in [*baselines.items(), ("this model", dict(evaluation))]:
        rows.append([name, *(f"{entry[key]:.2f}" if is_number(entry.get(key)) else "-" for key in measures)])
    items: list[Item] = [Table(["", *measures.values()], rows, tuple(range(1, len(measures) + 1)), len(rows) - 1)]
    for key in ("signature", "names"):
        if isinstance(text := evaluation.get(key), str):
            items.append(Prose(text))
    if is_number(share := evaluation.get("distinct")):
        items.append(Prose(f"{percent(share, '{:.1f}')} % of the answers to different texts are different ones."))
    items += [Prose(one) for one in as_list(evaluation.get("sentences")) if isinstance(one, str)]
    if told := sentence(evaluation, "exchanged"):
        items.append(Prose(told))
    return items


def _attention(evaluation: Mapping[str, Json]) -> list[Item]:
    from throughtime.report.attention_plot import attention

    items: list[Item] = []
    for one in map(mapping, as_list(evaluation.get("attention"))[:3]):
        source, target = ([str(word) for word in as_list(one.get(side))] for side in ("source", "target"))
        try:
            shares = np.array(one.get("shares"), np.float64)
        except (TypeError, ValueError):
            continue
        if shares.shape != (len(target), len(source)) or not shares.size or not np.isfinite(shares).all():
            continue
        items.append(Figure(attention(shares, source, target), f"{' '.join(target)}: what each word looked at."))
    told = "Attention is not alignment: it shows where the decoder looked before it wrote a word, which may be beside "
    told += "the word that it says, and at the end of a text often is."
    return [Prose(told), *items] if items else []


def _lengths(evaluation: Mapping[str, Json]) -> list[Item]:
    rows = []
    measure = f"{evaluation['measure'] if isinstance(evaluation.get('measure'), str) else 'chrF'} of a text"
    for one in map(mapping, as_list(evaluation.get("by_length"))):
        if all(is_number(one.get(key)) for key in ("from", "to", "texts", "overlap")):
            rows.append([f"{one['from']} to {one['to']}", f"{one['texts']:,}", percent(one["overlap"])])
    items: list[Item] = [Table(["pieces of the source", "texts", measure], rows, numeric=(1, 2))] if rows else []
    entries = [one for one in map(mapping, as_list(evaluation.get("by_unseen"))) if is_number(one.get("overlap"))]
    rows = [
        [
            f"{one.get('words')}{' or more' if one.get('or_more') is True else ''}",
            f"{one.get('texts')}",
            percent(one["overlap"]),
        ]
        for one in entries
    ]
    if rows:
        items.append(Table(["words of the source that training did not have", "texts", measure], rows, (1, 2)))
    return items


def worst(evaluation: Mapping[str, Json]) -> list[Item]:
    """The answers least like their targets, of those that are not the target itself."""
    items: list[Item] = []
    for one in map(mapping, as_list(evaluation.get("worst"))):
        parts = [f"{name}: {one[name]}" for name in ("source", "target", "answer") if isinstance(one.get(name), str)]
        if len(parts) == 3 and one["answer"] != one["target"]:
            items.append(Sample(percent(one.get("overlap"), "{:.0f}") + " % like its target", "\n".join(parts), False))
    return items


def generator_items(model: EncoderDecoderConfig, parameters: int) -> list[Item]:
    """What an encoder-decoder is made of. parameters: in all."""
    rows = [["embedding", "of both sides, and of the output", f"{model.vocabulary:,} x {model.embedding}"]]
    names = ("encoder", "decoder below the attention", "decoder above it")
    for stack, name in zip(model.stacks, names, strict=True):
        for i, directions in enumerate(stack.layers):
            ways = "in both directions" if len(directions) == 2 else "from the start"
            sizes = ", ".join(f"{symbol} = {value}" for symbol, value in directions[0].sizes.items())
            rows.append([f"{name} {i}", f"{directions[0].name}, {ways}", sizes[:300]])
    rows.append(["attention", f"{model.heads} head{'s' * (model.heads > 1)}", f"{model.attention}"])
    rows.append(["copying", "pieces of the source" if model.copying else "none", ""])
    rows.append(["parameters in all", "", f"{parameters:,}"])
    layers = [layer for stack in model.stacks for _, layer in stack.named]
    return [Table(["part", "what", "sizes"], rows), *equations_of(layers)]
