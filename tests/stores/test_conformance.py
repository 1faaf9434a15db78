"""Every store of ours keeps the contract."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from orchestra.contracts import Clock, Store
from orchestra.stores import MemoryStore, open_store
from tests.stores.comparison import StoreComparison
from tests.stores.conformance import CHECKS, StoreFactory


def memory(*, deployment: str, clock: Clock, lease_seconds: float) -> Store:
    return MemoryStore(deployment=deployment, clock=clock, lease_seconds=lease_seconds)


def sqlite_in_memory(*, deployment: str, clock: Clock, lease_seconds: float) -> Store:
    return open_store("sqlite://:memory:", deployment=deployment, clock=clock, lease_seconds=lease_seconds)


@pytest.fixture
def sqlite_in_files(tmp_path: Path) -> StoreFactory:
    numbers = itertools.count()

    def factory(*, deployment: str, clock: Clock, lease_seconds: float) -> Store:
        path = tmp_path / f"{next(numbers)}.db"
        return open_store(f"sqlite:///{path}", deployment=deployment, clock=clock, lease_seconds=lease_seconds)

    return factory


@pytest.mark.parametrize("check", CHECKS)
def test_memory_store(check: Callable[[StoreFactory], None]) -> None:
    check(memory)


@pytest.mark.parametrize("check", CHECKS)
def test_sqlite_in_memory(check: Callable[[StoreFactory], None]) -> None:
    check(sqlite_in_memory)


@pytest.mark.parametrize("check", CHECKS)
def test_sqlite_in_a_file(check: Callable[[StoreFactory], None], sqlite_in_files: StoreFactory) -> None:
    check(sqlite_in_files)


def test_sqlite_tells_the_same_as_the_reference() -> None:
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()

        class Comparison(StoreComparison):
            def __init__(self) -> None:
                self.path = Path(folder, f"{next(numbers)}.db")
                super().__init__()

            def open_reference(self) -> Store:
                return memory(deployment="production", clock=self.clock, lease_seconds=60.0)

            def open_others(self) -> list[Store]:
                return [open_store(self.path, deployment="production", clock=self.clock, lease_seconds=60.0)]

        run_state_machine_as_test(Comparison, settings=settings(max_examples=40, stateful_step_count=30))
