"""Networks of architectures as files that other programs run, and what was exported as a table."""

from __future__ import annotations

from hwbench.export.export import Exported as Exported
from hwbench.export.export import export_networks as export_networks
