"""What a folder holds beside its recurrent members: linear models, and which texts it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from throughtime.data.label_notes import text_key
from throughtime.errors import UserError
from throughtime.linear.model import NgramModel
from throughtime.options import Json
from throughtime.storage.folder import File, read_json, read_weights

LINEAR, LINEAR_WEIGHTS = "linear.json", "linear.safetensors"
"""The linear models of a folder: the baselines, some of which may have a weight in the answer."""

NAIVE_BAYES = "evidence.safetensors"
"""The naive-Bayes features that the readers look at."""

SEEN = "seen.safetensors"
"""Digests of the texts that were learned from."""

FILES = (LINEAR, LINEAR_WEIGHTS, NAIVE_BAYES, SEEN)


def digests(texts: Iterable[str]) -> np.ndarray:
    """(N,) uint64, the same for texts that differ in white space and Unicode's composition alone.

    Among a million texts two share one by chance with a probability of 3e-8.
    """
    each = [hashlib.blake2b(str(text_key(text)).encode("utf-8", "replace"), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(each), "<u8").astype(np.uint64)


def read_seen(folder: Path) -> np.ndarray | None:
    """The digests of what a folder's model learned from; None where it does not say."""
    if not (folder / SEEN).is_file():
        return None
    return read_weights(folder / SEEN).get("digests", np.zeros(0, np.uint64))


def linear_files(models: Mapping[str, NgramModel]) -> dict[str, File]:
    """The files of linear models; hashes they share are kept once."""
    data: list[Json] = []
    arrays: dict[str, np.ndarray] = {}
    owners: dict[int, int] = {}
    for i, (name, model) in enumerate(models.items()):
        owner = owners.setdefault(id(model.ngrams), i)
        data.append({"name": name, "hashes": owner, **model.to_json()})
        arrays |= {f"{i}.{key}": value for key, value in model.arrays().items() if key != "hashes" or owner == i}
    return {LINEAR_WEIGHTS: arrays, LINEAR: {"baselines": data}}


def read_linear(directory: Path) -> dict[str, NgramModel]:
    """The linear models of a folder by name; none where it has none. UserError says what is damaged."""
    if not (directory / LINEAR).is_file():
        return {}
    return linear_models(read_json(directory / LINEAR), read_weights(directory / LINEAR_WEIGHTS))


def linear_models(data: Json, arrays: Mapping[str, np.ndarray]) -> dict[str, NgramModel]:
    """Rebuild what `linear_files` gave, its JSON and its arrays; UserError says what is damaged."""
    entries = data.get("baselines") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(e, dict) and isinstance(e.get("name"), str) for e in entries
    ):
        raise UserError("baselines: expected a list of objects with a name; the file is damaged")
    models: dict[str, NgramModel] = {}
    for i, entry in enumerate(entries):
        parts = {key.removeprefix(f"{i}."): value for key, value in arrays.items() if key.startswith(f"{i}.")}
        if (shared := f"{entry.get('hashes')}.hashes") in arrays:
            parts["hashes"] = arrays[shared]
        made = NgramModel.from_json({key: entry[key] for key in entry if key not in ("name", "hashes")}, parts)
        for other in models.values():  # one object for the same n-grams, so that they are counted once
            if other.ngrams.hashes is made.ngrams.hashes and other.ngrams.to_json() == made.ngrams.to_json():
                made.ngrams = other.ngrams
        models[entry["name"]] = made
    return models
