"""Docstrings as this project writes them, made to reStructuredText.

A section is a title underlined with dashes; an item is `name : what it is`, its text may go on in
indented lines. Types stand in the signatures.
"""

import re

FIELD_OF = {"Parameters": "param", "Attributes": "ivar", "Raises": "raises"}
PLAIN_FIELD_OF = {"Returns": "returns", "Yields": "yields"}
ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*) ?: ?(?P<text>.*)")
NAME = re.compile(r"[\w.]+")


def to_field_lists(_app, _what, _name, _object, _options, lines):
    """Replace the lines of a docstring in place, as Sphinx asks of a listener."""
    lines[:] = list(_converted(lines))


def _converted(lines):
    section = None
    position = 0
    block = []
    while position < len(lines):
        underlined = position + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[position + 1])
        if underlined and lines[position].strip():
            yield from _section(section, block)
            section, block = lines[position].strip(), []
            position += 2
        else:
            block.append(lines[position])
            position += 1
    yield from _section(section, block)


def _section(title, block):
    if title in FIELD_OF:
        yield from _fields(FIELD_OF[title], block)
    elif title in PLAIN_FIELD_OF:
        yield ""
        yield f":{PLAIN_FIELD_OF[title]}:"
        yield from ("    " + line for line in block)
        yield ""
    else:
        if title is not None:
            yield from ("", f".. rubric:: {title}", "")
        yield from block


def _fields(field, block):
    yield ""
    for line in block:
        if not line.startswith(" ") and line.strip():
            item = ITEM.fullmatch(line)
            if item is not None:
                # What stands before a space would be a type: names that share a text have none.
                names = item["names"].replace("*", r"\*").replace(", ", ",\u200b")
                yield f":{field} {names}: {item['text']}"
            elif NAME.fullmatch(line.strip()):
                yield f":{field} {line.strip()}:"
            else:
                raise ValueError(f"not an item of a section: {line!r}")
        else:
            yield "    " + line if line.strip() else line
    yield ""
