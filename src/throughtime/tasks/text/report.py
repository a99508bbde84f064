"""The report of a language model, from what its folder holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Sample, Section, Table
from throughtime.report.run import Run, is_number, layers_of
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.score import NOTHING, label_of
from throughtime.tasks.text.stream import SCHEMA

SAMPLES = 12
"""The most samples shown of a run, evenly spread; the last is always among them."""


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html from DIR/config.json and DIR/history.jsonl, and return its path.

    Raises UserError where one of the two is missing or damaged.
    """
    run = Run.of(directory, SCHEMA)
    sections = [
        Section("Result", [_results(run.evaluation)]) if run.evaluation else None,
        Section("Learning", _learning(run)),
        Section("Samples as training went", _samples(run)),
    ]
    unit = " nats per token"
    verdict = verdict_of(run.evaluation) if run.evaluation else run.unscored(unit)
    return run.write(verdict, _merits(run), sections, _model(run.record.model, run.record.parameters), _warnings(run))


def verdict_of(evaluation: Mapping[str, Json]) -> str:
    """What an evaluation comes to, in a sentence."""
    unit, ours = _score(evaluation)
    where = {"test": "On the part of the text it never saw", "all": "On the text given"}.get(
        str(evaluation.get("part", "test")), f"On the {evaluation.get('part')} part of the text"
    )
    sentence = f"{where} the model needs {ours:.3f} nats per {unit}"
    if (alone := _alone(evaluation, unit)) is not None:
        sentence += f" (an n-gram model joins in; the recurrence alone needs {alone:.3f})"
    peers = _peers(evaluation)
    unknown = " " + strange if (strange := unknown_in_words(evaluation)) else ""
    if not peers:
        return f"{sentence}.{unknown}"
    label, least = min(peers, key=lambda peer: peer[1])
    told: Any = evaluation.get("verdict")
    same = isinstance(told, dict) and told.get("baseline") == f"the {label} model"
    if same and isinstance(told.get("sentence"), str):
        return f"{told['sentence']} {sentence}, the {label} model {least:.3f}.{unknown}"
    if least <= NOTHING:
        return f"{sentence}; the {label} model needs {least:.3f}, so that nothing is left to be better at: no verdict."
    if ours < least:
        return (
            f"{sentence}, {1 - ours / least:.1%} fewer than the best simple baseline, the {label} model ({least:.3f})."
            f"{unknown}"
        )
    fewer = f"needs {1 - least / ours:.1%} fewer ({least:.3f})."
    return f"{sentence}; the best simple baseline, the {label} model, {fewer}{unknown}"


def unknown_in_words(evaluation: Mapping[str, Json]) -> str:
    """How much of a text was outside of the vocabulary, in a sentence; "" for nothing."""
    tokens: Any = evaluation.get("unknown_tokens")
    characters: Any = evaluation.get("unknown_characters")
    told = []
    if is_number(tokens) and tokens > 0:
        told.append(f"{tokens:.1%} of the tokens are unknown words, <unk>, which are easy to predict.")
    if is_number(characters):
        told.append(f"{characters:.1%} of the characters are unknown and left out.")
    return " ".join(told)


def _merits(run: Run) -> list[tuple[str, str]]:
    merits: list[tuple[str, str]] = []
    judged = run.curve("validation_loss")[1]
    if run.evaluation:
        unit, ours = _score(run.evaluation)
        merits += [(f"{ours:.3f}", f"nats per {unit}"), (f"{ours / math.log(2):.3f}", f"bits per {unit}")]
    elif judged:
        merits.append((f"{min(judged):.3f}", "validation loss, nats per token"))
    if steps := run.curve("loss")[0]:
        merits.append((f"{steps[-1]:,}", "steps"))
    if speeds := sorted(run.curve("tokens_per_second")[1]):
        merits.append((f"{speeds[len(speeds) // 2]:,.0f}", "tokens per second, median"))
    return merits


def _warnings(run: Run) -> list[str]:
    warnings = []
    clipped = run.curve("clipped")[1]
    if clipped and sum(clipped) / len(clipped) > 0.5:
        share = sum(clipped) / len(clipped)
        warnings.append(f"Clipping struck at {share:.0%} of the steps: a lower learning rate may learn more.")
    steps, losses = run.curve("validation_loss")
    if len(losses) > 3 and losses[-1] > min(losses) * 1.02:
        best = steps[losses.index(min(losses))]
        warnings.append(
            f"Validation was best at step {best:,} and got worse after it: the model learned its text by heart. "
            "More dropout, a smaller model or more text would help; the best step's model is the one kept."
        )
    if run.evaluation:
        _, ours = _score(run.evaluation)
        if any(ours >= value > NOTHING for _, value in _peers(run.evaluation)):
            warnings.append("A simple baseline does as well or better: train longer, or use a larger model.")
    return warnings


def _results(evaluation: Mapping[str, Json]) -> Table:
    unit, ours = _score(evaluation)
    alone = _alone(evaluation, unit)
    rows = [*_peers(evaluation), *([] if alone is None else [("recurrence alone", alone)]), ("this model", ours)]
    body = [[label, f"{v:.3f}", f"{v / math.log(2):.3f}", f"{math.exp(v):,.2f}"] for label, v in rows]
    header = ["", f"nats per {unit}", f"bits per {unit}", f"perplexity per {unit}"]
    return Table(header, body, numeric=(1, 2, 3), strong=len(body) - 1)


def _learning(run: Run) -> list[Item]:
    loss, validation = run.curve("loss"), run.curve("validation_loss")
    if not loss[0] and not validation[0]:
        return [Prose("The history holds no steps.")]
    from throughtime.report import curves

    unit = {"characters": "character", "bytes": "byte"}.get(run.record.options.tokens, "token")
    lines = dict(_peers(run.evaluation, "token"))
    picture = curves.losses(loss, validation, lines, f"nats per {unit}")
    caption = "Training loss (light: as logged, dark: smoothed) and validation loss."
    if validation[1]:
        best = min(range(len(validation[1])), key=validation[1].__getitem__)
        caption += f" Best validation: {validation[1][best]:.3f} at step {validation[0][best]:,}."
    caption += " Grey lines: what simple models reach on the test part." if lines else ""
    return [Figure(picture, caption), *run.measures("tokens")]


def _samples(run: Run) -> list[Item]:
    samples = [line for line in run.history if isinstance(line.get("sample"), str)]
    if len(samples) > SAMPLES:
        samples = [samples[round(i * (len(samples) - 1) / (SAMPLES - 1))] for i in range(SAMPLES)]
    last = len(samples) - 1
    return [
        Sample(f"step {line.get('step', 0):,}", line["sample"], open=i in (0, last)) for i, line in enumerate(samples)
    ]


def _model(model: LanguageConfig, parameters: int) -> list[Item]:
    first = ["embedding", "look-up", f"{model.vocabulary} x {model.embedding}"]
    output = ["output", "linear, tied to the embedding" if model.tied else "linear", str(model.vocabulary)]
    layers = [(f"layer {i}", layer) for i, layer in enumerate(model.layers)]
    return layers_of(layers, parameters, [first], [output])


def _score(evaluation: Mapping[str, Json]) -> tuple[str, float]:
    """The unit a result is given in and its nats per unit; characters where they are known."""
    for unit in ("character", "byte", "token"):
        if is_number(evaluation.get(f"nats_per_{unit}")):
            return unit, float(evaluation[f"nats_per_{unit}"])
    raise UserError("report: expected nats per character, byte or token in the evaluation of history.jsonl, got none")


def _alone(evaluation: Mapping[str, Json], unit: str) -> float | None:
    """Nats per unit of the recurrence of a model that an n-gram model has joined."""
    entry = evaluation.get("recurrence")
    value = entry.get(f"nats_per_{unit}") if isinstance(entry, dict) else None
    return float(value) if value is not None and is_number(value) else None


def _peers(evaluation: Mapping[str, Json], unit: str = "") -> list[tuple[str, float]]:
    """Label and nats per unit of each baseline that is known in that unit; `unit` "" is the unit of the result."""
    unit = unit or (_score(evaluation)[0] if evaluation else "token")
    peers = []
    baselines = evaluation.get("baselines")
    for name, entry in baselines.items() if isinstance(baselines, dict) else ():
        if not isinstance(entry, dict):
            continue
        value = entry.get(f"nats_per_{unit}")
        if value is not None and is_number(value):
            peers.append((label_of(str(name), entry), float(value)))
    return peers
