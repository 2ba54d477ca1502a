"""Compiled code is kept, and never used after its sources have changed."""

from hwbench.simulation import compiled as module
from hwbench.simulation.draws import draw_subset
from hwbench.simulation.kernel import simulate_block


def test_kept_code_depends_on_every_source():
    for function in (draw_subset, simulate_block):
        assert function._cache._cache_file._source_stamp == module.SOURCES
    assert {"kendall.py", "measures.py"} <= {name for name, *_ in module.SOURCES}


def test_an_installation_that_cannot_be_written(monkeypatch):
    calls = []

    def njit(function, **options):
        calls.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return function

    monkeypatch.setattr(module, "njit", njit)
    assert module.compiled(len) is len
    assert calls == [{"cache": True, "nogil": True}, {"nogil": True}]
