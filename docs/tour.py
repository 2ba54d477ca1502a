"""The notebook `tour.ipynb` as a page, with what its cells show where they are run."""

import ast
import contextlib
import html
import io
import json
import os
import tempfile
from pathlib import Path

NOTEBOOK = Path(__file__).parent / "tour.ipynb"
RUN = "HWBENCH_RUN_TOUR"
"""Set in the environment, the cells are run while the page is made: that takes half a minute."""


def cells():
    """Kind and text of each cell."""
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in found]


def run(codes):
    """Run cells in order, in the folder one is in: what each prints and shows, and all names."""
    names, shown = {}, []
    for code in codes:
        *before, last = ast.parse(code).body
        if not isinstance(last, ast.Expr):
            before, last = [*before, last], None
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module(before, []), "tour.ipynb", "exec"), names)  # noqa: S102  our own
            value = None if last is None else eval(ast.unparse(last), names)  # noqa: S307
        shown.append((printed.getvalue(), value))
    return shown, names


def page():
    """The page as Markdown."""
    texts = cells()
    codes = [text for kind, text in texts if kind == "code"]
    outputs = iter(_outputs(codes) if os.environ.get(RUN) else [""] * len(codes))
    parts = [
        text if kind == "markdown" else f"```python\n{text}\n```\n\n{next(outputs)}"
        for kind, text in texts
    ]
    parts.insert(1, "The same as {download}`a notebook <../tour.ipynb>`.")
    return "\n\n".join(parts) + "\n"


def _outputs(codes):
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            shown, _ = run(codes)
        finally:
            os.chdir(before)
    has_script = False
    for number, (printed, value) in enumerate(shown):
        text = f"<pre>{html.escape(printed)}</pre>" if printed else ""
        if hasattr(value, "to_plotly_json"):
            text += value.to_html(
                full_html=False, include_plotlyjs=not has_script, div_id=f"figure-{number}"
            )
            has_script = True
        elif value is not None:
            text += value._repr_html_()
        # A blank line would end what Markdown takes for HTML.
        lines = "\n".join(line for line in text.splitlines() if line.strip())
        yield f"````{{raw}} html\n{lines}\n````" if lines else ""
