"""The report says where a run was made and from what, so that it can be repeated."""

from __future__ import annotations

import html
import re
from pathlib import Path

from throughtime.cells import make
from throughtime.storage.environment import environment
from throughtime.storage.record import ModelRecord, Nothing
from throughtime.tasks.text.data import TextData
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.report import write_report


def table(page: str, title: str) -> dict[str, str]:
    """The rows of the table of a title."""
    found = re.search(rf"<table>(?:(?!</table>).)*<th[^>]*>{title}</th>.*?</table>", page, re.DOTALL)
    assert found is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", found[0])
    return {html.unescape(name): html.unescape(value) for name, value in zip(cells[::2], cells[1::2], strict=True)}


def test_the_environment_stands_in_the_report_with_seed_and_data(tmp_path: Path) -> None:
    where, digest = environment(2), "ab12" * 16
    options = TextOptions(seed=1234567, cell=["gru", "rnn:relu"], chrono=77.5, batch=12_345)
    model = LanguageConfig.stack(9, 4, [make("gru").trace()], 4)
    ModelRecord("text", model, options, TextData(None, digest), Nothing(), 4321, where).write(tmp_path)
    (tmp_path / "history.jsonl").write_text("")
    page = write_report(tmp_path).read_text("utf-8")
    expected = {name.replace("_", " "): str(value) for name, value in where.items()}
    assert table(page, "environment") == expected | {"seed": "1234567"}
    assert table(page, "data") == {"sha256": digest, "characters": "0"}
    shown = table(page, "options")
    assert (shown["seed"], shown["cell"], shown["chrono"], shown["batch"]) == (
        "1234567",
        "gru, rnn:relu",
        "77.5",
        "12,345",
    )
    assert "vocabulary" not in shown  # nothing was said of it
