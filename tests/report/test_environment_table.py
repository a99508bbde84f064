"""The report says where a run was made and from what, so that it can be repeated."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from throughtime.storage.environment import environment
from throughtime.tasks.text.report import write_report


def test_the_environment_stands_in_the_report_with_seed_and_data(tmp_path: Path) -> None:
    where, digest = environment(2), "ab12" * 16
    config = {"format_version": 1, "task": "text", "training": {"seed": 1234567}, "data": {"sha256": digest}}
    (tmp_path / "config.json").write_text(json.dumps({**config, "environment": where}))
    (tmp_path / "history.jsonl").write_text("")
    page = write_report(tmp_path).read_text("utf-8")
    table = re.search(r"<table>(?:(?!</table>).)*environment.*?</table>", page, re.DOTALL)
    assert table is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table[0])
    rows = {html.unescape(name): html.unescape(value) for name, value in zip(cells[::2], cells[1::2], strict=True)}
    expected = {name.replace("_", " "): str(value) for name, value in where.items()}
    assert rows == expected | {"seed": "1234567", "data sha256": digest}
