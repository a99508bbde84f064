"""The report of a language model, from what its folder holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.recurrence import Trace
from throughtime.report.diagnosis import of_folder
from throughtime.report.page import Code, Figure, Item, Page, Prose, Sample, Section, Table, render
from throughtime.storage.folder import HISTORY, read_config, write_atomically
from throughtime.training.history import read

REPORT = "report.html"
SAMPLES = 12
"""The most samples shown of a run, evenly spread; the last is always among them."""

_EQUATION, _HUGE = 20_000, 1e30


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html from DIR/config.json and DIR/history.jsonl, and return its path.

    Raises UserError where one of the two is missing or damaged.
    """
    folder = Path(directory)
    config = read_config(folder)
    if not (folder / HISTORY).is_file():
        raise UserError(f"{folder / HISTORY}: no such file; a report needs the history that training writes")
    path = folder / REPORT
    if path.is_dir():
        raise UserError(f"{path}: cannot be written, it is a folder; rename it")
    history = [line for line in read(folder / HISTORY) if is_line(line)]
    content = render(page(folder.resolve().name, config, history, of_folder(folder, history)))
    write_atomically(path, content.encode("utf-8", "replace"))
    return path


def page(name: str, config: Mapping[str, Any], history: list[dict[str, Any]], inside: Sequence[Section] = ()) -> Page:
    """The report's content. config and history as they are in the model folder; name: of the folder; inside: what was
    seen inside the model."""
    evaluations = [line["evaluation"] for line in history if isinstance(line.get("evaluation"), dict)]
    evaluation = evaluations[-1] if evaluations else {}
    steps = [line for line in history if is_number(line.get("loss"))]
    judged = [line for line in history if is_number(line.get("validation_loss"))]
    sections = [
        Section("Result", [_results(evaluation)]) if evaluation else None,
        Section("Learning", _learning(config, evaluation, steps, judged)),
        Section("Samples as training went", _samples(history)) if any("sample" in line for line in history) else None,
        *inside,
        Section("Model", _model(config)),
        Section("Settings and environment", settings_of(config)),
    ]
    version = _at(config, "environment", "throughtime") or ""
    return Page(
        title=name,
        verdict=_verdict(evaluation, judged, steps),
        sections=[section for section in sections if section],
        merits=_merits(config, evaluation, steps, judged),
        warnings=[*failures(history), *_warnings(steps, judged, evaluation)],
        footer=f"Written by throughtime {version}".strip() + ". Everything on this page is in this file.",
    )


def _verdict(evaluation: Mapping[str, Any], judged: list[dict[str, Any]], steps: list[dict[str, Any]]) -> str:
    if not evaluation:
        if judged:
            best = min(judged, key=lambda line: line["validation_loss"])
            figure = f"{best['validation_loss']:.3f} nats per token at step {best['step']:,}"
            return f"The best validation loss was {figure}. The model has not been scored on text it never saw yet."
        return f"Trained for {steps[-1]['step']:,} steps, not scored yet." if steps else "Nothing has been learned yet."
    unit, ours = _score(evaluation)
    where = {"test": "On the part of the text it never saw", "all": "On the text given"}.get(
        str(evaluation.get("part", "test")), f"On the {evaluation.get('part')} part of the text"
    )
    sentence = f"{where} the model needs {ours:.3f} nats per {unit}"
    peers = _peers(evaluation)
    if not peers:
        return sentence + "."
    label, least = min(peers, key=lambda peer: peer[1])
    if ours < least:
        return (
            f"{sentence}, {1 - ours / least:.1%} fewer than the best simple baseline, the {label} model ({least:.3f})."
        )
    return f"{sentence}; the best simple baseline, the {label} model, needs {1 - least / ours:.1%} fewer ({least:.3f})."


def _merits(
    config: Mapping[str, Any], evaluation: Mapping[str, Any], steps: list[dict[str, Any]], judged: list[dict[str, Any]]
) -> list[tuple[str, str]]:
    merits: list[tuple[str, str]] = []
    if evaluation:
        unit, ours = _score(evaluation)
        merits += [(f"{ours:.3f}", f"nats per {unit}"), (f"{ours / math.log(2):.3f}", f"bits per {unit}")]
    elif judged:
        merits.append((f"{min(line['validation_loss'] for line in judged):.3f}", "validation loss, nats per token"))
    if is_number(count := config.get("parameters")):
        merits.append((f"{count:,}", "parameters"))
    if steps:
        merits.append((f"{steps[-1]['step']:,}", "steps"))
        if is_number(steps[-1].get("elapsed")):
            merits.append((duration(steps[-1]["elapsed"]), "of training"))
        speeds = sorted(line["tokens_per_second"] for line in steps if is_number(line.get("tokens_per_second")))
        if speeds:
            merits.append((f"{speeds[len(speeds) // 2]:,.0f}", "tokens per second, median"))
    return merits


def failures(history: list[dict[str, Any]]) -> list[str]:
    """What a run that was stopped by its own loss says about it; see throughtime.training.failure."""
    told = []
    for line in history:
        failure = line.get("failure")
        if isinstance(failure, dict) and is_number(failure.get("step")):
            norms = [f"{norm:.3g}" for norm in failure.get("norms") or [] if is_number(norm)]
            before = f" The gradient's norms before: {', '.join(norms)}." if norms else ""
            told.append(
                f"Training stopped at step {failure['step']:,}: its {failure.get('what')} was no finite number; "
                f"{failure.get('cause')}.{before} What may help: {failure.get('advice')}."
            )
    return told


def _warnings(steps: list[dict[str, Any]], judged: list[dict[str, Any]], evaluation: Mapping[str, Any]) -> list[str]:
    warnings = []
    struck = _clipped(steps)
    if struck is not None and struck > 0.5:
        warnings.append(f"Clipping struck at {struck:.0%} of the steps: a lower learning rate may learn more.")
    if len(judged) > 3:
        losses = [line["validation_loss"] for line in judged]
        if losses[-1] > min(losses) * 1.02:
            best = judged[losses.index(min(losses))]["step"]
            warnings.append(
                f"Validation was best at step {best:,} and got worse after it: the model learned its text by heart. "
                "More dropout, a smaller model or more text would help; the best step's model is the one kept."
            )
    if evaluation:
        _, ours = _score(evaluation)
        if any(ours >= value for _, value in _peers(evaluation)):
            warnings.append("A simple baseline does as well or better: train longer, or use a larger model.")
    return warnings


def _results(evaluation: Mapping[str, Any]) -> Table:
    unit, ours = _score(evaluation)
    rows = [*_peers(evaluation), ("this model", ours)]
    body = [[label, f"{v:.3f}", f"{v / math.log(2):.3f}", f"{math.exp(v):,.2f}"] for label, v in rows]
    header = ["", f"nats per {unit}", f"bits per {unit}", f"perplexity per {unit}"]
    return Table(header, body, numeric=(1, 2, 3), strong=len(body) - 1)


def _learning(
    config: Mapping[str, Any], evaluation: Mapping[str, Any], steps: list[dict[str, Any]], judged: list[dict[str, Any]]
) -> list[Item]:
    if not steps and not judged:
        return [Prose("The history holds no steps.")]
    from throughtime.report import curves

    def curve(lines: list[dict[str, Any]], key: str) -> tuple[list[float], list[float]]:
        found = [(line["step"], line[key]) for line in lines if is_number(line.get(key))]
        return [s for s, _ in found], [v for _, v in found]

    unit = {"characters": "character", "bytes": "byte"}.get(str(_at(config, "tokens", "kind")), "token")
    lines = dict(_peers(evaluation, "token"))
    picture = curves.losses(curve(steps, "loss"), curve(judged, "validation_loss"), lines, f"nats per {unit}")
    items: list[Item] = [Figure(picture, _loss_caption(judged, bool(lines)))]
    clip = _at(config, "training", "clip")
    limit = float(clip) if is_number(clip) else None
    picture = curves.measures(
        curve(steps, "gradient_norm"), limit, curve(steps, "tokens_per_second"), curve(steps, "learning_rate")
    )
    struck = _clipped(steps)
    said = "" if struck is None else f" Clipping struck at {struck:.1%} of the steps."
    return [*items, Figure(picture, "Gradient norm before clipping, speed and learning rate over steps." + said)]


def _loss_caption(judged: list[dict[str, Any]], lines: bool) -> str:
    caption = "Training loss (light: as logged, dark: smoothed) and validation loss."
    if judged:
        best = min(judged, key=lambda line: line["validation_loss"])
        caption += f" Best validation: {best['validation_loss']:.3f} at step {best['step']:,}."
    return caption + (" Grey lines: what simple models reach on the test part." if lines else "")


def _samples(history: list[dict[str, Any]]) -> list[Item]:
    found = [line for line in history if isinstance(line.get("sample"), str)]
    if len(found) > SAMPLES:
        found = [found[round(i * (len(found) - 1) / (SAMPLES - 1))] for i in range(SAMPLES)]
    last = len(found) - 1
    return [
        Sample(f"step {line.get('step', 0):,}", line["sample"], open=i in (0, last)) for i, line in enumerate(found)
    ]


def _model(config: Mapping[str, Any]) -> list[Item]:
    model = config.get("model")
    if not isinstance(model, dict):
        return [Prose("config.json does not describe the model.")]
    first = ["embedding", "look-up", f"{model.get('vocabulary')} x {model.get('embedding')}"]
    output = "linear, tied to the embedding" if model.get("tied") else "linear"
    return layers_of(config, [first], [["output", output, str(model.get("vocabulary"))]])


def layers_of(config: Mapping[str, Any], before: list[list[str]], after: list[list[str]]) -> list[Item]:
    """A table of a model's parts, rows before and after its recurrences, and their equations."""
    from throughtime.recurrence.equations import as_text

    rows, equations = [*before], {}
    layers = _at(config, "model", "layers")
    for i, layer in enumerate(layers if isinstance(layers, list) else []):
        sizes = _at(layer, "sizes")
        said = ", ".join(f"{k} = {v}" for k, v in sizes.items()) if isinstance(sizes, dict) else ""
        with suppress(ValueError):
            trace = Trace.from_json(_at(layer, "trace"))
            if written(trace) <= _EQUATION:
                equations[trace.name] = "\n".join(as_text(trace))
        rows.append([f"layer {i}", str(_at(layer, "cell")), said[:300]])
    rows += after
    if is_number(count := config.get("parameters")):
        rows.append(["parameters in all", "", f"{count:,}"])
    items: list[Item] = [Table(["part", "what", "sizes"], rows)]
    for name, text in equations.items():
        items += [Prose(f"Equations of {name} (h' is the state of the step before, * multiplies element by element):")]
        items += [Code(text)]
    return items


def settings_of(config: Mapping[str, Any]) -> list[Item]:
    """Tables of a run's settings and of where it ran."""
    single = {k: v for k, v in config.items() if not isinstance(v, dict) and k not in ("parameters", "start")}
    groups = {"run": single, **{k: v for k, v in config.items() if isinstance(v, dict) and k != "model"}}
    if "environment" in groups:  # with these three a run can be repeated
        seed, data = _at(config, "training", "seed"), _at(config, "data", "sha256")
        groups["environment"] = {**groups["environment"], "seed": seed, "data sha256": data}
    return [Table([name, ""], [[*row] for row in _flat(values)]) for name, values in groups.items()]


def _flat(values: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        name = f"{above} {key}".strip().replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, name)
        elif isinstance(value, list):
            yield name, ", ".join(map(str, value))[:300]
        elif value is not None:
            counted = type(value) is int and abs(value) >= 10_000 and key != "seed"  # a seed is copied, not read
            yield name, f"{value:,}" if counted else str(value)[:300]


def _score(evaluation: Mapping[str, Any]) -> tuple[str, float]:
    """The unit a result is given in and its nats per unit; characters where they are known."""
    for unit in ("character", "byte", "token"):
        if is_number(evaluation.get(f"nats_per_{unit}")):
            return unit, float(evaluation[f"nats_per_{unit}"])
    raise UserError("report: expected nats per character, byte or token in the evaluation of history.jsonl, got none")


def _peers(evaluation: Mapping[str, Any], unit: str = "") -> list[tuple[str, float]]:
    """Label and nats per unit of each baseline that is known in that unit; `unit` "" is the unit of the result."""
    unit = unit or (_score(evaluation)[0] if evaluation else "token")
    found = []
    baselines = evaluation.get("baselines")
    for name, entry in baselines.items() if isinstance(baselines, dict) else ():
        value = _at(entry, f"nats_per_{unit}")
        if is_number(value):
            order = _at(entry, "order")
            found.append((f"{order}-gram" if name == "ngram" and order else name.replace("_", " "), float(value)))
    return found


def _clipped(steps: list[dict[str, Any]]) -> float | None:
    shares = [float(line["clipped"]) for line in steps if is_number(line.get("clipped"))]
    return sum(shares) / len(shares) if shares else None


def _at(values: Any, *keys: str) -> Any:
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def is_number(value: Any) -> bool:
    """Whether a value of the history can be drawn: a number, and not one that overflows on the way."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE


def is_line(line: Mapping[str, Any]) -> bool:
    """Whether a line of the history has the number of its step; any other was not written by training."""
    return type(line.get("step")) is int and 0 <= line["step"] < _HUGE


def written(trace: Trace) -> int:
    """About how many symbols the equations have: a value used twice is written twice, which may double and double."""
    lengths: list[int] = []
    named = set(trace.gates.values())
    for number, node in enumerate(trace.graph.nodes):
        lengths.append(1 if number in named else 1 + sum(lengths[a] for a in node.args))
    ends = [*named, *(new for _, new in trace.states.values())]
    return sum(1 + sum(lengths[a] for a in trace.graph[end].args) for end in ends)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
