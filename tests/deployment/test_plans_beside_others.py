"""A plan while another process applies: it is made, says whose calls are open, and can't be applied."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from at_work import deployment

import orchestra as oc

ROOT = Path(__file__).parents[2]


class Other:
    """The other process: ``begun`` waits until it is in the middle of a call, ``go_on`` lets it out of it."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("at_work.py"), folder],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begun(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "at work\n"

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def ended(self) -> int:
        self._process.communicate()
        return self._process.returncode

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Other]:
    started = Other(tmp_path)
    yield started
    started.end()


def test_a_plan_is_made_while_another_process_has_calls_open(other: Other, tmp_path: Path) -> None:
    with deployment(tmp_path) as here:
        other.begun()
        plan = here.plan()
        (finding,) = plan.findings
        assert (finding.rule, finding.address, finding.refusal) == ("open calls", None, False)
        assert "(apply) has been at work since " in finding.message
        assert "has calls open (create first)" in finding.message
        assert finding.message in str(plan)
        assert oc.Plan.load(_saved(plan, tmp_path)).findings == plan.findings
        assert [change.address for change in plan.changes] == ["first", "second"]
        assert here.drift().findings == plan.findings
        with pytest.raises(oc.LockedError):
            here.apply(plan)
        with pytest.raises(oc.LockedError):
            here.recover()

        other.go_on()
        other.begun()
        half = here.plan()
        assert [change.address for change in half.changes] == ["second"]
        assert "has calls open (create second)" in half.findings[0].message

        other.go_on()
        assert other.ended() == 0
        for stale in (plan, half):
            with pytest.raises(oc.StalePlanError):
                here.apply(stale)
        done = here.plan()
        assert done.is_empty
        assert done.findings == ()
        assert here.cloud.inventory() == {"network.Network": 2}  # type: ignore[attr-defined]


def test_what_is_open_is_settled_by_the_next_plan_once_the_other_is_dead(other: Other, tmp_path: Path) -> None:
    with deployment(tmp_path) as here:
        other.begun()
        plan = here.plan()
        other.end()
        with pytest.raises(oc.StalePlanError):
            here.apply(plan)
        after = here.plan()
        assert after.findings == ()
        assert here.store.load().pending == ()
        here.apply(after)
        assert here.plan().is_empty


def test_a_rollback_is_planned_as_well(tmp_path: Path) -> None:
    with deployment(tmp_path) as here:
        here.apply()
        serial = here.history()[0].serial
        here.destroy()
        started = Other(tmp_path)
        try:
            started.begun()
            plan = here.rollback(to=serial)
            assert [one.rule for one in plan.findings][-1] == "open calls"
            assert len(plan.changes) == 2
            with pytest.raises(oc.LockedError):
                here.adopt("second", "net-1")
        finally:
            started.end()


def _saved(plan: oc.Plan, folder: Path) -> Path:
    plan.save(folder / "plan.json")
    return folder / "plan.json"
