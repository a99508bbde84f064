"""throughtime run DIR of a model that was imported: numbers in, numbers out; with its characters, text in, text out."""

from __future__ import annotations

import csv
import io
import json
import math
import tokenize
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.interop import folder
from throughtime.interop import layers as kinds
from throughtime.interop.model import ImportedModel
from throughtime.report.console import print_json
from throughtime.storage.folder import opened_file, read_file, read_json, write_atomically

Rows = list[Any]


def run(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    given: Annotated[
        str,
        Argument(
            metavar="INPUT", help="A file of numbers: .csv (a row a step), .jsonl (a sequence a line), .npy; or text."
        ),
    ],
    characters: Annotated[
        Path | None, Option(help="JSON: each character and its number; INPUT is then text, and text is written.")
    ] = None,
    length: Annotated[int, Option(min=1, max=1_000_000, help="Characters to write.")] = 200,
    temperature: Annotated[float, Option(min=0, help="Below 1: more likely characters; 0: the likeliest.")] = 1.0,
    seed: Annotated[int, Option(min=0, help="Of the draws.")] = 0,
    window: Annotated[
        int | None, Option(min=1, help="Characters the model reads anew for each; all, where not given.")
    ] = None,
    out: Annotated[Path | None, Option(metavar="FILE", help="Write the numbers as .npy.")] = None,
    json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """What an imported model answers."""
    model = folder.load(directory)
    if characters is not None:
        pieces = write(model, given, numbers_of(characters), length, temperature, seed, window)
        if json:
            print_json({"text": "".join(pieces)})
            return
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
        return
    tokens = _tokens(model)
    _check_one_output(model, "call predict in Python")
    answers = [np.asarray(model.predict(np.asarray(one)[None])[0]) for one in sequences(Path(given), tokens)]
    if not all(np.isfinite(one).all() for one in answers):
        raise UserError(f"{directory}: the answer holds what are no finite numbers; the model or the input is damaged")
    if out is not None:
        if len({one.shape for one in answers}) != 1:
            raise UserError(f"{out}: the answers are of different lengths; leave --out away, for a line each")
        buffer = io.BytesIO()
        np.save(buffer, answers[0] if len(answers) == 1 else np.stack(answers))
        write_atomically(out, buffer.getvalue())
    if json:
        print_json({"outputs": [one.tolist() for one in answers], "file": None if out is None else str(out)})
    elif out is None:
        _show(answers)


def _show(answers: list[np.ndarray]) -> None:
    """One sequence: a row a step; several: a JSON list a line."""
    if len(answers) > 1:
        for one in answers:
            print(json.dumps(one.tolist()))
        return
    rows = np.atleast_1d(answers[0])
    for row in rows.reshape(-1, rows.shape[-1]):
        print(",".join(f"{value:.9g}" for value in row))


def _tokens(model: ImportedModel) -> bool:
    """Whether the model's one input is numbers of rows; UserError where it has several."""
    if len(model.graph.inputs) != 1:
        raise UserError(f"run: the model has {len(model.graph.inputs)} inputs; call predict in Python")
    first = model.graph.layers[model.graph.nodes[model.graph.inputs[0]].layer]
    return isinstance(first, kinds.Input) and first.tokens


def _check_one_output(model: ImportedModel, remedy: str) -> None:
    if len(model.graph.outputs) != 1:
        raise UserError(f"run: the model has several outputs, {len(model.graph.outputs)}; {remedy}")


def sequences(file: Path, tokens: bool) -> Rows:
    """The sequences in a file: (T, I) each, or tokens (T,). UserError says the line that is wrong."""
    suffix = file.suffix.lower()
    if suffix == ".npy":
        array = _saved(file)
        return list(array) if array.ndim == (2 if tokens else 3) else [array]
    if suffix not in (".csv", ".jsonl", ".json"):
        raise UserError(f"{file}: expected a .csv, .jsonl or .npy file of numbers; or give --characters for text")
    text = _text(file)
    if suffix == ".csv":
        rows = _rows(file, text)
        header = 1 if rows and not any(map(_is_number, rows[0][1])) else 0
        values = [_numbers(file, line, row) for line, row in rows[header:]]
        return [_array(file, [row[0] for row in values] if tokens and all(len(r) == 1 for r in values) else values)]
    if suffix == ".json":
        return [_array(file, read_json(file))]
    found = []
    for n, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:  # a ValueError also of whole numbers with thousands of digits
            raise UserError(f"{file}:{n}: expected a JSON list of numbers ({str(error)[:80]})") from None
        found.append(_array(file, values, n))
    if not found:
        raise UserError(f"{file}: it is empty; expected a sequence a line")
    return found


def _saved(file: Path) -> np.ndarray:
    """The array in a .npy file; UserError where there is none, or something that is no finite number."""
    damages = (ValueError, TypeError, EOFError, SyntaxError, RecursionError, tokenize.TokenError, zipfile.BadZipFile)
    try:
        with opened_file(file) as opened:
            array = np.load(opened, allow_pickle=False)
    except UserError:
        raise
    except damages as error:
        told = " ".join(str(error).split())[:150]
        raise UserError(f"{file}: expected an array ({told}); it is damaged") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}); check the path") from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{file}: expected an array, got several arrays (.npz); save one with numpy.save")
    if not array.size:
        raise UserError(f"{file}: expected numbers, the array {array.shape} is empty")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UserError(f"{file}: expected finite numbers")
    return array


def _rows(file: Path, text: str) -> list[tuple[int, list[str]]]:
    """The rows of a table that are not empty, each with the line it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise UserError(f"{file}:{reader.line_num}: expected numbers ({error})") from None


def _text(file: Path) -> str:
    try:
        return read_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: expected UTF-8 ({error.reason} at byte {error.start}); save it as that") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}); check the path") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(file: Path, line: int, row: list[str]) -> list[float]:
    wrong = next((one for one in row if not _is_number(one)), None)
    if wrong is not None:
        raise UserError(f"{file}:{line}: expected numbers, got {wrong[:40]!r}")
    return [float(one) for one in row]


def _array(file: Path, values: Any, line: int | None = None) -> np.ndarray:
    place = str(file) if line is None else f"{file}:{line}"
    try:
        array = np.asarray(values)
    except ValueError:
        raise UserError(f"{place}: expected rows of one length") from None
    if array.dtype.kind not in "iuf" or not array.size:
        raise UserError(f"{place}: expected numbers, as many a step as the model reads")
    if not np.isfinite(array).all():
        raise UserError(f"{place}: expected finite numbers")
    return array


def numbers_of(file: Path) -> dict[str, int]:
    """Each character and its number; UserError where the file says something else."""
    raw = read_json(file)
    right = isinstance(raw, dict) and raw and all(type(n) is int and n >= 0 for n in raw.values())
    if (
        not right
        or any(len(one) != 1 or "\ud800" <= one <= "\udfff" for one in raw)
        or len(set(raw.values())) != len(raw)
    ):
        raise UserError(f'{file}: expected an object of characters and their numbers, each once, such as {{"a": 1}}')
    return dict(raw)


def write(
    model: ImportedModel,
    prompt: str,
    numbers: dict[str, int],
    length: int,
    temperature: float,
    seed: int,
    window: int | None,
) -> Iterator[str]:
    """Characters that a model writes after a prompt, one by one: drawn from what it says of the next.

    Raises UserError for a character without a number, and where the model's answer is not one of characters.
    """
    if not math.isfinite(temperature):
        raise UserError(f"run: temperature must be a number of at least 0, got {temperature}")
    tokens = _tokens(model)
    _check_one_output(model, "leave --characters away")
    one = model.graph.layers[model.graph.nodes[model.graph.inputs[0]].layer]
    assert isinstance(one, kinds.Input)
    unknown = next((c for c in prompt if c not in numbers), None)
    if unknown is not None or not prompt:
        raise UserError(f"run: expected a text of the characters that have numbers, got {unknown or ''!r}")
    if len(one.shape) != (1 if tokens else 2):
        raise UserError(f"run: the model reads no steps one after the other, {one.shape}; leave --characters away")
    fixed = one.shape[0]
    window = window if fixed is None else fixed
    if fixed is not None and len(prompt) < fixed:
        raise UserError(
            f"run: the model reads {fixed} characters at a time, expected a text as long, got {len(prompt)}"
        )
    width = None if tokens else one.shape[-1]
    if max(numbers.values()) >= (width or max(numbers.values()) + 1):
        raise UserError(
            f"run: the model reads {width} values a character, but one has the number {max(numbers.values())}"
        )
    return _written(model, [numbers[c] for c in prompt], numbers, (length, temperature, seed, window, width))


def _written(
    model: ImportedModel, ids: list[int], numbers: dict[str, int], how: tuple[int, float, int, int | None, int | None]
) -> Iterator[str]:
    length, temperature, seed, window, width = how
    rng, stream, fresh = np.random.default_rng(seed), None, list(ids)
    if window is None:
        stream = model.stream()
    names = {number: character for character, number in numbers.items()}
    for _ in range(length):
        if stream is not None:
            answer = np.asarray(stream.feed(_encoded(fresh, width)))
        else:
            answer = np.asarray(model.predict(_encoded(ids[-(window or 1) :], width)[None]))[0]
        scores = _scores(model, answer[-1] if answer.ndim == 2 else answer, names)
        if temperature == 0:
            chosen = int(np.argmax(scores))
        else:
            weights = np.exp((scores - scores.max()) / temperature)
            chosen = int(rng.choice(len(scores), p=weights / weights.sum()))
        fresh = [chosen]
        ids = [*ids, chosen][-(window or 1) :]
        yield names[chosen]


def _encoded(ids: list[int], width: int | None) -> np.ndarray:
    """Numbers of rows, or where the model reads vectors, one 1 in each."""
    if width is None:
        return np.array(ids)
    found = np.zeros((len(ids), width), np.float32)
    found[np.arange(len(ids)), ids] = 1
    return found


def _scores(model: ImportedModel, answer: np.ndarray, names: dict[int, str]) -> np.ndarray:
    """Logarithms of the chances of each number, minus infinity for those of no character. UserError where the model
    ends in something else than chances or their logarithms."""
    last = model.graph.layers[model.graph.nodes[model.graph.outputs[0][0]].layer]
    last = last.layer if isinstance(last, kinds.TimeDistributed) else last
    f = last.f.name if isinstance(last, kinds.Dense | kinds.Activation) else ""
    if f not in ("softmax", "log_softmax", "identity") or answer.ndim != 1 or len(answer) <= max(names):
        raise UserError(
            f"run: the model does not end in chances of {max(names) + 1} characters; leave --characters away"
        )
    with np.errstate(divide="ignore"):
        scores = np.log(answer.astype(np.float64)) if f == "softmax" else answer.astype(np.float64)
    scores[[n not in names for n in range(len(scores))]] = -np.inf
    if not np.isfinite(scores.max()):
        raise UserError("run: the model gives no character a chance; do the numbers of the characters fit it?")
    return np.asarray(scores)
