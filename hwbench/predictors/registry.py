"""Estimators by short names, as cards of predictors name them."""

from __future__ import annotations

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
