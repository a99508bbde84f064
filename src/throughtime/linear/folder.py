"""What a classifier's folder holds beside its recurrent members: linear models, and which texts it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from throughtime.data.labelled import text_key
from throughtime.linear.model import Wide
from throughtime.storage.folder import read_json, read_weights, write_json, write_weights

LINEAR, LINEAR_WEIGHTS = "linear.json", "linear.safetensors"
"""The linear models of a folder: the baselines, some of which may have a say in the answer."""

EVIDENCE = "evidence.safetensors"
"""What the linear models know that the readers look at."""

SEEN = "seen.safetensors"
"""Digests of the texts that were learned from."""


def digests(texts: Iterable[str]) -> np.ndarray:
    """(N,) uint64, the same for texts that differ in white space and Unicode's composition alone.

    Among a million texts two share one by chance with a probability of 3e-8.
    """
    found = [hashlib.blake2b(str(text_key(text)).encode("utf-8", "replace"), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64)


def write_seen(folder: Path, seen: np.ndarray) -> None:
    """Keep digests in a model's folder."""
    write_weights(folder / SEEN, {"digests": np.unique(seen)})


def was_seen(folder: Path | None, texts: Iterable[str]) -> np.ndarray | None:
    """(N,) bool, which texts were learned from; None where the folder does not say."""
    if folder is None or not (folder / SEEN).is_file():
        return None
    found: np.ndarray = np.isin(digests(texts), read_weights(folder / SEEN).get("digests", np.zeros(0, np.uint64)))
    return found


def forget(folder: Path) -> None:
    """Remove what another model may have left in a folder: a run that is interrupted writes nothing in its place."""
    for name in (LINEAR, LINEAR_WEIGHTS, SEEN, EVIDENCE):
        (folder / name).unlink(missing_ok=True)


def write_linear(folder: Path, linear: Mapping[str, Wide]) -> None:
    """Keep linear models in a model's folder."""
    from throughtime.linear.fit import to_arrays

    data, arrays = to_arrays(linear)
    write_weights(folder / LINEAR_WEIGHTS, arrays)
    write_json(folder / LINEAR, data)


def read_linear(directory: Path) -> dict[str, Wide]:
    """The linear models of a folder by name; none where it has none."""
    from throughtime.linear.fit import from_arrays

    if not (directory / LINEAR).is_file():
        return {}
    found: dict[str, Wide] = from_arrays(read_json(directory / LINEAR), read_weights(directory / LINEAR_WEIGHTS))
    return found
