"""From the files of public benchmarks to tables, a module a benchmark.

Every converter takes the files (or folders of them) that a user has or that were fetched, finds out
by name and content which of the known formats each is of, and returns one table: a row an
architecture in the space's order, values as they stand in the files, missing ones missing.
"""
