"""The trained members of a model that reads texts, run over batches of any lengths. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError, located
from throughtime.linear.folder import NAIVE_BAYES
from throughtime.linear.naive_bayes import NaiveBayesFeatures
from throughtime.models.exact import ExactOps
from throughtime.models.examples import Examples
from throughtime.runtime.ragged import ROWS, batches
from throughtime.storage.folder import TOKENIZER, WEIGHTS, File, read_json, read_weights
from throughtime.storage.parameters import check_finite, check_finite_output

_FEATURES = "evidence"
"""What the naive-Bayes features of a reader are called in tokenizer.json."""


@dataclass(frozen=True)
class Reader:
    """What several members share: how they cut a text into tokens, what they see of each, and their sizes.

    config: a ClassifierConfig, a TaggerConfig: what its arithmetic takes. features: None for none.
    """

    splitter: Splitter
    columns: Columns
    config: Any
    features: NaiveBayesFeatures | None = None

    def examples(self, texts: Sequence[str]) -> Examples:
        """Texts, ready to be read."""
        return self.of_tokens([self.splitter.split(text) for text in texts])

    def of_tokens(self, texts: Sequence[Sequence[str]], values: np.ndarray | None = None) -> Examples:
        """The same for texts that are cut into tokens. values: (M, F) in place of the naive-Bayes features."""
        if values is None and self.features is not None:
            values = self.features.of(texts)
        return Examples.of(self.columns, texts, bool(getattr(self.config, "above", ())), values)

    def check(self, who: str) -> None:
        """UserError where the vocabularies are not those of the sizes."""
        reader = self.config.reader
        known = list(zip(self.columns.kinds, self.columns.sizes, strict=True))
        wanted = [(name, rows) for name, rows, _ in reader.columns]
        if known != wanted or len(self.columns.pieces or ()) != reader.pieces[0]:
            raise UserError(f"{who}: expected vocabularies of {wanted}, got {known}; tokenizer.json is damaged")
        channels = 0 if self.features is None else self.features.channels
        if channels != reader.values:
            raise UserError(
                f"{who}: expected {reader.values} naive-Bayes features, got {channels}; the folder is damaged"
            )


def prefix(reader: int, member: int) -> str:
    """What stands before the names of a member's parameters."""
    return f"{reader}.{member}."


def own(parameters: Mapping[str, np.ndarray], reader: int, member: int) -> dict[str, np.ndarray]:
    """The parameters of one member, by the names that its arithmetic has."""
    start = prefix(reader, member)
    return {name[len(start) :]: value for name, value in parameters.items() if name.startswith(start)}


class Readers:
    """All members of a model.

    arithmetic: the module of the model: `forward(ops, config, parameters, *inputs)` and `check_parameters`.
    ensemble_size: members of each reader. parameters: of all, each name behind its member's `prefix`. threads: the
    engine may use. Raises UserError where they do not fit together.
    """

    def __init__(
        self,
        who: str,
        arithmetic: Any,
        readers: Sequence[Reader],
        ensemble_size: int,
        parameters: Mapping[str, np.ndarray],
        threads: int = 1,
    ) -> None:
        self.arithmetic, self.readers, self.ensemble_size = arithmetic, list(readers), ensemble_size
        self.parameters: dict[str, np.ndarray] = dict(parameters)
        self.ops = ExactOps(threads)
        self._own: list[list[dict[str, np.ndarray]]] = []
        unknown = set(self.parameters)
        for r, reader in enumerate(self.readers):
            reader.check(who)
            self._own.append([own(self.parameters, r, m) for m in range(ensemble_size)])
            for m, member in enumerate(self._own[-1]):
                arithmetic.check_parameters(reader.config, member)
                unknown -= {prefix(r, m) + name for name in member}
        if unknown:
            names = ", ".join(sorted(unknown)[:3])
            raise UserError(f"{who}: {names} unknown, of no member; the weights are of another model")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "arithmetic": self.arithmetic.__name__}  # modules cannot be copied

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, arithmetic=import_module(str(state["arithmetic"])))

    @classmethod
    def of_folder(
        cls, who: str, arithmetic: Any, folder: Path, configs: Sequence[Any], ensemble_size: int, threads: int
    ) -> Readers:
        """From a model's folder. configs: of each reader. UserError says what is damaged."""
        readers = read_readers(folder, configs)
        parameters = read_weights(folder / WEIGHTS)
        try:
            check_finite(who, parameters)
            return cls(who, arithmetic, readers, ensemble_size, parameters, threads)
        except UserError as error:
            raise UserError(f"{folder}: {error}") from None

    def outputs(
        self, reader: int, examples: Examples, most: int = ROWS
    ) -> Iterator[tuple[np.ndarray, np.ndarray, list[Any]]]:
        """For batches of texts: their rows, at most so many, their lengths in tokens, and what each member puts out."""
        config = self.readers[reader].config
        for rows in batches(examples.lengths, rows=most):
            tokens, sentences = examples.inputs(rows)
            inputs = (tokens,) if sentences is None else (tokens, sentences)
            with np.errstate(all="ignore"):
                outputs = [self.arithmetic.forward(self.ops, config, member, *inputs) for member in self._own[reader]]
            check_finite_output(outputs)
            yield rows, tokens.lengths, outputs

    def own(self, reader: int, member: int) -> dict[str, np.ndarray]:
        """The parameters of a member."""
        return self._own[reader][member]


def reader_files(readers: Sequence[Reader]) -> dict[str, File]:
    """The files that readers are kept in: how they cut and see texts, and their naive-Bayes features, if any."""
    entries = []
    for one in readers:
        features = None if one.features is None else one.features.to_json()
        entries.append({"splitter": one.splitter.to_json(), "columns": one.columns.to_json(), _FEATURES: features})
    arrays = {
        f"{r}.{name}": value
        for r, one in enumerate(readers)
        if one.features is not None
        for name, value in one.features.arrays().items()
    }
    return {TOKENIZER: {"readers": entries}, **({NAIVE_BAYES: arrays} if arrays else {})}


def read_readers(folder: Path, configs: Sequence[Any]) -> list[Reader]:
    """The readers of a model's folder. configs: of each; UserError says what is damaged."""
    tokens = read_json(folder / TOKENIZER)
    entries = tokens.get("readers") if isinstance(tokens, dict) else None
    if not isinstance(entries, list) or len(entries) != len(configs):
        _damaged(folder, f"expected {len(configs)} in {TOKENIZER}")
    readers: list[Reader] = []
    arrays: dict[str, np.ndarray] = {}
    try:
        for r, (config, entry) in enumerate(zip(configs, entries, strict=True)):
            splitter, columns = Splitter.from_json(entry["splitter"]), Columns.from_json(entry["columns"])
            features = None
            if entry.get(_FEATURES) is not None:
                arrays = arrays or read_weights(folder / NAIVE_BAYES)
                start = f"{r}."
                parts = {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
                features = NaiveBayesFeatures.from_json(entry[_FEATURES], parts)
            readers.append(Reader(splitter, columns, config, features))
    except UserError as error:
        raise UserError(located(str(error), folder, folder)) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _damaged(folder, repr(error))
    return readers


def _damaged(folder: Path, what: str) -> NoReturn:
    raise UserError(f"{folder}: its readers are malformed ({what}); the folder is damaged") from None
