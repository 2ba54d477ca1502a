"""Methods that say which units of a network are left out, by name."""

from __future__ import annotations

from hwbench.registry import Registry

_HERE = "hwbench.compress.methods"

METHODS = Registry(
    "compression method",
    {
        "geometric_median": f"{_HERE}.geometric_median:GeometricMedian",
        "group_lasso": f"{_HERE}.group_lasso:GroupLasso",
        "magnitude": f"{_HERE}.magnitude:Magnitude",
        "random": f"{_HERE}.random_units:RandomUnits",
        "sparse_bayes": f"{_HERE}.sparse_bayes:SparseBayes",
    },
    "hwbench.compression_methods",
    base=f"{_HERE}.base:Method",
)
