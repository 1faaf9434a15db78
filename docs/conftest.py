"""Executes every example: the Python blocks of each page in order, and what they print against the page.

``pytest docs README.md``. Each page runs in a folder of its own. A block ``output`` must be what the Python block
before it printed; ``...`` in it stands for anything. What a reader need not see stands in comments, as
``invisible-code-block: python``.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

import orchestra as oc

ROOT: Final = Path(__file__).parents[1]
SET_HERE: Final = (
    "AWS_",
    "DIGITALOCEAN_",
    "LIBCLOUD_",
    "LINODE_",
    "ORCHESTRA_",
    "OS_",
    "SCW_",
    "UPCLOUD_",
    "VULTR_",
)
"""Environment variables whose names start so belong to whoever builds the documentation, not to the examples."""

OPTIONS: Final = doctest.ELLIPSIS | doctest.DONT_ACCEPT_BLANKLINE | doctest.REPORT_UDIFF

_evaluate: Final = PythonEvaluator()
_checker: Final = doctest.OutputChecker()


def run(example: Example) -> str | None:
    """Execute a Python block and keep what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        fault = _evaluate(example)
    example.namespace["_printed"] = printed.getvalue()
    return fault


def compare(example: Example) -> str | None:
    """What was printed against what the page says."""
    printed: str | None = example.namespace.pop("_printed", None)
    if printed is None:
        return "no Python block stands before this output"
    if _checker.check_output(str(example.parsed), printed, OPTIONS):
        return None
    wanted = doctest.Example("", str(example.parsed))
    return str(_checker.output_difference(wanted, printed, OPTIONS))


def enter(namespace: dict[str, Any]) -> None:
    """Give a page a folder of its own, and nothing of the machine's settings."""
    undo = namespace["_undo"] = contextlib.ExitStack()
    # deletes the one folder that it made, by name, whatever the working directory is by then
    folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="orchestra-docs-"))
    undo.callback(os.chdir, os.getcwd())
    undo.callback(restore, dict(os.environ))
    undo.callback(let_go, namespace)
    namespace["ROOT"] = ROOT
    for name in list(os.environ):
        if name.startswith(SET_HERE):
            del os.environ[name]
    os.chdir(folder)


def leave(namespace: Mapping[str, Any]) -> None:
    """Undo what `enter` did; a second time there is nothing left to undo."""
    namespace["_undo"].close()


def restore(settings: Mapping[str, str]) -> None:
    """Put the machine's settings back."""
    os.environ.clear()
    os.environ.update(settings)


def let_go(namespace: Mapping[str, Any]) -> None:
    """Close the files that a page left open."""
    for one in namespace.values():
        if isinstance(one, (oc.Deployment, oc.clouds.SimulatedCloud)):
            one.close()


pages: Final = Sybil(
    parsers=[CodeBlockParser("python", run), CodeBlockParser("output", compare)],
    path=str(ROOT),
    patterns=["*.md"],
    setup=enter,
    teardown=leave,
)


class Readme:
    """Collects the pages and README.md, which lies outside this folder, where this file's own hooks don't reach."""

    pytest_collect_file = staticmethod(pages.pytest())


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest."""
    sys.path.insert(0, str(ROOT / "examples"))
    # short examples leave it to Python to close a deployment, which Python 3.13 remarks on
    config.addinivalue_line("filterwarnings", "ignore:unclosed database:ResourceWarning")
    config.pluginmanager.register(Readme())
