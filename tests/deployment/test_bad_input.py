"""What goes wrong in a user's hands: a typed error with a remedy, and nothing changed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy

import orchestra as oc


def state_of(folder: Path) -> Path:
    """A state with five resources in it."""
    deployment = deploy(Chain(), MemoryCloud(), folder)
    deployment.apply()
    deployment.close()
    return folder / "state.db"


def reopened(folder: Path) -> oc.Deployment:
    return deploy(Chain(), MemoryCloud(), folder)


def test_a_state_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    path = state_of(tmp_path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE orchestra_meta SET value = '99' WHERE name = 'version'")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(oc.StateVersionError, match="99"):
        reopened(tmp_path).plan()
    assert path.read_bytes() == before


def test_a_damaged_state_is_told_with_the_file(tmp_path: Path) -> None:
    path = state_of(tmp_path)
    content = path.read_bytes().replace(b"10.0.1.0/24", b"10.0.9.0/24")
    path.write_bytes(content)
    with pytest.raises(oc.CorruptStateError) as caught:
        reopened(tmp_path).plan()
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    assert path.read_bytes() == content


def test_a_state_edited_by_hand_is_told(tmp_path: Path) -> None:
    path = state_of(tmp_path)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM orchestra_records WHERE address = 'network'")
    database.close()
    with pytest.raises(oc.CorruptStateError):
        reopened(tmp_path).plan()


def test_a_state_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("not a database, not at all " * 100)
    with pytest.raises(oc.StateError, match=r"state\.db"):
        reopened(tmp_path).plan()


def test_a_state_in_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(oc.StateError, match="missing"):
        deploy(Chain(), MemoryCloud(), tmp_path / "missing").plan()


HOLDER = """
import sys, time
import orchestra as oc
sys.path[:0] = sys.argv[2:]
from stacks import Chain, deploy
from memory_cloud import MemoryCloud
from pathlib import Path
cloud = MemoryCloud()
def wait(operation, kind, what):
    if operation == "create":
        print("holding", flush=True)
        time.sleep(60)
cloud.before = wait
deploy(Chain(), cloud, Path(sys.argv[1])).apply()
"""


def test_a_state_held_by_another_process_says_by_whom_and_since_when(tmp_path: Path) -> None:
    here = Path(__file__).parent.parent
    command = [sys.executable, "-c", HOLDER, str(tmp_path), str(here), str(here / "engine")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "holding"
            cloud = MemoryCloud()
            deployment = deploy(Chain(), cloud, tmp_path)
            with pytest.raises(oc.LockedError) as caught:
                deployment.apply(deployment.plan(refresh=False) if not deployment.store.load().pending else None)
            assert f"process {process.pid}" in caught.value.holder
            assert caught.value.since.startswith(time.strftime("%Y-", time.gmtime()))
            assert cloud.operations() == []
        finally:
            process.kill()


def test_an_image_that_no_cloud_has_is_told_at_plan_time(tmp_path: Path) -> None:
    class Odd(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            self.server = oc.Server(
                image=oc.Image(os="templeos", version="5"), size=oc.Size(cpus=1, memory_gib=1), subnet=self.subnet
            )

    cloud = oc.clouds.simulated(path=tmp_path / "cloud.db")
    with pytest.raises(oc.ChoiceError) as caught:
        deploy(Odd(), cloud, tmp_path).plan()
    assert caught.value.address == "server"
    assert "templeos" in str(caught.value)
    assert cloud.inventory() == {}


def test_an_unknown_region_is_told_with_the_known_ones(tmp_path: Path) -> None:
    cloud = oc.clouds.simulated(path=tmp_path / "cloud.db", region="sim-9")
    with pytest.raises(oc.InvalidRequestError, match="sim-1"):
        deploy(Chain(), cloud, tmp_path).plan()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"create"', '"delete"', 1),
        lambda text: json.dumps({**json.loads(text), "version": 2}),
        lambda text: json.dumps({**json.loads(text), "changes": []}),
        lambda text: "",
    ],
)
def test_a_plan_file_that_is_not_as_it_was_saved_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "plan.json"
    deploy(Chain(), MemoryCloud(), tmp_path).plan().save(path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(oc.PlanFileError) as caught:
        oc.Plan.load(path)
    assert "make a new plan" in str(caught.value)


def test_a_plan_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(oc.PlanFileError, match="No such file"):
        oc.Plan.load(tmp_path / "plan.json")
