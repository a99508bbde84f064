"""A trained tagger, from its folder and as a stream: texts one by one, each understood by itself."""

from __future__ import annotations

from pathlib import Path

from throughtime.errors import UserError
from throughtime.linear.folder import read_linear
from throughtime.runtime.readers import Readers
from throughtime.runtime.stream import Stateless
from throughtime.storage.environment import cores
from throughtime.storage.record import Schema
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.data import TaggedData
from throughtime.tasks.tag.format_1 import upgrade
from throughtime.tasks.tag.model import WHO, TaggerEnsemble
from throughtime.tasks.tag.options import TaggerOptions
from throughtime.tasks.tag.token_tagger import Tagging, TokenTagger


class TaggerStream(Stateless[str, Tagging]):
    """A tagger that is told one text after the other: `feed` returns what it makes of that text.

    A tag depends on what comes behind its token, so that no text is begun before it is whole: nothing is carried from
    one to the next, and the state is empty.
    """

    def __init__(self, model: TokenTagger) -> None:
        super().__init__("tag", lambda text: next(model.tag([text])))
        self.model = model


SCHEMA = Schema("tag", TaggerEnsemble, TaggerOptions, TaggedData, Decided, upgrade)
"""What config.json says of a tagger."""


def load(folder: Path, weights: str | None = None) -> TokenTagger:
    """The model in a folder. weights: None or float32, they stay as they are. UserError says what is damaged."""
    if weights not in (None, "float32"):
        raise UserError(f"{WHO}: expected weights as they are, float32, got {weights!r}")
    record = SCHEMA.read(folder)
    model = record.model
    readers = Readers.of_folder(WHO, tagger, folder, model.readers, model.ensemble_size, cores())
    try:
        return TokenTagger(readers, model.tags, model.intents, read_linear(folder), record.decided)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
