"""What there is to know about a cell, for people and for programs.

A cell's docstring says what it is: a sentence, the equations, then the sections Gates, Equals and Source. Everything
else here is derived from the cell's trace.
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from typing import Any

from throughtime.cells import CATALOGUE
from throughtime.recurrence import Cell, Trace
from throughtime.recurrence.equations import as_latex, as_text
from throughtime.recurrence.linear import degrees, products_in_loop, sentence

SIZES = {"I": 64, "H": 256}
"""The sizes shown where none are asked for."""


def catalogue_lines() -> list[str]:
    """One line a cell: its name and its docstring's first sentence."""
    width = max(map(len, CATALOGUE))
    return [f"{name:<{width}}  {_sentence(cell)}" for name, cell in CATALOGUE.items()]


def facts(cell: Cell, sizes: dict[str, int] | None = None) -> dict[str, Any]:
    """Everything about a cell as plain data: name, summary, equations, latex, states, gates, parameters, ...

    sizes: symbol -> number ("I", "H", ...); a symbol left out counts as in SIZES, or as H where it is not there.
    Raises ValueError for a size that is not positive.
    """
    trace = cell.trace()
    sizes = _sizes(trace, sizes)
    shapes = trace.shapes(sizes)
    sections = _sections(cell)
    return {
        "name": trace.name,
        "summary": _sentence(type(cell)),
        "equations": as_text(trace),
        "latex": as_latex(trace),
        "states": trace.state_sizes,
        "degrees": degrees(trace),
        "products_in_loop": products_in_loop(trace),
        "output": trace.output,
        "gates": {k: v for k, v in _pairs(sections.get("Gates", "")) if k != "none"},
        "named": list(trace.gates),
        "sizes": sizes,
        "parameters": [
            {"name": name, "shape": list(trace.parameters[name]), "count": math.prod(shape)}
            for name, shape in shapes.items()
        ],
        "parameter_count": sum(math.prod(shape) for shape in shapes.values()),
        "equals": dict(_pairs(sections.get("Equals", ""))),
        "source": sections.get("Source", ""),
        "code": _code(cell),
    }


def describe(cell: Cell, sizes: dict[str, int] | None = None, latex: bool = False) -> str:
    """A page about a cell: source text, equations, the unrolled picture, gates, parameters, what it equals."""
    known = facts(cell, sizes)
    trace = cell.trace()
    gates = "\n".join(_item(k, v) for k, v in known["gates"].items())
    if not gates:
        gates = ", ".join(known["named"]) or dict(_pairs(_sections(cell).get("Gates", ""))).get("none", "none")
    parts = [
        f"{known['name']}: {known['summary']}",
        _part("Equations", "\n".join(known["equations"])),
        _part("LaTeX", "\n".join(known["latex"])) if latex else "",
        _part("Through time", unrolled(trace, 3 if len(trace.name) < 12 else 2)),
        _part("Dependence on the state", sentence(trace)),
        _part("Gates", gates),
        _part("Parameters", _table(known)),
        _part("Equals", "\n".join(_item(k, v) for k, v in known["equals"].items())) if known["equals"] else "",
        _part("Source", textwrap.fill(known["source"], 100)) if known["source"] else "",
        _part("Code", known["code"]) if known["code"] else "",
    ]
    return "\n\n".join(part for part in parts if part)


def unrolled(trace: Trace, steps: int = 3) -> str:
    """A picture in text: inputs come from below, states pass from left to right, outputs leave upwards."""
    states = list(trace.states)
    inside = max(len(trace.name) + 2, 7) | 1
    side = inside // 2
    edge = "+" + "-" * side + "|" + "-" * side + "+"
    longest = max(len(f"{state}_{steps}") for state in states)

    def box(t: int) -> list[str]:
        names = ["" for _ in states]
        names[(len(states) - 1) // 2] = trace.name
        out = [f"{trace.output}_{t}", "^", edge]
        return [*out, *[f"|{name:^{inside}}|" for name in names], edge, "^", f"x_{t}"]

    def wires(t: int, start: str, end: str) -> list[str]:
        middle = [f"{start}{state}_{t}".ljust(longest + len(start)) + end for state in states]
        return ["", "", "", *middle, "", "", ""]

    columns = [wires(0, "", " -->")]
    for t in range(1, steps + 1):
        columns += [box(t), wires(t, "-- ", " --> ..." if t == steps else " -->")]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return "\n".join("".join(f"{c:^{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _sizes(trace: Trace, sizes: dict[str, int] | None) -> dict[str, int]:
    asked = {**SIZES, **(sizes or {})}
    return {symbol: asked.get(symbol, asked["H"]) for symbol in trace.symbols}


def _sentence(cell: type[Cell]) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(_doc(cell).split("\n\n")[0].split())


def _doc(cell: type[Cell]) -> str:
    return inspect.cleandoc(cell.__dict__.get("__doc__") or "")


def _sections(cell: Cell) -> dict[str, str]:
    """The docstring's sections by title, indentation removed."""
    sections: dict[str, str] = {}
    for title in ("Gates", "Equals", "Source"):
        match = re.search(rf"^{title}:(.*?)(?=\n[A-Z]\w*:|\n\n(?=\S)|\Z)", _doc(type(cell)), re.DOTALL | re.MULTILINE)
        if match:
            first, _, rest = match[1].partition("\n")
            sections[title] = "\n".join([first.strip(), textwrap.dedent(rest)]).strip()
    if "Source" in sections:
        sections["Source"] = " ".join(sections["Source"].split())
    return sections


def _pairs(section: str) -> list[tuple[str, str]]:
    """The lines "name: text" of a section, continued lines joined."""
    joined = re.sub(r"\n\s+", " ", section)
    return [(k.strip(), v.strip()) for k, colon, v in (line.partition(":") for line in joined.splitlines()) if colon]


def _code(cell: Cell) -> str:
    """The cell's source text; "" where it is not there to read."""
    try:
        return textwrap.dedent(inspect.getsource(type(cell))).rstrip()
    except (OSError, TypeError):
        return ""


def _table(known: dict[str, Any]) -> str:
    sizes = known["sizes"]
    rows = [("name", "shape", "count")]
    for parameter in known["parameters"]:
        rows.append((parameter["name"], " x ".join(parameter["shape"]), f"{parameter['count']:,}"))
    rows.append(("total", "", f"{known['parameter_count']:,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    return "\n".join([f"at {', '.join(f'{k} = {v}' for k, v in sizes.items())}", *lines])


def _part(title: str, body: str) -> str:
    return f"{title}\n{textwrap.indent(body, '    ')}"


def _item(name: str, text: str) -> str:
    return f"{name}: {text}"
