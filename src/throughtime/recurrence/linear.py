"""What kind of recurrence a step is: how its new states depend on the old ones."""

from __future__ import annotations

from throughtime.recurrence.trace import Trace

_LINEAR = ("add", "sub", "neg", "mean")


def degrees(trace: Trace) -> dict[str, int]:
    """State -> how its new value depends on the old states: 0 not at all, 1 linearly, 2 in any other way.

    Linear is a sum of old states times what does not depend on them: h = a * h' + b with a and b of the input alone.
    """
    graph, degree = trace.graph, dict[int, int]()
    for number in graph.reachable([new for _, new in trace.states.values()]):
        node = graph[number]
        of_arguments = [degree[argument] for argument in node.args]
        most = max(of_arguments, default=0)
        if node.op == "state":
            degree[number] = 1
        elif most == 0 or node.op in _LINEAR or node.op == "matmul":
            degree[number] = most
        elif node.op == "mul":
            degree[number] = min(2, sum(of_arguments))
        elif node.op == "div" and of_arguments[1] == 0:
            degree[number] = of_arguments[0]
        else:
            degree[number] = 2
    return {name: degree[new] for name, (_, new) in trace.states.items()}


def products_in_loop(trace: Trace) -> int:
    """How many matrix products wait for an old state. The others run for many steps at once.

    Where there are none, a step is elementwise work alone: the schedule leaves no product in the loop, and the engine's
    loop is a scan, in the order of time.
    """
    graph = trace.graph
    needed = graph.reachable([new for _, new in trace.states.values()])
    products = [graph[number].args[1] for number in needed if graph[number].op == "matmul"]
    return sum(any(graph[n].op == "state" for n in graph.reachable([operand])) for operand in products)


def sentence(trace: Trace) -> str:
    """Both in words, for people."""
    loop, most = products_in_loop(trace), max(degrees(trace).values())
    kind = {0: "The state forgets everything.", 1: "Linear in its state.", 2: "Not linear in its state."}[most]
    plural = "" if loop == 1 else "s"
    where = f"{loop} matrix product{plural} a step wait{'s' if loop == 1 else ''} for the state before"
    return f"{kind} {where}." if loop else f"{kind} No matrix product waits for the state before: the loop is a scan."
