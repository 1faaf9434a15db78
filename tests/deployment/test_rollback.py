"""Going back: to an earlier serial as a plan, and from a run that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import hypothesis
import pytest
from hypothesis import strategies as st

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.graph import closure, dependents
from orchestra.model.concealing import HIDDEN
from orchestra.testing import Fault, Part, PartsStack, Script, Trouble, VirtualClock, strategies

SMALL = oc.Size(cpus=1, memory_gib=1)
DEBIAN = oc.Image(os="debian", version="12")


class Shop(oc.Stack):
    """A network with servers, one of which is told the address of another."""

    web_servers: int = 1
    motto: str = "hello"
    cidr: str = "10.0.0.0/16"
    secret: str = "SHOP_SECRET"
    lifecycle: oc.Lifecycle = oc.Lifecycle()

    def build(self) -> None:
        self.network = oc.Network(cidr=self.cidr, labels={"motto": self.motto})
        self.subnet = oc.Subnet(network=self.network, cidr=f"{self.cidr.partition('.')[0]}.0.1.0/24")
        self.database = oc.Server(image=DEBIAN, size=SMALL, subnet=self.subnet, lifecycle=self.lifecycle)
        self.web = [
            oc.Server(
                image=DEBIAN,
                size=SMALL,
                subnet=self.subnet,
                user_data=f"db={self.database.private_ip}; motto={self.motto}",
            )
            for _ in range(self.web_servers)
        ]


class Guarded(oc.Stack):
    """A server with a secret in its user data."""

    secret: str = "SHOP_SECRET"
    with_server: bool = True
    size: oc.Size = SMALL
    label: str = "a"

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", labels={"label": self.label})
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        if self.with_server:
            self.server = oc.Server(
                image=DEBIAN,
                size=self.size,
                subnet=self.subnet,
                user_data=f"password={oc.Secret.env(self.secret)}",
                labels={"label": self.label},
            )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cloud(clock: VirtualClock) -> Iterator[SimulatedCloud]:
    made = oc.clouds.simulated(":memory:", clock=clock)
    yield made
    made.close()


class Place:
    """Where the deployments of a test are."""

    def __init__(self, cloud: SimulatedCloud, folder: Path, clock: VirtualClock) -> None:
        self.cloud = cloud
        self.folder = folder
        self.clock = clock

    def deploy(self, stack: oc.Stack, cloud: SimulatedCloud | None = None) -> oc.Deployment:
        return oc.Deployment(
            stack,
            name="shop",
            cloud=cloud or self.cloud,
            state=self.folder / "state.db",
            clock=self.clock,
            progress=False,
            width=1,
        )

    def apply(self, stack: oc.Stack) -> oc.Run:
        with self.deploy(stack) as deployment:
            return deployment.apply()

    def is_as_declared(self, stack: oc.Stack) -> bool:
        with self.deploy(stack) as deployment:
            plan = deployment.plan()
            deployment.audit.verify()
            return plan.is_empty


@pytest.fixture
def place(cloud: SimulatedCloud, tmp_path: Path, clock: VirtualClock) -> Place:
    return Place(cloud, tmp_path, clock)


def told(plan: oc.Plan) -> dict[str, str]:
    """The findings, by address."""
    assert all(one.rule == "rollback" and not one.refusal for one in plan.findings)
    return {str(one.address): one.message for one in plan.findings}


def test_what_was_changed_and_added_is_undone(place: Place) -> None:
    first = place.apply(Shop())
    place.apply(Shop(web_servers=3, motto="welcome"))
    with place.deploy(Shop(web_servers=3, motto="welcome")) as deployment:
        before = deployment.resources
        plan = deployment.rollback(to=first.serial)
        assert deployment.resources == before  # a plan changes nothing
        assert plan.rollback_to == first.serial
        assert {str(one.address): one.action for one in plan.changes} == {
            "network": oc.Action.UPDATE,
            "web[0]": oc.Action.REPLACE,
            "web[1]": oc.Action.DELETE,
            "web[2]": oc.Action.DELETE,
        }
        assert "rollback to serial" in str(plan)
        found = told(plan)
        assert found.keys() == {"web[0]", "web[1]", "web[2]"}
        assert "made since" in found["web[1]"]
        assert "what is in it now is lost" in found["web[0]"]
        run = deployment.apply(plan)
        assert run.purpose == "rollback"
        assert deployment.history()[-1].run.purpose == "rollback"
    assert place.is_as_declared(Shop())
    assert place.cloud.inventory()["compute.Server"] == 2


def test_what_was_deleted_is_made_anew_and_refers_to_what_is_there_now(place: Place) -> None:
    first = place.apply(Shop())
    with place.deploy(Shop()) as deployment:
        old = deployment.resources
        deployment.destroy()

    class Empty(oc.Stack):
        def build(self) -> None:
            pass

    with place.deploy(Empty()) as deployment:  # the code is gone too
        plan = deployment.rollback(to=first.serial)
        assert {one.action for one in plan.changes} == {oc.Action.CREATE}
        assert all("does not come back" in message for message in told(plan).values())
        assert len(told(plan)) == 4
        deployment.apply(plan)
        new = deployment.resources
    assert place.is_as_declared(Shop())
    assert new["subnet"].inputs["network"] == new["network"].external_id != old["network"].external_id
    assert new["web[0]"].inputs["user_data"] == f"db={new['database'].outputs['private_ip']}; motto=hello"


def test_what_was_replaced_goes_back_with_what_uses_it(place: Place) -> None:
    first = place.apply(Shop())
    place.apply(Shop(cidr="192.0.0.0/16"))
    with place.deploy(Shop(cidr="192.0.0.0/16")) as deployment:
        deployment.apply(deployment.rollback(to=first.serial))
    assert place.is_as_declared(Shop())


def test_a_serial_in_the_middle_of_a_run_can_be_gone_back_to(place: Place) -> None:
    place.apply(Shop())
    with place.deploy(Shop()) as deployment:
        done = [one for one in deployment.audit if one.phase is not None and one.phase.value == "done"]
        middle = done[1]
        deployment.apply(deployment.rollback(to=middle.serial))
        assert set(deployment.resources) == {"network", "subnet"}


def test_going_back_and_forth(place: Place) -> None:
    one, other = Shop(), Shop(web_servers=2, motto="welcome")
    first, second = place.apply(one), place.apply(other)
    with place.deploy(other) as deployment:
        deployment.apply(deployment.rollback(to=first.serial))
        assert deployment.rollback(to=first.serial).is_empty
        deployment.apply(deployment.rollback(to=second.serial))
    assert place.is_as_declared(other)


def test_what_has_another_address_now_goes_back_to_the_old_one(place: Place) -> None:
    class Moved(oc.Stack):
        def build(self) -> None:
            self.net = oc.Network(cidr="10.0.0.0/16", lifecycle=oc.Lifecycle(moved_from=["network"]))

    class Here(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")

    first = place.apply(Here())
    place.apply(Moved())
    with place.deploy(Moved()) as deployment:
        plan = deployment.rollback(to=first.serial)
        assert [(str(one.address), one.action) for one in plan.changes] == [("network", oc.Action.MOVE)]
        assert plan.findings == ()
        deployment.apply(plan)
    assert place.is_as_declared(Here())


# -- secrets and contents, of which only digests are kept


def test_a_secret_that_is_still_known_goes_back_with_the_rest(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "correct-horse")
    first = place.apply(Guarded())
    place.apply(Guarded(label="b", size=oc.Size(cpus=2, memory_gib=4)))
    with place.deploy(Guarded(label="b", size=oc.Size(cpus=2, memory_gib=4))) as deployment:
        plan = deployment.rollback(to=first.serial)
        assert told(plan) == {}
        deployment.apply(plan)
        deployment.apply(deployment.rollback(to=0))  # and all of it anew, secret and all
        deployment.apply(deployment.rollback(to=first.serial))
    assert place.is_as_declared(Guarded())
    assert place.cloud.inventory()["compute.Server"] == 1


def test_a_secret_that_nobody_knows_any_more_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "correct-horse")
    first = place.apply(Guarded())
    monkeypatch.setenv("SHOP_SECRET", "battery-staple")
    place.apply(Guarded(label="b"))
    with place.deploy(Guarded(label="b")) as deployment:
        plan = deployment.rollback(to=first.serial)
        assert told(plan) == {"server": "input user_data stays as it is now: of what it was, only a digest is kept"}
        deployment.apply(plan)
        server = deployment.resources["server"]
        assert server.inputs["labels"] == {"label": "a"}
        assert deployment.rollback(to=first.serial).is_empty
    with place.deploy(Guarded(with_server=False)) as deployment:
        deployment.apply()
        plan = deployment.rollback(to=first.serial)
        assert "can't be made again as it was" in told(plan)["server"]
        assert "user_data" in told(plan)["server"]
        run = deployment.apply(plan)
        assert run.succeeded
        assert "server" not in deployment.resources
        assert HIDDEN not in str(plan)
        assert "correct-horse" not in str(plan)


def test_going_back_over_a_renewed_key_keeps_what_can_not_be_told_apart(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "correct-horse")
    monkeypatch.setenv("ORCHESTRA_KEY", "a key that is long enough")
    first = place.apply(Guarded())
    with place.deploy(Guarded(label="b")) as deployment:
        deployment.apply()
        deployment.rotate_key("another key, as long as that", renew=True)
        plan = deployment.rollback(to=first.serial)
        assert "user_data stays as it is now" in told(plan)["server"]
        deployment.apply(plan)
        server = deployment.resources["server"]
        assert server.inputs["labels"] == {"label": "a"}
        deployment.audit.verify()
    monkeypatch.setenv("ORCHESTRA_KEY", "another key, as long as that")
    assert place.is_as_declared(Guarded())


def test_the_content_of_a_blob_comes_back_only_if_the_stack_still_says_it(place: Place) -> None:
    class Files(oc.Stack):
        content: str = "one"

        def build(self) -> None:
            self.bucket = oc.Bucket()
            self.page = oc.Blob(bucket=self.bucket, key="page", content=self.content)

    first = place.apply(Files())
    place.apply(Files(content="two"))
    with place.deploy(Files(content="two")) as deployment:
        plan = deployment.rollback(to=first.serial)
        assert plan.is_empty
        assert told(plan) == {"page": "input content stays as it is now: of what it was, only a digest is kept"}
    with place.deploy(Files()) as deployment:
        plan = deployment.rollback(to=first.serial)
        assert told(plan) == {}
        assert not plan.is_empty
        deployment.apply(plan)
    assert place.is_as_declared(Files())


def test_what_is_still_used_by_something_that_can_not_be_put_back_stays(place: Place) -> None:
    class Files(oc.Stack):
        buckets: int = 1
        content: str = "one"

        def build(self) -> None:
            self.buckets_made = [oc.Bucket() for _ in range(self.buckets)]
            self.page = oc.Blob(bucket=self.buckets_made[-1], key="page", content=self.content)

    first = place.apply(Files())
    place.apply(Files(buckets=2, content="two"))
    with place.deploy(Files(buckets=2, content="two")) as deployment:
        plan = deployment.rollback(to=first.serial)
        found = told(plan)
        assert "can't be made again as it was" in found["page"]
        assert "still uses it" in found["buckets_made[1]"]
        deployment.apply(plan)
        assert place.cloud.inventory() == {"storage.Bucket": 2, "storage.Blob": 1}


# -- what may not or can't be gone back to


def test_what_is_protected_now_is_not_taken_away(place: Place) -> None:
    class Empty(oc.Stack):
        def build(self) -> None:
            pass

    first = place.apply(Empty())
    place.apply(Shop(lifecycle=oc.Lifecycle(protect=True)))
    with place.deploy(Shop()) as deployment, pytest.raises(oc.ProtectedError) as caught:
        deployment.rollback(to=first.serial)
    assert caught.value.address == "database"


@pytest.mark.parametrize("serial", [-1, 10_000])
def test_a_serial_that_never_was_is_refused(place: Place, serial: int) -> None:
    place.apply(Shop())
    with place.deploy(Shop()) as deployment, pytest.raises(oc.StateError, match=f"has no serial {serial}") as caught:
        deployment.rollback(to=serial)
    assert "history" in str(caught.value)


def test_a_kind_that_is_not_known_any_more_is_told(place: Place, tmp_path: Path) -> None:
    first = place.apply(Shop())
    with place.deploy(Shop()) as deployment:
        past = deployment.store.load_at(first.serial)
        record = past.records[next(iter(past.records))]
        odd = attrs.evolve(record, kind="odd.Thing")
        store: Any = deployment.store
        found = attrs.evolve(past, records={odd.address: odd})
        deployment._store = _Remembering(store, found)  # type: ignore[assignment]
        with pytest.raises(oc.PlanError, match=r"odd\.Thing, a kind that isn't known") as caught:
            deployment.rollback(to=first.serial)
    assert caught.value.address == record.address


class _Remembering:
    """A store that remembers something else."""

    def __init__(self, store: Any, past: Any) -> None:
        self._real = store
        self._past = past

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def load_at(self, serial: int) -> Any:
        return self._past


def test_a_saved_plan_goes_back_too_and_stales_as_any(place: Place, tmp_path: Path) -> None:
    first = place.apply(Shop())
    place.apply(Shop(web_servers=2))
    with place.deploy(Shop(web_servers=2)) as deployment:
        plan = deployment.rollback(to=first.serial)
        plan.save(tmp_path / "back.plan")
        loaded = oc.Plan.load(tmp_path / "back.plan")
        assert loaded == plan
        assert loaded.to_json()["rollback_to"] == first.serial
        deployment.apply(loaded)
        with pytest.raises(oc.StalePlanError):
            deployment.apply(loaded)
    assert place.is_as_declared(Shop())


def test_history_tells_where_to_go_back_to(place: Place) -> None:
    runs = [place.apply(Shop()), place.apply(Shop(web_servers=2))]
    with place.deploy(Shop(web_servers=2)) as deployment:
        assert [past.serial for past in deployment.history()] == [run.serial for run in runs]


# -- a run that fails is undone


def failing(place: Place, *faults: Fault) -> SimulatedCloud:
    """The same cloud, whose calls go wrong."""
    behaviour = oc.clouds.Behaviour(faults=Script(faults))
    return oc.clouds.simulated(place.folder / "cloud.db", clock=place.clock, behaviour=behaviour)


@pytest.fixture
def stored(tmp_path: Path, clock: VirtualClock) -> Iterator[Place]:
    made = oc.clouds.simulated(tmp_path / "cloud.db", clock=clock)
    yield Place(made, tmp_path, clock)
    made.close()


DENIED = Fault(Trouble.DENIED, action="create_node", nth=2, calls=None)


def test_a_first_apply_that_fails_leaves_nothing(stored: Place) -> None:
    bad = failing(stored, DENIED)
    with stored.deploy(Shop(web_servers=3), bad) as deployment, pytest.raises(oc.ApplyError) as caught:
        deployment.apply(on_failure="rollback")
    assert "rolled back to serial 0" in str(caught.value)
    assert [type(cause) for cause in caught.value.exceptions] == [oc.CredentialsError]
    assert stored.cloud.inventory() == {}
    with stored.deploy(Shop()) as deployment:
        assert deployment.resources == {}
        assert [past.run.purpose for past in deployment.history()] == ["apply", "rollback"]
        deployment.audit.verify()
    bad.close()


def test_a_change_that_fails_is_undone(stored: Place) -> None:
    stored.apply(Shop())
    before = {address: one.external_id for address, one in _resources(stored).items()}
    bad = failing(stored, Fault(Trouble.DENIED, action="create_node", calls=None))
    with stored.deploy(Shop(web_servers=3, motto="welcome"), bad) as deployment, pytest.raises(oc.ApplyError) as caught:
        deployment.apply(on_failure="rollback")
    assert "rolled back" in str(caught.value)
    bad.close()
    assert {address: one.external_id for address, one in _resources(stored).items()} == before
    assert stored.is_as_declared(Shop())


def test_what_was_replaced_and_is_still_there_is_put_back(stored: Place) -> None:
    """The new one was made, and deleting the old one failed: the old one, with all that is in it, is used again."""
    stored.apply(Shop())
    old = _resources(stored)["web[0]"].external_id
    bad = failing(stored, Fault(Trouble.DENIED, action="destroy_node"))
    with stored.deploy(Shop(motto="welcome"), bad) as deployment, pytest.raises(oc.ApplyError) as caught:
        deployment.apply(on_failure="rollback")
    assert "what took its place since is deleted" in str(caught.value)
    bad.close()
    assert _resources(stored)["web[0]"].external_id == old
    assert stored.is_as_declared(Shop())
    assert stored.cloud.inventory()["compute.Server"] == 2


def test_putting_back_is_shown_in_the_plan(stored: Place) -> None:
    first = stored.apply(Shop())
    bad = failing(stored, Fault(Trouble.DENIED, action="destroy_node"))
    with stored.deploy(Shop(motto="welcome"), bad) as deployment:
        with pytest.raises(oc.ApplyError):
            deployment.apply()
        plan = deployment.rollback(to=first.serial)
        changes = {(str(one.address), one.action, one.deposed) for one in plan.changes}
        assert ("web[0]", oc.Action.ADOPT, False) in changes
        assert ("web[0]", oc.Action.DELETE, True) in changes
        plan.save(stored.folder / "plan")
        deployment.apply(oc.Plan.load(stored.folder / "plan"))
    bad.close()
    assert stored.is_as_declared(Shop())


def test_what_would_have_to_be_replaced_again_is_not_put_back(stored: Place) -> None:
    class Disk(oc.Stack):
        size: int = 10

        def build(self) -> None:
            self.disk = oc.Volume(size_gib=self.size, zone="sim-1a")

    first = stored.apply(Disk())
    stored.apply(Disk(size=20))  # it grows in place, and does not shrink
    bad = failing(stored, Fault(Trouble.DENIED, action="destroy_volume", calls=None))
    with stored.deploy(Disk(size=20), bad) as deployment:
        with pytest.raises(oc.ApplyError):
            deployment.apply(deployment.rollback(to=first.serial))
        made = deployment.resources["disk"].external_id
    bad.close()
    with stored.deploy(Disk(size=20)) as deployment:
        plan = deployment.rollback(to=first.serial)
        assert [(one.action, one.deposed) for one in plan.changes] == [(oc.Action.DELETE, True)]
        deployment.apply(plan)
        assert deployment.resources["disk"].external_id == made
    assert stored.is_as_declared(Disk())
    assert stored.cloud.inventory() == {"compute.Volume": 1}


def test_a_rollback_that_fails_too_is_told_and_can_be_made_later(stored: Place) -> None:
    stored.apply(Shop())
    bad = failing(
        stored,
        Fault(Trouble.DENIED, action="create_node", nth=2, calls=None),
        Fault(Trouble.DENIED, action="destroy_node", calls=None),
    )
    more = Shop(web_servers=3)
    with stored.deploy(more, bad) as deployment:
        serial = deployment.store.load().serial
        with pytest.raises(oc.ApplyError) as caught:
            deployment.apply(on_failure="rollback")
        assert f"rolled back to serial {serial} in part: 1 of 1 steps of that failed" in str(caught.value)
        assert f"deployment.rollback(to={serial})" in str(caught.value)
        assert len(caught.value.exceptions) == 2
    bad.close()
    with stored.deploy(more) as deployment:
        deployment.apply(deployment.rollback(to=serial))
    assert stored.is_as_declared(Shop())


def test_a_cloud_that_is_out_keeps_from_going_back_and_hides_no_failure(stored: Place) -> None:
    with stored.deploy(Shop()) as deployment:
        plan = deployment.plan()
    out = [
        Fault(Trouble.UNAVAILABLE, action=action, calls=None)
        for action in ("create_node", "ex_list_networks", "ex_get_network")
    ]
    bad = failing(stored, *out)
    with stored.deploy(Shop(), bad) as deployment, pytest.raises(oc.ApplyError) as caught:
        deployment.apply(plan, on_failure="rollback")
    assert "it could not be rolled back to serial 0" in str(caught.value)
    assert "deployment.rollback(to=0)" in str(caught.value)
    assert {getattr(cause, "address", None) for cause in caught.value.exceptions} >= {"database", "network"}
    bad.close()
    with stored.deploy(Shop()) as deployment:
        deployment.apply(deployment.rollback(to=0))
    assert stored.cloud.inventory() == {}


def test_an_apply_that_is_well_is_not_undone(stored: Place) -> None:
    with stored.deploy(Shop()) as deployment:
        run = deployment.apply(on_failure="rollback")
    assert run.succeeded
    assert run.rollback is None


def _resources(place: Place) -> dict[str, Any]:
    with place.deploy(Shop()) as deployment:
        return dict(deployment.resources)


# -- whatever was deployed, and whatever is deployed instead


@st.composite
def lives(draw: st.DrawFn) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    before = draw(strategies.parts())
    return before, draw(strategies.changed(before) | strategies.parts())


@hypothesis.settings(
    max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(lives())
def test_any_change_is_undone_but_for_what_is_told(parts: tuple[Sequence[Part], Sequence[Part]]) -> None:
    before, after = (PartsStack(parts=tuple(one)) for one in parts)
    clock = VirtualClock()
    cloud = oc.clouds.simulated(":memory:", clock=clock)
    store = None

    def deploy(stack: oc.Stack) -> oc.Deployment:
        deployment = oc.Deployment(
            stack, name="shop", cloud=cloud, state="sqlite://:memory:", clock=clock, progress=False
        )
        if store is not None:
            deployment._store = store
        return deployment

    first = deploy(before)
    store = first.store
    serial = first.apply().serial
    second = deploy(after)
    try:
        second.apply()
        plan = second.rollback(to=serial)
        second.apply(plan)
    except oc.PlanError as error:  # refused while it is only a plan: this change takes two applies
        if "no order fits" not in error.message:
            raise
        return
    excused = {one.address for one in plan.findings if "digest" in one.message or "still uses" in one.message}
    left = deploy(before).plan()
    needs = {change.address: {*change.dependencies, *change.previous_dependencies} for change in left.changes}
    users = dependents(needs)
    assert needs.keys() <= closure(excused, lambda one: users.get(one, ())), f"{plan}\nleft:\n{left}"
    second.audit.verify()
    cloud.close()
