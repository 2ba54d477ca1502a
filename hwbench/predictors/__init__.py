"""The predictor zoo: every entry is a card, most estimators are a library's own."""

from __future__ import annotations

from hwbench.predictors.card import (
    PredictorCard,
    SearchRange,
    list_predictors,
    predictor_card,
)
from hwbench.predictors.make import make_predictor

__all__ = ["PredictorCard", "SearchRange", "list_predictors", "make_predictor", "predictor_card"]
