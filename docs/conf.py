"""How the documentation is built: ``sphinx-build -n -W -b html docs docs/_build/html``."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "orchestra"
author = "The orchestra authors"
project_copyright = "The orchestra authors, Apache License 2.0"
release = version = importlib.metadata.version("orchestra-iac")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "extensions.abilities",
    "extensions.catalogue",
    "extensions.public_names",
]
exclude_patterns = ["_build", "extensions"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# docstrings say `Plan` for what users know as orchestra.Plan: extensions.public_names finds it
default_role = "py:obj"
smartquotes = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
add_module_names = False
python_use_unqualified_type_names = True

nitpick_ignore_regex = [
    # the standard library's own documentation is not read: a build needs no network
    (
        r"py:(class|obj|exc)",
        r"(abc|collections\.abc|datetime|exceptiongroup|enum|os|pathlib|types|typing|builtins)\..*",
    ),
    (r"py:(class|obj)", r"(.*\.)?[A-Z](_co|_contra)?"),  # type variables
]

html_theme = "furo"
html_title = f"orchestra {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
pygments_style = "friendly"
pygments_dark_style = "native"
