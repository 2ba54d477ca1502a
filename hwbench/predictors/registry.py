"""Estimators by short names, as cards of predictors name them."""

from __future__ import annotations

from hwbench.extras import extra_of
from hwbench.registry import Registry

MODELS = Registry(
    "estimator",
    {
        "auto": "hwbench.predictors.models.auto:Auto",
        "bananas": "hwbench.predictors.models.bananas:Bananas",
        "bayesian_linear": "hwbench.predictors.models.bayesian_linear:BayesianLinearRegression",
        "binary_relation_gcn": "hwbench.predictors.models.binary_relation_gcn:BinaryRelationGCN",
        "bohamiann": "hwbench.predictors.models.bohamiann:Bohamiann",
        "bonas": "hwbench.predictors.models.bonas:BONAS",
        "catboost": "hwbench.predictors.models.catboost:CatBoost",
        "gaussian_process": "hwbench.predictors.models.gaussian_process:GaussianProcess",
        "gcn": "hwbench.predictors.models.gcn:GCN",
        "graph_vae": "hwbench.predictors.models.graph_vae:GraphVAE",
        "lookup_table": "hwbench.predictors.models.lookup_table:LookupTable",
        "mlp": "hwbench.predictors.models.mlp:MLP",
        "nao": "hwbench.predictors.models.nao:NAO",
        "ngboost": "hwbench.predictors.models.ngboost:NGBoost",
        "pairwise_ridge": "hwbench.predictors.models.pairwise_ridge:PairwiseRidge",
        "random_forest": "hwbench.predictors.models.random_forest:RandomForest",
        "sparse_gaussian_process": "hwbench.predictors.models.sparse_gaussian_process:"
        "SparseGaussianProcess",
        "structural_gaussian_process": "hwbench.predictors.models.structural_gaussian_process:"
        "StructuralGaussianProcess",
        "transfer_gaussian_process": "hwbench.predictors.models.transfer_gaussian_process:"
        "TransferGaussianProcess",
        "weisfeiler_lehman": "hwbench.predictors.models.weisfeiler_lehman:"
        "WeisfeilerLehmanGaussianProcess",
    },
    "hwbench.models",
)
"""Regressors that follow scikit-learn's rules; any other is named by its import path."""

EXTRA_OF = {
    "ngboost": "boost",
    "catboost": "catboost",
    **dict.fromkeys(
        (
            "bananas", "binary_relation_gcn", "bohamiann", "bonas", "gcn",
            "graph_vae", "mlp", "nao", "sparse_gaussian_process",
        ),
        "torch",
    ),
}  # fmt: skip
"""The extras of `hwbench.extras.EXTRAS` that hwbench's own cannot be imported without."""


def extra_of_model(path: str) -> str:
    """The extra that a regressor at an import path needs; "" where it needs none that is known."""
    name = next((name for name, own in MODELS.built_in.items() if own == path), "")
    return EXTRA_OF.get(name) or extra_of(path.partition(":")[0])
