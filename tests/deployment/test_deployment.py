"""What a user does with a deployment, on a cloud in a dict."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy

import orchestra as oc
from orchestra.contracts import Capabilities, Provider
from orchestra.state.journal import Holder, Operation, Phase, RunRecord
from orchestra.testing import VirtualClock


def test_a_saved_plan_applies_exactly_what_it_names(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deploy(Chain(), cloud, tmp_path).plan().save(tmp_path / "plan.json")
    plan = oc.Plan.load(tmp_path / "plan.json")
    assert stat.S_IMODE(os.stat(tmp_path / "plan.json").st_mode) == 0o600
    run = deploy(Chain(), cloud, tmp_path).apply(plan)
    assert run.succeeded
    assert len(cloud.things) == 5


def test_a_plan_is_refused_once_the_state_moved_on(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    plan = deployment.plan()
    deployment.apply()
    before = len(cloud.calls)
    with pytest.raises(oc.StalePlanError, match="serial 0"):
        deployment.apply(plan)
    assert len(cloud.calls) == before


def test_a_plan_of_another_deployment_is_refused(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    plan = deploy(Chain(), cloud, tmp_path).plan()
    other = oc.Deployment(Chain(), name="other", cloud=cloud, state=tmp_path / "state.db", progress=False)
    with pytest.raises(oc.StalePlanError, match="for the deployment 'test'"):
        other.apply(plan)
    assert cloud.things == {}


def test_a_plan_that_the_stack_no_longer_says_is_refused_before_any_call(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    plan = deploy(Chain(cidr="10.0.0.0/16"), cloud, tmp_path).plan()
    with pytest.raises(oc.StalePlanError) as caught:
        deploy(Chain(cidr="10.9.0.0/16"), cloud, tmp_path).apply(plan)
    assert caught.value.address == "network"
    with pytest.raises(oc.StalePlanError, match="no longer declares"):
        deploy(Chain(servers=1), cloud, tmp_path).apply(plan)
    assert cloud.things == {}
    assert deploy(Chain(), cloud, tmp_path).history() == ()


def test_a_run_whose_process_died_is_told_as_interrupted_by_the_next(tmp_path: Path) -> None:
    deployment = deploy(Chain(), MemoryCloud(), tmp_path)
    lease = deployment.store.acquire(Holder(user="a", host="b", process=1))
    deployment.store.start_run(lease, RunRecord(id="dead", purpose="apply", started=1.0, by="a@b"))
    deployment.store.release(lease)
    deployment.apply()
    assert [past.run.status.value for past in deployment.history()] == ["interrupted", "succeeded"]


def test_a_plan_edited_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    deploy(Chain(), MemoryCloud(), tmp_path).plan().save(path)
    path.write_text(path.read_text().replace("10.0.0.0/16", "10.6.0.0/16"))
    with pytest.raises(oc.PlanFileError, match="edited or damaged"):
        oc.Plan.load(path)


def test_a_held_lease_says_by_whom_and_since_when(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    plan = deployment.plan()
    holder = Holder(user="ada", host="elsewhere", process=42, purpose="apply")
    deploy(Chain(), cloud, tmp_path).store.acquire(holder)
    with pytest.raises(oc.LockedError) as caught:
        deployment.apply(plan)
    assert "ada@elsewhere" in caught.value.holder
    assert caught.value.since.startswith("20")
    assert cloud.things == {}
    assert cloud.operations("create") == []


def test_a_killed_run_is_settled_by_the_next_plan(tmp_path: Path) -> None:
    cloud = MemoryCloud()

    class KilledError(BaseException):
        """Stands for the end of the process: nothing after it runs."""

    first = deploy(Chain(servers=0, with_zone=False), cloud, tmp_path)
    snapshot = first.store.load()
    assert snapshot.pending == ()
    # what a process leaves behind that dies between the call and the write of its outcome
    lease = first.store.acquire(Holder(user="a", host="b", process=1))
    from_plan = first.plan().changes[0]
    intent = _intent(from_plan, "f" * 32)
    first.store.begin(lease, [intent])
    first.store.release(lease)
    provider = cloud.provider("network.Network")
    from orchestra.contracts import Inputs, Ownership

    provider.create(
        Inputs({"cidr": "10.0.0.0/16", "internet": True, "labels": {}}), Ownership("test", "network", "f" * 32)
    )
    again = deploy(Chain(servers=0, with_zone=False), cloud, tmp_path)
    plan = again.plan()
    assert [(change.address, change.action) for change in plan.changes] == [
        ("network", oc.Action.READ),
        ("subnet", oc.Action.CREATE),
    ]
    again.apply(plan)
    assert again.plan().changes == ()
    assert len(cloud.things) == 2
    assert [past.run.purpose for past in again.history()] == ["recover", "apply"]


def _intent(change: oc.Change, token: str):  # type: ignore[no-untyped-def]
    from orchestra.state.journal import Intent

    return Intent(
        run="dead",
        address=change.address,
        operation=Operation.CREATE,
        kind=change.kind,
        cloud=change.cloud,
        token=token,
        at=0.0,
        inputs=change.after,
    )


def test_a_call_that_never_happened_is_made_again(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    lease = deployment.store.acquire(Holder(user="a", host="b", process=1))
    deployment.store.begin(lease, [_intent(deployment.plan().changes[0], "e" * 32)])
    deployment.store.release(lease)
    (settlement,) = deployment.recover()
    assert settlement.external_id == ""
    deployment.apply()
    assert len(cloud.things) == 5
    assert deployment.recover() == ()


def test_adopting_takes_over_what_exists_and_changes_nothing(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    other = oc.Deployment(Chain(), name="other", cloud=cloud, state=tmp_path / "other.db", progress=False)
    other.apply()
    network = cloud.at("network").external_id
    deployment = deploy(Chain(), cloud, tmp_path)
    cloud.calls.clear()
    record = deployment.adopt("network", network)
    assert record.external_id == network
    assert cloud.operations() == []
    assert "network" not in {change.address for change in deployment.plan().changes}
    with pytest.raises(oc.PlanError, match="recorded already"):
        deployment.adopt("network", network)
    with pytest.raises(oc.NotFoundError, match=r"has no network\.Subnet 'nothing'"):
        deployment.adopt("subnet", "nothing")
    with pytest.raises(oc.PlanError):
        deployment.adopt("nowhere", network)


def test_drift_is_told_and_put_right(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    deployment.apply()
    assert deployment.drift().is_empty
    cloud.at("web[0]").inputs["labels"] = {"env": "hacked"}
    del cloud.things[cloud.at("web[1]").external_id]
    drift = deployment.drift()
    assert {change.address: change.action for change in drift.changes} == {
        "web[0]": oc.Action.READ,
        "web[1]": oc.Action.FORGET,
    }
    assert 'labels.env = "test" -> "hacked"' in str(drift)
    plan = deployment.plan()
    assert {change.address: (change.action, change.reason) for change in plan.changes} == {
        "web[0]": (oc.Action.UPDATE, oc.Reason.DRIFTED),
        "web[1]": (oc.Action.CREATE, oc.Reason.GONE),
    }
    deployment.apply(plan)
    assert cloud.at("web[0]").inputs["labels"] == {"env": "test"}
    assert deployment.drift().is_empty


def test_drift_can_be_taken_over_into_the_state(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    deployment.apply()
    cloud.at("web[0]").inputs["labels"] = {"env": "other"}
    deployment.apply(deployment.drift())
    assert deployment.drift().is_empty
    assert cloud.at("web[0]").inputs["labels"] == {"env": "other"}
    (change,) = deployment.plan().changes
    assert (change.action, change.reason) == (oc.Action.UPDATE, oc.Reason.CHANGED)


def test_unread_is_never_taken_for_gone(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    deployment.apply()

    def unreachable(operation: str, kind: str, what: str) -> None:
        if operation == "observe" and kind == "compute.Server":
            raise oc.TransientError("a page failed")

    cloud.before = unreachable
    with pytest.raises(oc.TransientError, match="a page failed"):
        deployment.plan()
    assert deployment.plan(refresh=False).is_empty


def test_wrong_credentials_are_told_before_anything_is_read(tmp_path: Path) -> None:
    cloud = MemoryCloud()

    def refuse(operation: str, kind: str, what: str) -> None:
        if operation == "verify":
            raise oc.CredentialsError("the key is not known", remedy="check it")

    cloud.before = refuse
    with pytest.raises(oc.CredentialsError):
        deploy(Chain(), cloud, tmp_path).plan()
    assert [operation for operation, _, _ in cloud.calls] == ["verify"]


class WithoutDns(MemoryCloud):
    def provider(self, kind: str) -> Provider:
        return None if kind.startswith("dns.") else super().provider(kind)  # type: ignore[return-value]


def test_a_kind_that_the_cloud_cannot_do_is_told_at_plan_time_with_who_can(tmp_path: Path) -> None:
    cloud, other = WithoutDns(), MemoryCloud("names")
    with pytest.raises(oc.UnsupportedError) as caught:
        deploy(Chain(), cloud, tmp_path).plan()
    assert caught.value.address == "zone"
    assert "; clouds made by oc.clouds.aws, " in caught.value.message
    assert "oc.clouds.simulated" in caught.value.message
    with pytest.raises(oc.UnsupportedError, match="names can"):
        deploy(Chain(), cloud, tmp_path, clouds=[other]).plan()
    assert cloud.operations() == []


class WithoutPublicSubnets(MemoryCloud):
    def provider(self, kind: str) -> Provider:
        found = super().provider(kind)
        if kind == "network.Subnet":
            found.capabilities = Capabilities(unsupported={"public": "addresses are private here"})  # type: ignore[attr-defined]
        return found


def test_an_input_that_the_cloud_cannot_do_is_told_with_who_can(tmp_path: Path) -> None:
    class Public(oc.Stack):
        public: bool = True

        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24", public=self.public)

    cloud = WithoutPublicSubnets()
    with pytest.raises(oc.UnsupportedError, match="with public: addresses are private here; ") as caught:
        deploy(Public(), cloud, tmp_path).plan()
    assert caught.value.address == "subnet"
    assert "oc.clouds.simulated" in caught.value.message
    assert caught.value.remedy == "take public out, or give the resource a cloud that can (cloud=…)"
    assert cloud.operations() == []
    assert deploy(Public(public=False), cloud, tmp_path).plan().counts == {oc.Action.CREATE: 2}


def test_a_cloud_is_put_together_per_service(tmp_path: Path) -> None:
    servers, names = WithoutDns("servers"), MemoryCloud("names")
    deployment = deploy(Chain(), oc.Cloud(compute=servers, dns=names), tmp_path)
    deployment.apply()
    assert {thing.owner.address for thing in names.things.values()} == {"zone"}
    assert len(servers.things) == 4
    assert deployment.plan().is_empty


def test_a_resource_can_name_another_cloud(tmp_path: Path) -> None:
    here, there = MemoryCloud("here"), MemoryCloud("there")

    class Split(oc.Stack):
        zone_cloud: object = None

        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.zone = oc.Zone(domain="shop.example", cloud=there)

    deployment = deploy(Split(), here, tmp_path)
    deployment.apply()
    assert [thing.kind for thing in there.things.values()] == ["dns.Zone"]

    class Smaller(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")

    with pytest.raises(oc.OrchestraError, match="doesn't know"):
        deploy(Smaller(), here, tmp_path).plan()
    known = deploy(Smaller(), here, tmp_path, clouds=[there])
    known.apply()
    assert there.things == {}


def test_two_clouds_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(oc.PlanError, match="two different clouds"):
        deploy(Chain(), MemoryCloud("same"), tmp_path, clouds=[MemoryCloud("same")]).plan()


def test_a_moved_resource_keeps_what_it_is(tmp_path: Path) -> None:
    class Before(oc.Stack):
        def build(self) -> None:
            self.net = oc.Network(cidr="10.0.0.0/16")

    class After(oc.Stack):
        def build(self) -> None:
            self.networks = [oc.Network(cidr="10.0.0.0/16", lifecycle=oc.Lifecycle(moved_from=["net"]))]

    cloud = MemoryCloud()
    deploy(Before(), cloud, tmp_path).apply()
    moved = deploy(After(), cloud, tmp_path)
    (change,) = moved.plan().changes
    assert (change.action, change.moved_from) == (oc.Action.MOVE, "net")
    moved.apply()
    assert set(moved.resources) == {"networks[0]"}
    assert cloud.operations("create", "delete") == [("create", "net")]
    assert moved.plan().changes == ()


def test_retained_resources_are_forgotten_and_left_in_the_cloud(tmp_path: Path) -> None:
    class Kept(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16", lifecycle=oc.Lifecycle(retain=True))
            self.zone = oc.Zone(domain="shop.example")

    cloud = MemoryCloud()
    deployment = deploy(Kept(), cloud, tmp_path)
    deployment.apply()
    deployment.destroy()
    assert [thing.kind for thing in cloud.things.values()] == ["network.Network"]
    assert deployment.resources == {}


def test_protected_resources_refuse_the_plan(tmp_path: Path) -> None:
    class Guarded(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16", lifecycle=oc.Lifecycle(protect=True))

    deployment = deploy(Guarded(), MemoryCloud(), tmp_path)
    deployment.apply()
    with pytest.raises(oc.ProtectedError) as caught:
        deployment.destroy()
    assert caught.value.address == "network"


def test_targets_bring_what_they_need_and_destroying_one_takes_its_users(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    plan = deployment.plan(target="web[0]")
    assert {change.address for change in plan.changes} == {"network", "subnet", "web[0]"}
    assert "Partial" in str(plan)
    deployment.apply(plan)
    deployment.apply()
    assert {change.address for change in deployment.plan(destroy=True, target="subnet").changes} == {
        "subnet",
        "web[0]",
        "web[1]",
    }
    with pytest.raises(oc.PlanError, match="did you mean"):
        deployment.plan(target="subnets")


def test_secrets_reach_the_cloud_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2-and-more")

    class Hidden(oc.Stack):
        def build(self) -> None:
            password = oc.Secret.env("DATABASE_PASSWORD")
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            self.server = oc.Server(
                image="i", size="s", subnet=self.subnet, user_data=f"PASSWORD={password} ID={self.subnet.id}"
            )
            self.told = oc.Output(f"{password}!")

    cloud, seen = MemoryCloud(), []
    stack = Hidden()
    deployment = deploy(stack, cloud, tmp_path, listeners=[seen.append])
    plan = deployment.plan()
    run = deployment.apply(plan)
    assert cloud.at("server").inputs["user_data"] == f"PASSWORD=hunter2-and-more ID={cloud.at('subnet').external_id}"
    assert deployment.value(stack.told) == "hunter2-and-more!"
    shown = [str(plan), json.dumps(plan.to_json()), repr(run), str(run.outputs), str(seen), repr(deployment.resources)]
    assert not [text for text in shown if "hunter2" in text]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hunter2" not in stored
    assert deployment.plan().is_empty
    monkeypatch.setenv("DATABASE_PASSWORD", "another")
    (change,) = deployment.plan().changes
    assert change.action is oc.Action.REPLACE
    assert "(secret) -> (secret)" in str(deployment.plan())


def test_a_missing_secret_names_the_address_and_the_variable(tmp_path: Path) -> None:
    class Hidden(oc.Stack):
        def build(self) -> None:
            self.bucket = oc.Bucket()
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=oc.Secret.env("NOT_THERE"))

    with pytest.raises(oc.DefinitionError) as caught:
        deploy(Hidden(), MemoryCloud(), tmp_path).plan()
    assert caught.value.address == "blob"
    assert "NOT_THERE" in str(caught.value)


def test_generated_secrets_stay_the_same_under_one_key(tmp_path: Path) -> None:
    class Hidden(oc.Stack):
        version: int = 1

        def build(self) -> None:
            self.bucket = oc.Bucket()
            secret = oc.Secret.generate("admin", length=20, version=self.version)
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=secret)

    cloud = MemoryCloud()
    deploy(Hidden(), cloud, tmp_path, key="a key of the tests").apply()
    first = cloud.at("blob").inputs["content"]
    assert isinstance(first, str)
    assert len(first) == 20
    assert deploy(Hidden(), cloud, tmp_path, key=lambda: "a key of the tests").plan().is_empty
    deploy(Hidden(version=2), cloud, tmp_path, key="a key of the tests").apply()
    assert cloud.at("blob").inputs["content"] != first
    with pytest.raises(oc.DefinitionError, match="ORCHESTRA_KEY"):
        deploy(Hidden(), cloud, tmp_path).plan()


class Account(oc.Resource, kind="access.Account"):
    """A kind with a secret output."""

    login: str

    password = oc.output_field(str, secret=True)


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> MemoryCloud:
    import memory_cloud

    monkeypatch.setitem(memory_cloud.OUTPUTS, "access.Account", ("password",))
    return MemoryCloud()


def test_secret_outputs_are_kept_encrypted_and_reach_who_uses_them(tmp_path: Path, accounts: MemoryCloud) -> None:
    class WithAccount(oc.Stack):
        def build(self) -> None:
            self.account = Account(login="ada")
            self.bucket = oc.Bucket()
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=f"pw={self.account.password}")

    with pytest.raises(oc.PlanError, match="ORCHESTRA_KEY"):
        deploy(WithAccount(), accounts, tmp_path).plan()
    stack = WithAccount()
    deployment = deploy(stack, accounts, tmp_path, key="a key of the tests")
    deployment.apply()
    secret = f"{accounts.at('account').external_id}.password"
    assert accounts.at("blob").inputs["content"] == f"pw={secret}"
    assert deployment.value(stack.account.password) == secret
    assert secret.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert deployment.plan().is_empty


def test_values_are_told_once_known(tmp_path: Path) -> None:
    stack = Chain()
    deployment = deploy(stack, MemoryCloud(), tmp_path, width=1)
    with pytest.raises(oc.PlanError, match="apply first"):
        deployment.value(stack.network_id)
    run = deployment.apply()
    assert deployment.value(stack.network_id) == "network-1"
    assert deployment.value(stack.web[0].id.map(len)) == len("server-4")
    assert run.outputs == {"network_id": "network-1"}
    assert run.serial == deployment.store.load().serial


def test_history_tells_every_run_with_its_journal(tmp_path: Path) -> None:
    deployment = deploy(Chain(servers=0), MemoryCloud(), tmp_path, clock=VirtualClock())
    deployment.apply()
    deployment.destroy()
    history = deployment.history()
    assert [(past.run.purpose, past.run.status.value) for past in history] == [
        ("apply", "succeeded"),
        ("destroy", "succeeded"),
    ]
    assert history[0].run.counts == {"create": 3}
    done = [entry.address for entry in history[0].entries if entry.phase is Phase.DONE]
    assert sorted(done) == ["network", "subnet", "zone"]
    assert history[0].run.by.startswith(f"{history[0].run.by.partition('@')[0]}@")


def test_an_empty_apply_makes_no_call_that_changes(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    deployment.apply()
    count = len(cloud.operations())
    assert deployment.apply().steps == ()
    assert len(cloud.operations()) == count


@pytest.mark.parametrize("name", ["", "a b", "x" * 64, "ünïcode!"])
def test_names_that_can_not_be_tags_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(oc.DefinitionError):
        oc.Deployment(Chain(), name=name, cloud=MemoryCloud(), state=tmp_path / "s.db")


def test_a_graph_is_told(tmp_path: Path) -> None:
    graph = deploy(Chain(servers=1), MemoryCloud(), tmp_path).graph()
    assert graph["web[0]"] == ("subnet",)
    assert graph["zone"] == ()
