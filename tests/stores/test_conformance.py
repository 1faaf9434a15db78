"""Every store of ours keeps the contract."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from orchestra.contracts import Clock, Store
from orchestra.stores import MemoryStore, open_store
from orchestra.testing import STORE_RULES, Checked, check_store
from orchestra.testing.store import RULES
from orchestra.testing.store_comparison import StoreComparison
from tests.stores.openings import Places

IN_MEMORY = tuple(rule.name for rule in RULES if not rule.needs)
"""What can be asked of a store that is gone once it is closed."""


def sqlite_in_memory(*, deployment: str, clock: Clock, lease_seconds: float) -> Store:
    return open_store("sqlite://:memory:", deployment=deployment, clock=clock, lease_seconds=lease_seconds)


@pytest.mark.parametrize("rule", IN_MEMORY)
def test_memory_store(rule: str) -> None:
    assert check_store(MemoryStore, rules=[rule]) == Checked((rule,))


@pytest.mark.parametrize("rule", IN_MEMORY)
def test_sqlite_in_memory(rule: str) -> None:
    assert check_store(sqlite_in_memory, rules=[rule]) == Checked((rule,))


@pytest.mark.parametrize("rule", STORE_RULES)
def test_sqlite_in_a_file(rule: str, tmp_path: Path) -> None:
    numbers = itertools.count()
    places = Places(lambda: str(tmp_path / f"{next(numbers)}.db"))
    assert check_store(places.make, reopen=places.reopen, rules=[rule]) == Checked((rule,))


def test_sqlite_tells_the_same_as_the_reference() -> None:
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()

        class Comparison(StoreComparison):
            def __init__(self) -> None:
                self.path = Path(folder, f"{next(numbers)}.db")
                super().__init__()

            def open_others(self) -> Sequence[Store]:
                return [open_store(self.path, deployment="production", clock=self.clock)]

        run_state_machine_as_test(Comparison, settings=settings(max_examples=40, stateful_step_count=30))
