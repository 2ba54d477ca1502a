"""From the files of public benchmarks to tables, a module a benchmark.

Every converter takes the files (or folders of them) that a user has or that were fetched, finds out
by name and content which of the known formats each is of, and returns one table: a row an
architecture in the space's order, values as they stand in the files, missing ones missing.

A converter is a function `convert(paths, *, progress)`. It is called once an import, with paths
that exist, or the files that were fetched, in the order of the benchmark's card, and calls
`progress(steps done, steps in all)` as it goes. It writes nothing and runs no code from the files:
they are hostile until parsed. What they hold that they should not is a `HwbenchError` that names
the file and the place.
"""
