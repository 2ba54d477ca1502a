"""Settings of the documentation: `make docs` writes docs/build/html/index.html."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# Cards and tables of whoever builds are not hwbench's.
os.environ["HWBENCH_HOME"] = str(Path(__file__).parent / "build" / "home")

import docstrings
import generate
import source_links

import hwbench

project = "hwbench"
author = "The hwbench authors"
version = release = hwbench.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_heading_anchors = 3
exclude_patterns = ["build"]
# The leaderboard's page, which stands beside the others as it is.
html_extra_path = ["generated/site"]
(Path(__file__).parent / "generated" / "site").mkdir(parents=True, exist_ok=True)
nitpicky = False
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {
    name: name for name in ("ArrayLike", "FloatArray", "Floats", "IntArray", "Ints", "NDArray")
}
# What pydantic and scikit-learn add to classes is documented there.
autodoc_default_options = {
    "members": True,
    "exclude-members": "model_config, model_post_init, set_fit_request, set_predict_request, "
    "set_score_request",
}

html_theme = "furo"
html_title = "hwbench"
html_show_sphinx = False


def setup(app):
    """Write the generated pages, and read docstrings as this project writes them."""
    app.connect("builder-inited", lambda app: generate.write_pages(Path(app.srcdir) / "generated"))
    app.connect("autodoc-process-docstring", docstrings.to_field_lists)
    app.connect("html-page-context", source_links.mend)
