"""Names of the arrays that functions take and return."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Metrics, scores, features of models in numpy."""

IntArray = NDArray[np.int64]
"""Architectures, one a row; positions and indices."""

FloatArray = NDArray[np.float32]
"""Encodings of architectures."""
