"""The report of a model that chats, from what its folder holds."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from throughtime.report.page import Item, Prose, Table
from throughtime.report.run import Run, equations_of
from throughtime.tasks.chat.model import ChatConfig
from throughtime.tasks.chat.score import MEASURES
from throughtime.tasks.chat.stream import SCHEMA
from throughtime.tasks.choosing.model import SIDES, ChooserConfig
from throughtime.tasks.sequence.report import generator_items, write

_FROM = {
    "choose": "Replies are chosen from those of the data.",
    "generate": "Replies are written, piece by piece.",
    "both": "Replies are chosen from those of the data; where none is sure enough, one is written.",
}


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no model's, or has no history."""
    run = Run.of(directory, SCHEMA)
    config: ChatConfig = run.record.model
    mode = run.record.decided.mode or run.record.options.mode
    items: list[Item] = [Prose(_FROM[mode])] if mode in _FROM else []
    if config.chooser is not None:
        items += _chooser_items(config.chooser, run.record.parameters)
    if config.generator is not None:
        items += generator_items(config.generator, run.record.parameters)
    alone = config.generator is None
    return write(run, MEASURES, items, "nats of the right reply among ten" if alone else "nats")


def _chooser_items(config: ChooserConfig, parameters: int) -> list[Item]:
    rows = [["embedding", "of words, and of how many turns ago", f"{config.vocabulary:,} x {config.embedding}"]]
    layers = []
    for side in SIDES:
        stack = getattr(config, side)
        for i, directions in enumerate(stack.layers):
            sizes = ", ".join(f"{symbol} = {value}" for symbol, value in directions[0].sizes.items())
            rows.append([f"encoder of the {side} {i}", f"{directions[0].name}, in both directions", sizes[:300]])
        layers += [layer for _, layer in stack.named]
    rows += [["vectors", "that are compared", f"{config.width}"], ["parameters in all", "", f"{parameters:,}"]]
    return [Table(["part", "what", "sizes"], rows), *equations_of(layers)]
