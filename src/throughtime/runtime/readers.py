"""The trained members of a model that reads texts, run over batches of any lengths. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.linear.folder import EVIDENCE
from throughtime.linear.naive_bayes import Evidence
from throughtime.models.examples import Examples
from throughtime.models.ops_numpy import NumpyOps
from throughtime.runtime.ragged import ROWS, batches
from throughtime.storage.folder import TOKENIZER, WEIGHTS, read_json, read_weights, write_weights
from throughtime.storage.parameters import check_finite, check_finite_output

_MOST_MEMBERS = 999


@dataclass(frozen=True)
class Reader:
    """What several members share: how they cut a text into tokens, what they see of each, and their sizes.

    config: a ClassifierConfig, a TaggerConfig: what its arithmetic takes. evidence: of linear models, None for none.
    """

    splitter: Splitter
    columns: Columns
    config: Any
    evidence: Evidence | None = None

    def examples(self, texts: Sequence[str]) -> Examples:
        """Texts, ready to be read."""
        return self.of_tokens([self.splitter.split(text) for text in texts])

    def of_tokens(self, texts: Sequence[Sequence[str]], values: np.ndarray | None = None) -> Examples:
        """The same for texts that are cut into tokens. values: (M, F) in place of the evidence."""
        if values is None and self.evidence is not None:
            values = self.evidence.of(texts)
        return Examples.of(self.columns, texts, bool(getattr(self.config, "above", ())), values)

    def check(self, who: str) -> None:
        """UserError where the vocabularies are not those of the sizes."""
        reader = self.config.reader
        known = list(zip(self.columns.kinds, self.columns.sizes, strict=True))
        wanted = [(name, rows) for name, rows, _ in reader.columns]
        if known != wanted or len(self.columns.pieces or ()) != reader.pieces[0]:
            raise UserError(f"{who}: expected vocabularies of {wanted}, got {known}; tokenizer.json is damaged")
        channels = 0 if self.evidence is None else self.evidence.channels
        if channels != reader.values:
            raise UserError(
                f"{who}: expected {reader.values} values of evidence, got {channels}; the folder is damaged"
            )


def prefix(reader: int, member: int) -> str:
    """What stands before the names of a member's parameters."""
    return f"{reader}.{member}."


class Readers:
    """All members of a model.

    arithmetic: the module of the model: `forward(ops, config, parameters, *inputs)` and `check_parameters`. members: of
    each reader. parameters: of all, each name behind its member's `prefix`. threads: the engine may use. Raises
    UserError where they do not fit together.
    """

    def __init__(
        self, who: str, arithmetic: Any, readers: Sequence[Reader], members: int, parameters: Any, threads: int = 1
    ) -> None:
        self.arithmetic, self.readers, self.members = arithmetic, list(readers), members
        self.parameters: dict[str, np.ndarray] = dict(parameters)
        self.ops = NumpyOps(threads)
        self._own: list[list[dict[str, np.ndarray]]] = []
        count = 0
        for r, reader in enumerate(self.readers):
            reader.check(who)
            self._own.append([])
            for m in range(members):
                start = prefix(r, m)
                own = {n[len(start) :]: value for n, value in self.parameters.items() if n.startswith(start)}
                arithmetic.check_parameters(reader.config, own)
                count += len(own)
                self._own[-1].append(own)
        if count != len(self.parameters):
            raise UserError(f"{who}: there are parameters that belong to no member; the weights are of another model")

    @classmethod
    def from_folder(cls, who: str, arithmetic: Any, config_class: Any, folder: Path, config: Mapping[str, Any]) -> Any:
        """From a model's folder; UserError says what is damaged."""
        readers, members = readers_of(who, config_class, folder, config)
        parameters = read_weights(folder / WEIGHTS)
        try:
            check_finite(who, parameters)
            return cls(who, arithmetic, readers, members, parameters)
        except UserError as error:
            raise UserError(f"{folder}: {error}") from None

    def to_json(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its part of config.json, and tokenizer.json."""
        return described(self.readers, self.members)

    def outputs(
        self, reader: int, examples: Examples, most: int = ROWS
    ) -> Iterator[tuple[np.ndarray, np.ndarray, list[Any]]]:
        """For batches of texts: their rows, at most so many, their lengths in tokens, and what each member puts out."""
        config = self.readers[reader].config
        for rows in batches(examples.lengths, rows=most):
            inputs = examples.inputs(rows)
            given = inputs if inputs[1] is not None else inputs[:1]
            with np.errstate(all="ignore"):
                found = [self.arithmetic.forward(self.ops, config, own, *given) for own in self._own[reader]]
            check_finite_output(found)
            yield rows, inputs[0].lengths, found

    def own(self, reader: int, member: int) -> dict[str, np.ndarray]:
        """The parameters of a member."""
        return self._own[reader][member]


def described(readers: Sequence[Reader], members: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of readers, their part of config.json, and tokenizer.json."""
    model = {"readers": [one.config.to_json() for one in readers], "members": members}
    own = []
    for one in readers:
        evidence = None if one.evidence is None else one.evidence.to_json()
        own.append({"splitter": one.splitter.to_json(), "columns": one.columns.to_json(), "evidence": evidence})
    return model, {"readers": own}


def write_evidence(folder: Path, readers: Sequence[Reader]) -> None:
    """Keep what the readers' linear models know in a model's folder, if there is any."""
    arrays = {
        f"{r}.{name}": value
        for r, one in enumerate(readers)
        if one.evidence is not None
        for name, value in one.evidence.arrays().items()
    }
    if arrays:
        write_weights(folder / EVIDENCE, arrays)


def readers_of(who: str, config_class: Any, folder: Path, config: Mapping[str, Any]) -> tuple[list[Reader], int]:
    """The readers of a model's folder, and how many members each has; UserError says what is damaged."""
    model, tokens = config.get("model"), read_json(folder / TOKENIZER)
    try:
        assert isinstance(model, dict)
        sizes, members, own = model["readers"], model["members"], tokens["readers"]
        if not isinstance(sizes, list) or not isinstance(own, list) or not 0 < len(sizes) == len(own) <= 20:
            raise ValueError("readers must be lists of one length")
        if type(members) is not int or not 1 <= members <= _MOST_MEMBERS:
            raise ValueError(f"members must be from 1 to {_MOST_MEMBERS}")
        readers: list[Reader] = []
        arrays: dict[str, np.ndarray] = {}
        for size, one in zip(sizes, own, strict=True):
            splitter, columns = Splitter.from_json(one["splitter"]), Columns.from_json(one["columns"])
            evidence = None
            if one.get("evidence") is not None:
                arrays = arrays or read_weights(folder / EVIDENCE)
                start = f"{len(readers)}."
                parts = {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
                evidence = Evidence.from_json(one["evidence"], parts)
            readers.append(Reader(splitter, columns, config_class.from_json(size), evidence))
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        place = "" if str(error).startswith(str(folder)) else f"{folder}: "
        if isinstance(error, UserError):
            raise UserError(f"{place}{error}") from None
        raise UserError(f"{folder}: its readers are malformed ({error!r}); the folder is damaged") from None
    return readers, members
