"""A step's equations, as plain text and as LaTeX, written from its graph.

One line for every value the step gives a name (its gates) and for every new state, in the order they are computed.
Old states are h' in text and h_{t-1} in LaTeX; * and \\odot multiply element by element, a matrix stands directly
before what it multiplies. Parentheses appear only where the meaning needs them.
"""

from __future__ import annotations

from throughtime.recurrence.trace import Trace

SUM, PRODUCT, MATRIX, ATOM = range(4)
"""How tightly an expression holds together, loosest first."""

Written = tuple[str, int]


def as_text(trace: Trace) -> list[str]:
    """The equations as a docstring prints them, one string each: "h = tanh(W_xh x + W_hh h' + b_h)"."""
    return _lines(trace, _Text())


def as_latex(trace: Trace) -> list[str]:
    """The equations as LaTeX, one string each, to go between dollar signs or into an align environment."""
    return _lines(trace, _Latex())


def _lines(trace: Trace, style: _Text) -> list[str]:
    named = {number: name for name, number in reversed(trace.gates.items()) if name not in trace.states}
    states = [(new, name) for name, (_, new) in trace.states.items()]
    for new, name in reversed(states):
        if trace.graph[new].op not in ("state", "input", "const"):
            named[new] = name
    lines = []
    for number, name in sorted([*((n, g) for n, g in named.items() if g not in trace.states), *states]):
        write = _Writer(trace, style, {n: g for n, g in named.items() if g != name})
        lines.append(f"{style.now(name)} = {write(number)[0]}")
    return lines


class _Writer:
    """Writes a node: by its name if it has one, else by what it is made of."""

    def __init__(self, trace: Trace, style: _Text, named: dict[int, str]) -> None:
        self.graph, self.style, self.named = trace.graph, style, named

    def __call__(self, number: int) -> Written:
        node, style = self.graph[number], self.style
        if number in self.named:
            return style.now(self.named[number]), ATOM
        if node.op == "input":
            return style.now(node.name or "x"), ATOM
        if node.op == "state":
            return style.before(node.name or ""), ATOM
        if node.op in ("matrix", "vector"):
            return style.parameter(node.name or ""), ATOM
        if node.op == "const":
            return _number(node.value or 0.0), ATOM if (node.value or 0.0) >= 0 else SUM
        parts = [self(a) for a in node.args]
        if node.op == "matmul":
            matrix, operand = parts
            return f"{matrix[0]} {style.hold(operand, MATRIX)}", MATRIX
        if node.op in ("add", "sub"):
            sign = "+" if node.op == "add" else "-"
            right = style.hold(parts[1], PRODUCT) if sign == "-" or parts[1][0].startswith("-") else parts[1][0]
            return f"{parts[0][0]} {sign} {right}", SUM
        if node.op == "neg":
            return f"-{style.hold(parts[0], PRODUCT)}", SUM
        if node.op in ("mul", "div"):
            scalar = any(self.graph[a].size is None for a in node.args)
            return style.multiply(parts[0], parts[1], scalar) if node.op == "mul" else style.divide(*parts)
        return style.call(node.op, [p[0] for p in parts]), ATOM


class _Text:
    """Plain text, the style of the docstrings."""

    names = {"maximum": "max", "minimum": "min"}

    def now(self, name: str) -> str:
        return name

    def before(self, name: str) -> str:
        return f"{name}'"

    def parameter(self, name: str) -> str:
        return name

    def hold(self, part: Written, at_least: int) -> str:
        return part[0] if part[1] >= at_least else f"({part[0]})"

    def multiply(self, left: Written, right: Written, scalar: bool) -> Written:
        return f"{self.hold(left, PRODUCT)} * {self.hold(right, PRODUCT)}", PRODUCT

    def divide(self, left: Written, right: Written) -> Written:
        return f"{self.hold(left, PRODUCT)} / {self.hold(right, MATRIX)}", PRODUCT

    def call(self, op: str, arguments: list[str]) -> str:
        return f"{self.names.get(op, op)}({', '.join(arguments)})"


class _Latex(_Text):
    """LaTeX with indices of time."""

    greek = frozenset((
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
        "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
    ))  # fmt: skip
    names = {"sigmoid": r"\sigma", "maximum": r"\max", "minimum": r"\min"}
    operators = frozenset({"tanh", "exp", "log"})

    def now(self, name: str) -> str:
        return self._indexed(name, "t")

    def before(self, name: str) -> str:
        return self._indexed(name, "t-1")

    def parameter(self, name: str) -> str:
        base, _, index = name.partition("_")
        return self._letter(base) + (f"_{{{self._index(index)}}}" if index else "")

    def hold(self, part: Written, at_least: int) -> str:
        return part[0] if part[1] >= at_least else self._enclose(part[0])

    def multiply(self, left: Written, right: Written, scalar: bool) -> Written:
        sign = r"\," if scalar else r"\odot"
        return f"{self.hold(left, PRODUCT)} {sign} {self.hold(right, PRODUCT)}", PRODUCT

    def divide(self, left: Written, right: Written) -> Written:
        return rf"\frac{{{left[0]}}}{{{right[0]}}}", MATRIX

    def call(self, op: str, arguments: list[str]) -> str:
        if op == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        name = self.names.get(op) or (rf"\{op}" if op in self.operators else rf"\operatorname{{{op}}}")
        return name + self._enclose(", ".join(arguments))

    def _enclose(self, inside: str) -> str:
        return rf"\left({inside}\right)" if r"\frac" in inside else f"({inside})"

    def _indexed(self, name: str, time: str) -> str:
        base, _, index = name.partition("_")
        return f"{self._letter(base)}_{{{self._index(index) + ', ' if index else ''}{time}}}"

    def _letter(self, name: str) -> str:
        if name in self.greek:
            return "\\" + name
        return name if len(name) == 1 else rf"\mathrm{{{name}}}"

    def _index(self, name: str) -> str:
        """Up to three characters are letters side by side (W_xi: from x to i), more are a word."""
        return name if len(name) <= 3 else rf"\mathrm{{{name.replace('_', ' ')}}}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
