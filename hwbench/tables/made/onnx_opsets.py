"""Versions of ONNX's operators, known without the library."""

from __future__ import annotations

OPSET = 17
"""That models are written with where nobody asks for another."""

OPSETS = range(11, 21)
"""Those that both hwbench's writer and torch's exporter know."""
