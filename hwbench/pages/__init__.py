"""Pages: blocks, plots, drawings and templates of self-contained HTML."""
