"""The benchmarks that take seconds to minutes; those that train are run by name (see the README)."""

from benchmarks import layers, model, own_cell, startup, stream

for benchmark in (layers, model, own_cell, stream, startup):
    benchmark.main()
