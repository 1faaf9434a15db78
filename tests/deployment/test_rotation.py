"""Another key: what is kept under the old one stays readable, or is drawn anew; never half of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planting import VALUES, Accounts, Planted, traces

import orchestra as oc
from orchestra.engine.leases import this_process
from orchestra.engine.rotating import Rotation
from orchestra.model.values import Sealed, leaves
from orchestra.state.audit import AuditEntry, AuditEvent
from orchestra.stores.rows import Rows
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(60)

OLD, NEW, NEWEST = "old-key-of-the-tests", "new-key-of-the-tests", "newest-key-of-the-tests"


@pytest.fixture(autouse=True)
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("planted-file").write_text(VALUES["file"], encoding="utf-8")
    for name in ("environment", "record", "label", "input", "trigger"):
        monkeypatch.setenv(f"PLANTED_{name}", VALUES[name])


@pytest.fixture
def deploy(tmp_path: Path) -> Callable[..., oc.Deployment]:
    """Makes deployments of one stack on one cloud, in one state."""
    cloud = oc.Cloud(base=oc.clouds.simulated(":memory:", clock=VirtualClock()), providers=[Accounts()], name="planted")

    def make(key: Any, **more: Any) -> oc.Deployment:
        given = {"state": tmp_path / "state.db", "clock": VirtualClock(), **more}
        return oc.Deployment(Planted(), name="planted", cloud=cloud, key=key, progress=False, **given)

    return make


Deploy = Callable[..., oc.Deployment]


def secrets_of(deployment: oc.Deployment) -> list[str]:
    """Everything that the records hold sealed."""
    return [
        leaf.digest
        for record in deployment.resources.values()
        for values in (record.inputs, record.outputs, {"triggers": record.triggers})
        for leaf in leaves(values)
        if isinstance(leaf, Sealed)
    ]


def password(deployment: oc.Deployment) -> str:
    stack = deployment.stack
    assert isinstance(stack, Planted)
    return str(deployment.value(stack.account.password))


def test_secrets_go_on_under_another_key(deploy: Deploy, tmp_path: Path) -> None:
    with deploy(OLD) as deployment:
        deployment.apply()
        kept = secrets_of(deployment)
        assert len(kept) > 8
        assert deployment.rotate_key(NEW) == Rotation(renewed=False)
        assert deployment.plan().is_empty
        assert password(deployment) == VALUES["output"]
    with deploy(NEW) as deployment:
        assert secrets_of(deployment) == kept
        assert deployment.plan().is_empty
        assert password(deployment) == VALUES["output"]
        deployment.rotate_key(NEWEST)
    with deploy(NEWEST) as deployment:
        assert deployment.plan().is_empty
        deployment.audit.verify()
        rotated = [line for line in deployment.audit if line.event is AuditEvent.KEY_ROTATED]
        assert [line.detail for line in rotated] == ["kept under another key"] * 2
        assert all(line.by for line in rotated)
    told = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert traces(told) == []
    assert all(key.encode() not in told for key in (OLD, NEW, NEWEST))


@pytest.mark.parametrize("key", [OLD, None, "key-of-somebody-else"])
def test_no_other_key_opens_the_state_then(deploy: Deploy, key: str | None) -> None:
    with deploy(OLD) as deployment:
        deployment.apply()
        deployment.rotate_key(NEW)
    with deploy(key) as deployment:
        for act in (deployment.plan, deployment.drift, deployment.apply, lambda: deployment.rotate_key(NEWEST)):
            with pytest.raises(oc.StateError) as caught:
                act()
            assert "give the deployment the newest key that it had" in str(caught.value)
            assert not isinstance(caught.value, oc.CorruptStateError)
        assert len(deployment.resources) > 8  # what is no secret can be read all the same


def test_a_key_that_is_known_to_others_is_replaced_with_all_that_came_of_it(deploy: Deploy) -> None:
    with deploy(OLD) as deployment:
        deployment.apply()
        kept = secrets_of(deployment)
        assert deployment.rotate_key(NEW, renew=True) == Rotation(renewed=True)
        renewed = secrets_of(deployment)
        assert len(renewed) == len(kept)
        assert not set(renewed) & set(kept)
        plan = deployment.plan()
        assert {change.address for change in plan.changes} == {"blobs[1]"}  # the generated secret
        assert password(deployment) == VALUES["output"]
        deployment.apply(plan)
    with deploy(NEW) as deployment:
        assert deployment.plan().is_empty
        assert [line.detail for line in deployment.audit if line.event is AuditEvent.KEY_ROTATED] == ["renewed"]
    with deploy(OLD) as deployment, pytest.raises(oc.StateError, match="rotated since"):
        deployment.plan()


def test_what_can_not_be_brought_along_is_named(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    with deploy(OLD) as deployment:
        deployment.apply()
    monkeypatch.setenv("PLANTED_record", "another one by now")
    monkeypatch.delenv("PLANTED_trigger")
    with deploy(OLD) as deployment:
        rotation = deployment.rotate_key(NEW, renew=True)
        assert rotation.not_renewed == ("record: values", "server: replace_on")
    monkeypatch.setenv("PLANTED_trigger", VALUES["trigger"])
    with deploy(NEW) as deployment:
        changed = {change.address for change in deployment.plan().changes}
        assert changed >= {"record", "server", "blobs[1]"}


def test_a_deployment_begins_with_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shop(oc.Stack):
        def build(self) -> None:
            self.bucket = oc.Bucket()
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=oc.Secret.env("PLANTED_label"))

    cloud = oc.clouds.simulated(":memory:")
    given: dict[str, Any] = {"name": "shop", "cloud": cloud, "state": tmp_path / "state.db", "progress": False}
    with oc.Deployment(Shop(), **given) as deployment:
        deployment.apply()
        with pytest.raises(oc.PlanError, match="has had no key so far"):
            deployment.rotate_key(NEW)
        assert deployment.plan().is_empty
        assert deployment.rotate_key(NEW, renew=True) == Rotation(renewed=True)
    with oc.Deployment(Shop(), **given, key=NEW) as deployment:
        assert deployment.plan().is_empty


class Crash(BaseException):
    """The process dies."""


@pytest.mark.parametrize("renew", [False, True])
@pytest.mark.parametrize("late", [False, True], ids=["before it is written", "after it is written"])
def test_a_crash_leaves_the_old_key_or_the_new_one(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, *, renew: bool, late: bool
) -> None:
    append = Rows.append

    def die(rows: Rows, entry: AuditEntry, *more: Any) -> None:
        if entry.event is AuditEvent.KEY_ROTATED and not late:
            raise Crash
        append(rows, entry, *more)

    with deploy(OLD) as deployment:
        deployment.apply()
        kept = secrets_of(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(Rows, "append", die)
            if late:
                rekey = deployment.store.rekey

                def written(*given: Any) -> int:
                    rekey(*given)
                    raise Crash

                patched.setattr(deployment.store, "rekey", written)
            with pytest.raises(Crash):
                deployment.rotate_key(NEW, renew=renew)
    right, wrong = (NEW, OLD) if late else (OLD, NEW)
    with deploy(right) as deployment:
        changed = {change.address for change in deployment.plan().changes}
        assert changed == ({"blobs[1]"} if late and renew else set())
        assert (secrets_of(deployment) == kept) is not (late and renew)
        assert password(deployment) == VALUES["output"]
        deployment.audit.verify()
    if late:
        with deploy(wrong) as deployment, pytest.raises(oc.StateError):
            deployment.plan()


def test_it_needs_the_lease(deploy: Deploy) -> None:
    with deploy(OLD) as deployment, deploy(OLD) as other:
        deployment.apply()
        lease = deployment.store.acquire(this_process("test", 0.0))
        with pytest.raises(oc.LockedError):
            other.rotate_key(NEW)
        deployment.store.release(lease)
        assert other.plan().is_empty


@pytest.mark.parametrize("key", ["short", "", None, os.environ.get])
def test_a_key_that_is_unfit_changes_nothing(deploy: Deploy, key: Any) -> None:
    with deploy(OLD) as deployment:
        deployment.apply()
        with pytest.raises((oc.DefinitionError, oc.StateError)):
            deployment.rotate_key(key)
        assert deployment.plan().is_empty
