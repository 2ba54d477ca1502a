"""Config trees as forms: made of the parts' own annotations and docstrings, and of nothing else.

A form is a view of a TOML text, which is all there is of a config: every change of a field is a
change of the text, and every text, right or wrong, has a form.
"""
