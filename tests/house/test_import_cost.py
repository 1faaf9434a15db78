"""``import orchestra`` is cheap: it loads nothing heavy, starts nothing and opens nothing."""

from __future__ import annotations

import pytest

from tests.house.probe import Trace, trace

HEAVY = frozenset({"cattrs", "libcloud", "paramiko", "psycopg", "requests", "rich", "sqlite3", "typer", "urllib3"})


@pytest.fixture(scope="module")
def imported() -> Trace:
    return trace("import orchestra")


def test_nothing_heavy_is_loaded(imported: Trace) -> None:
    assert sorted(HEAVY & imported.modules) == []


def test_the_package_itself_is_loaded(imported: Trace) -> None:
    assert "orchestra" in imported.modules


def test_no_thread_is_started(imported: Trace) -> None:
    assert imported.threads == ["MainThread"]


def test_nothing_is_opened_or_called(imported: Trace) -> None:
    assert imported.seen == []


def test_naming_the_clouds_loads_none() -> None:
    named = trace("import orchestra\norchestra.clouds\ndir(orchestra.clouds)")
    assert "orchestra.clouds" in named.modules
    assert sorted(HEAVY & named.modules) == []


def test_declaring_a_stack_loads_no_cloud() -> None:
    declared = trace(
        "import orchestra as oc\n"
        "class Shop(oc.Stack):\n"
        "    def build(self):\n"
        "        self.network = oc.Network(cidr='10.0.0.0/16')\n"
        "Shop()\n"
    )
    assert sorted(HEAVY & declared.modules) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import sqlite3; sqlite3.connect(':memory:').close()", "sqlite3.connect"),
        ("open('pyproject.toml').close()", "open pyproject.toml"),
        ("import socket; socket.socket().close()", "socket.__new__"),
    ],
)
def test_what_a_process_does_is_seen(source: str, told: str) -> None:
    assert told in trace(source).seen


def test_threads_and_modules_are_seen() -> None:
    found = trace("import threading, colorsys\nthreading.Thread(target=threading.Event().wait, daemon=True).start()")
    assert len(found.threads) == 2
    assert "colorsys" in found.modules


ACTING = frozenset(
    {
        "concurrent.futures",
        "orchestra.display.progress",
        "orchestra.engine.executor",
        "orchestra.engine.office",
        "orchestra.events",
        "orchestra.planning.steps",
        "tempfile",
    }
)
"""What a plan of nothing much takes none of."""


def test_planning_loads_nothing_that_only_acting_takes() -> None:
    planned = trace(
        "import sys\n"
        "sys.path.insert(0, 'benchmarks')\n"
        "import orchestra as oc\n"
        "from parts import PartCloud, Parts\n"
        "str(oc.Deployment(Parts(count=3), name='a', cloud=PartCloud(), state=':memory:').plan())\n"
    )
    assert "orchestra.planning.planner" in planned.modules
    assert sorted(ACTING & planned.modules) == []
