"""The way back from pages of source code to where an object is documented.

`sphinx.ext.viewcode` knows one name a module, and pages that are there: of an object that goes by
another name, or is shown on a page without being its definition, the way back would lead nowhere.
"""

import re

from sphinx.util.osutil import relative_uri

BACK = re.compile(r'<a class="viewcode-back" href="[^"#]*#(?P<name>[\w.]+)">\[docs\]</a>')
LISTED = re.compile(r'<li><a href="(?P<page>[\w/]+)\.html">[\w.]+</a></li>\n')


def mend(app, pagename, _template, context, _doctree):
    """Lead each way back to the object's definition; leave out what has none, as Sphinx asks."""
    if pagename == "_modules/index":
        context["body"] = _without_absent(app, context["body"])
    elif pagename.startswith("_modules/"):
        module = pagename.removeprefix("_modules/").replace("/", ".")
        objects = app.env.domaindata["py"]["objects"]
        context["body"] = BACK.sub(
            lambda found: _way_back(app, pagename, module, found["name"], objects),
            context["body"],
        )


def _way_back(app, pagename, module, name, objects):
    parts = name.split(".")
    inside = [name, *(".".join([module, *parts[first:]]) for first in range(len(parts)))]
    for each in inside:
        if each in objects:
            known = objects[each]
            page = relative_uri(
                app.builder.get_target_uri(pagename), app.builder.get_target_uri(known.docname)
            )
            return f'<a class="viewcode-back" href="{page}#{known.node_id}">[docs]</a>'
    return ""


def _without_absent(app, body):
    modules = app.env._viewcode_modules
    known = {name.replace(".", "/") for name, entry in modules.items() if entry}
    return LISTED.sub(lambda found: found[0] if found["page"] in known else "", body)
