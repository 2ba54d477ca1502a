"""Fixtures that tests of predictors share."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def model_files():
    """The module `model_files` of this folder."""
    path = Path(__file__).parent / "model_files.py"
    spec = importlib.util.spec_from_file_location("predictor_model_files", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
