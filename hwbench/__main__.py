"""`python -m hwbench` is `hwbench`."""

from __future__ import annotations

from hwbench.cli import main

if __name__ == "__main__":
    main()
