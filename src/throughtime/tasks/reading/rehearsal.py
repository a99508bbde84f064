"""What an earlier training learned and was chosen by, where its file is as it was, and what of it is learned again.

A model that goes on with new texts alone forgets: with a file of one new class it would soon answer nothing else. So
as many of the earlier texts are learned again as there are new ones. Source: rehearsal, Robins 1995,
doi:10.1080/09540099550039318.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from throughtime.errors import UserError
from throughtime.storage.record import ModelRecord, Schema
from throughtime.tasks.reading.data import Labelled, Parts

Kind = TypeVar("Kind", bound=Labelled)

LEAST = 500
"""Earlier texts that are learned again at least, where there are as many."""

_BACK = 50
"""Trainings that are looked back at, each of which started from the one before."""


def recalled(
    record: ModelRecord[Any, Any, Any, Any],
    schema: Schema[Any, Any, Any, Any],
    parts_of: Callable[[Any, Any], Parts[Kind]],
) -> Parts[Kind] | None:
    """What a model and those that it started from learned from, in the parts of then; None where no file is as it was.

    A file named in a folder may be anything: what cannot be read counts as gone."""
    found: list[Parts[Kind]] = []
    for _ in range(_BACK):
        try:
            source = record.data.origin
            own = None if source is None else parts_of(source, record.options.replaced(test=None))
            if own is not None and own.sha256 == record.data.sha256:
                found.append(own)
            if record.start is None:
                break
            record = schema.read(Path(record.start.folder))
        except (UserError, ValueError, OSError):
            break
    if not found:
        return None
    whole = found[0]
    for one in found[1:]:
        test = whole.test.joined(one.test) if whole.test and one.test else whole.test or one.test
        whole = replace(whole, learned=whole.learned.joined(one.learned), held=whole.held.joined(one.held), test=test)
    return whole


def without(parts: Parts[Kind], others: Parts[Kind], keys: Callable[[Kind], list[Hashable]]) -> Parts[Kind]:
    """Parts without what stands in any of the others."""
    known = {key for one in (others.whole, others.held, others.test) if one is not None for key in keys(one)}

    def left(texts: Kind) -> Kind:
        return texts.take([i for i, key in enumerate(keys(texts)) if key not in known])

    test = None if parts.test is None else left(parts.test)
    return replace(parts, learned=left(parts.learned), held=left(parts.held), test=test)


def rehearsed(
    parts: Parts[Kind], earlier: Parts[Kind] | None, known: Callable[[Kind], np.ndarray], folder: str
) -> Parts[Kind]:
    """What is learned by a training that starts from a model, with what is learned again, and what is chosen by.

    earlier: what that model learned from, None where it is not at hand. known: which of some texts it has learned: by
    those nothing can be chosen, and no score is honest. folder: of the model, for errors.
    """
    learned, held, test, notes = parts.learned, parts.held, parts.test, list(parts.notes)
    if not parts.apart and len(held):
        old = known(held)
        learned, held = learned.joined(held.take(np.flatnonzero(old))), held.take(np.flatnonzero(~old))
        if not len(held):
            raise UserError(f"{learned.where}: the model in {folder} has learned all of its texts; give new ones")
    if test is not None:
        old = known(test)
        test = test.take(np.flatnonzero(~old)) if not old.all() else None
        if old.any():
            notes.append(f"{int(old.sum()):,} texts kept for the score were learned by the earlier model: left out")
    if earlier is None:
        notes.append(
            "the file that the earlier model learned from is not there as it was: nothing of it is learned again"
        )
        return replace(parts, learned=learned, held=held, test=test, notes=notes, again=0)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(earlier.learned))
    count = max(LEAST, len(learned))
    again, rest = earlier.learned.take(np.sort(order[:count])), earlier.learned.take(np.sort(order[count:]))
    order = rng.permutation(len(earlier.held))[: max(LEAST // 10, len(held))]
    chosen = earlier.held.take(np.sort(order)) if len(held) else earlier.held.take([])
    notes.append(f"{len(again):,} of {len(earlier.learned):,} texts of the earlier training are learned again")
    return replace(
        parts, learned=learned.joined(again), held=held.joined(chosen), test=test, notes=notes, again=len(chosen),
        whole=parts.whole.joined(earlier.learned), rest=rest,
    )  # fmt: skip
