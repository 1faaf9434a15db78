"""Distinctive secrets wherever one can stand: they reach the clouds and are to be read nowhere else."""

from __future__ import annotations

import base64
import functools
import html
import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import attrs
import pytest
from planting import CORES, VALUES, Accounts, Planted, Watched, Witness, listening, traces

import orchestra as oc
from orchestra.contracts import Inputs, Observation
from orchestra.model.values import Revealed
from orchestra.testing import VirtualClock
from tests.moto_server import MotoServer
from tests.stores.conftest import postgres
from tests.stores.server import PostgresServer

pytestmark = pytest.mark.timeout(120)

__all__ = ["postgres"]


@attrs.frozen(kw_only=True)
class Ground:
    """A cloud with a deployment of `Planted` on it."""

    cloud: Watched
    accounts: Accounts
    folder: Path
    witness: Witness
    clock: VirtualClock = attrs.field(factory=VirtualClock)

    def deployment(self, *, state: Any = None, key: Any = VALUES["key"], **parameters: Any) -> oc.Deployment:
        return oc.Deployment(
            Planted(**parameters),
            name="planted",
            cloud=self.cloud,
            state=self.folder / "state.db" if state is None else state,
            key=key,
            listeners=[self.witness.events.append],
            clock=self.clock,
        )

    def said(self, capture: pytest.CaptureFixture[str]) -> None:
        """Take in what was shown as progress."""
        shown = capture.readouterr()
        self.witness.note("progress", shown.out + shown.err)

    def assert_silent(self) -> None:
        self.witness.folder(self.folder, but="cloud.db")
        assert self.witness.found == {}


@pytest.fixture(autouse=True)
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path.parent)
    Path("planted-file").write_text(VALUES["file"], encoding="utf-8")
    for name in ("environment", "record", "label", "input", "trigger"):
        monkeypatch.setenv(f"PLANTED_{name}", VALUES[name])


def aws_cloud(server: MotoServer) -> Any:
    server.accept({server.access_key: VALUES["cloud secret"]})
    return oc.clouds.aws(
        region="eu-west-1",
        endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=VALUES["cloud secret"],
        session_token=CORES["session token"],
        consistency_seconds=0,
    )


@pytest.fixture(params=["simulated", "aws"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    accounts, clock = Accounts(), VirtualClock()
    if request.param == "aws":
        base = aws_cloud(request.getfixturevalue("aws"))
    else:
        base = oc.clouds.simulated(tmp_path / "cloud.db", clock=clock)
    cloud = Watched(oc.Cloud(base=base, providers=[accounts], name="planted"))
    witness = Witness()
    with listening(witness):
        yield Ground(cloud=cloud, accounts=accounts, folder=tmp_path, witness=witness, clock=clock)
    if request.param == "simulated":
        base.close()


def test_the_search_finds_a_secret_however_it_is_written() -> None:
    for name, value in VALUES.items():
        for text in (
            value,
            f"https://host/?a={quote(value)}&b=1",
            json.dumps({"it": json.dumps(value)}),
            escape(value),
            base64.b64encode(f"longer {value} text".encode()).decode(),
            quote_plus(base64.b64encode(value.encode())),
            value.encode().hex(),
            CORES[name][:12],
        ):
            assert traces(f"said: {text}.".encode()) == [name]
    assert traces(b"nothing " * 100) == []


def test_a_deployments_life_tells_no_secret(
    ground: Ground, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    witness = ground.witness
    with ground.deployment() as deployment:
        plan = deployment.plan()
        witness.see("plan", plan)
        plan.save(ground.folder / "plan.json")
        run = deployment.apply(plan)
        witness.see("run", run)
        witness.deployment(deployment)
        again = deployment.plan()
        assert again.is_empty, str(again)
        assert deployment.value(deployment.stack.told).startswith(VALUES["environment"])
        assert deployment.value(deployment.stack.computed) == len(VALUES["output"])
        witness.contents.append(deployment.value(deployment.stack.generated))
        # what is kept outside the database while it is open: the write-ahead log
        witness.folder(ground.folder, but="cloud.db")
    for name in ("environment", "record", "label", "input", "trigger"):
        monkeypatch.setenv(f"PLANTED_{name}", VALUES[name] + "2")
    with ground.deployment(round=2) as deployment:
        plan = deployment.plan()
        assert {action.value for action in plan.counts} >= {"update", "replace"}
        witness.see("changed plan", plan)
        witness.see("second run", deployment.apply(plan))
        assert deployment.plan().is_empty
    with ground.deployment(round=2, with_server=False) as deployment:
        witness.see("deletion", deployment.plan())
        deployment.destroy()
        witness.deployment(deployment)
    ground.said(capsys)
    ground.assert_silent()


def test_the_secrets_reach_the_cloud(simulated_ground: Ground) -> None:
    with simulated_ground.deployment() as deployment:
        deployment.apply()
        generated = deployment.value(deployment.stack.generated)
    there = b"".join(path.read_bytes() for path in simulated_ground.folder.glob("cloud.db*"))
    assert {"environment", "file", "label", "output", "record"} <= set(traces(there))
    assert generated.encode() in there


class DriverError(Exception):
    """What a driver raises: the cloud's answer quotes the request."""


class StubbornError(Exception):
    """Says more than can be taken out of it."""

    def __init__(self, said: str) -> None:
        super().__init__("nothing")
        self._said = [said]

    def __str__(self) -> str:
        return self._said[0]

    __repr__ = __str__


WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "inside a longer text": lambda secret: f"before{secret}after",
    "in a URL": lambda secret: f"https://host/path/{quote(secret, safe='')}?a={quote_plus(secret)}&b={quote(secret)}",
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of a longer text": lambda secret: " ".join(
        base64.b64encode(f"{'x' * count}{secret}yz".encode()).decode() for count in range(1, 4)
    ),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(f"user:{secret}".encode()).decode(),
    "base64 in a form": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "JSON": lambda secret: json.dumps({"request": secret}),
    "JSON in JSON": lambda secret: json.dumps({"request": json.dumps({"it": secret})}),
    "JSON as it is": lambda secret: json.dumps(secret, ensure_ascii=False),
    "XML": lambda secret: f"<Message>{escape(secret)}</Message>",
    "XML of JSON": lambda secret: escape(json.dumps(secret), {'"': "&quot;"}),
    "HTML": html.escape,
    "Python": repr,
    "cut short": lambda secret: secret[: len(secret) * 2 // 3],
    "hexadecimal": lambda secret: secret.encode().hex(),
}


SENT = ("environment", "file", "label", "record", "input", "trigger")


def quoting(write: Callable[[str], str], names: Sequence[str] = (*SENT, "output"), stubborn: bool = False) -> Exception:
    """An error that quotes every secret that a cloud can know of: in message, cause, notes and attributes."""
    said = " ".join(write(VALUES[name]) for name in names)
    error = oc.InvalidRequestError(f"400 Bad Request: {said}", code="Invalid", remedy=f"don't send {said}")
    error.__cause__ = StubbornError(said) if stubborn else DriverError(f"the request was {said}", 400, {"body": said})
    error.__cause__.__context__ = KeyError(said)
    error.__notes__ = [f"note: {said}"]
    error.body = said  # type: ignore[attr-defined]
    return error


@pytest.fixture
def simulated_ground(tmp_path: Path) -> Iterator[Ground]:
    accounts, clock = Accounts(), VirtualClock()
    base = oc.clouds.simulated(tmp_path / "cloud.db", clock=clock)
    cloud = Watched(oc.Cloud(base=base, providers=[accounts], name="planted"))
    witness = Witness()
    with listening(witness):
        yield Ground(cloud=cloud, accounts=accounts, folder=tmp_path, witness=witness, clock=clock)
    base.close()


@pytest.mark.parametrize("write", list(WRITTEN.values()), ids=list(WRITTEN))
def test_a_cloud_that_quotes_secrets_in_its_refusal_is_told_without(
    simulated_ground: Ground, write: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    ground, witness = simulated_ground, simulated_ground.witness

    def refuse(operation: str, kind: str) -> None:
        if operation == "create" and kind in ("compute.Server", "dns.Record"):
            raise quoting(write)

    ground.cloud.before = refuse
    with ground.deployment() as deployment:
        with pytest.raises(oc.ApplyError) as caught:
            deployment.apply()
        witness.fail("refusal", caught.value)
        assert "400 Bad Request" in str(caught.value)
        witness.deployment(deployment)
    ground.said(capsys)
    ground.assert_silent()


@pytest.mark.parametrize("operation", ["verify", "choose", "create", "observe", "update", "delete", "find", "list"])
@pytest.mark.parametrize("kind", ["quoting", "stubborn foreign"])
def test_whatever_call_fails_no_secret_is_told(
    simulated_ground: Ground,
    operation: str,
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ground, witness = simulated_ground, simulated_ground.witness
    fails = False
    names = [*SENT, "output"]

    def refuse(called: str, _: str) -> None:
        if called == operation and fails:
            error = quoting(str, names, stubborn="stubborn" in kind)
            raise error if "foreign" not in kind else error.__cause__ or error

    ground.cloud.before = refuse
    with ground.deployment() as deployment:
        deployment.apply()
    fails = True
    with ground.deployment(round=2) as deployment:
        renew = functools.partial(deployment.plan, replace=["server", "record"])
        acts = (deployment.plan, deployment.drift, lambda: deployment.apply(renew()), deployment.destroy)
        for number, act in enumerate(acts):
            try:
                act()
            except Exception as error:
                witness.fail(f"failure {number}", error)
        witness.deployment(deployment)
    names.remove("output")  # of which a new state doesn't know
    with ground.deployment(state=ground.folder / "other.db") as deployment:
        for number, act in enumerate(
            (deployment.rebuild, deployment.apply, lambda: deployment.adopt("bucket", "no-such-bucket"))
        ):
            try:
                act()
            except Exception as error:
                witness.fail(f"failure from nothing {number}", error)
        witness.deployment(deployment)
    ground.said(capsys)
    ground.assert_silent()


class Crash(BaseException):
    """The process dies."""


def test_a_crash_a_recovery_and_a_rebuilt_state_tell_no_secret(
    ground: Ground, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = ground.witness

    def die(operation: str, kind: str) -> None:
        if operation == "create" and kind in ("compute.Server", "storage.Blob", "access.Account"):
            raise Crash(f"while sending {VALUES['environment']}") from None

    with ground.deployment() as deployment:
        ground.cloud.after = die
        with pytest.raises(Crash) as caught:
            deployment.apply()
        witness.fail("crash", caught.value)
        ground.cloud.after = lambda operation, kind: None
        witness.see("settlements", deployment.recover())
        witness.see("plan after recovery", deployment.plan())
        deployment.apply()
        witness.deployment(deployment)
    # the state is lost; of the server nothing is declared any more
    with ground.deployment(state=ground.folder / "anew.db", with_server=False) as deployment:
        witness.see("rebuilt", deployment.rebuild())
        plan = deployment.plan()
        witness.see("plan after rebuilding", plan)
        assert plan.counts.get(oc.Action.DELETE) == 1
        witness.deployment(deployment)
    # the network is taken over into a third state, from where it is
    with ground.deployment(state=ground.folder / "third.db") as deployment:
        network = next(one for one in deployment.graph() if one == "network")
        with ground.deployment() as first:
            external_id = first.resources[network].external_id
        witness.see("adopted", deployment.adopt(network, external_id))
        witness.see("plan after adoption", deployment.plan(target=[network]))
        witness.deployment(deployment)
    ground.said(capsys)
    ground.assert_silent()


def test_drift_in_what_is_secret_is_told_without_it(simulated_ground: Ground) -> None:
    ground, witness = simulated_ground, simulated_ground.witness

    def other(told: Observation) -> Observation:
        labels = {key: f"{value} {VALUES['label']}" for key, value in dict(told.inputs.get("labels") or {}).items()}
        outputs = {key: VALUES["output"] + "2" if key == "password" else value for key, value in told.outputs.items()}
        return attrs.evolve(told, inputs={**told.inputs, **({"labels": labels} if labels else {})}, outputs=outputs)

    with ground.deployment() as deployment:
        deployment.apply()
        ground.cloud.told = other
        witness.see("drift", deployment.drift())
        witness.see("plan", deployment.plan())
        witness.see("refreshed", deployment.apply(deployment.plan(refresh_only=True)))
        witness.deployment(deployment)
    ground.assert_silent()


class Once(oc.Stack):
    """A password that stood in the code, before it came from the environment."""

    password: str = ""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", labels={"password": self.password, "name": "n"})


class Since(oc.Stack):
    def build(self) -> None:
        self.network = oc.Network(
            cidr="10.0.0.0/16", labels={"password": f"{oc.Secret.env('PLANTED_label')}", "name": "n"}
        )


def test_what_becomes_a_secret_is_no_longer_shown_as_it_was(simulated_ground: Ground) -> None:
    ground, witness = simulated_ground, simulated_ground.witness
    first = {"name": "planted", "cloud": ground.cloud, "state": ground.folder / "state.db", "progress": False}
    with oc.Deployment(Once(password=VALUES["label"]), **first) as deployment:
        deployment.apply()
    with oc.Deployment(Since(), **first) as deployment:
        plan = deployment.plan()
        assert "labels.password = (secret) -> (secret)" in str(plan)
        witness.see("plan", plan)
        witness.see("run", deployment.apply(plan))
        assert deployment.plan().is_empty
        witness.see("records", deployment.resources)
    assert witness.found == {}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda secret: {"bucket": oc.Bucket(name=f"{secret}")}, "name"),
        (
            lambda secret: {
                "bucket": (bucket := oc.Bucket()),
                "it": oc.Blob(bucket=bucket, key=f"{secret}", content="x"),
            },
            "key",
        ),
        (lambda secret: {"zone": oc.Zone(domain=f"{secret}.example")}, "domain"),
        (lambda secret: {"pair": oc.KeyPair(public_key="ssh-ed25519 AAAA", name=f"{secret}")}, "name"),
    ],
    ids=["bucket", "blob", "zone", "key pair"],
)
def test_what_the_cloud_makes_its_ids_of_can_not_be_secret(simulated_ground: Ground, make: Any, name: str) -> None:
    class Named(oc.Stack):
        def build(self) -> None:
            for attribute, resource in make(oc.Secret.env("PLANTED_label")).items():
                setattr(self, attribute, resource)

    deployment = oc.Deployment(Named(), name="planted", cloud=simulated_ground.cloud, state=":memory:")
    with deployment, pytest.raises(oc.DefinitionError, match=f"input {name} can't be secret"):
        deployment.plan()


def test_aws_that_quotes_a_request_is_told_without_its_secrets(
    aws: MotoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    witness, accounts = Witness(), Accounts()
    cloud = Watched(oc.Cloud(base=aws_cloud(aws), providers=[accounts], name="planted"))
    ground = Ground(cloud=cloud, accounts=accounts, folder=tmp_path, witness=witness)
    names = ("environment", "output", "cloud secret")
    said = " ".join([*(escape(VALUES[name]) for name in names), CORES["session token"]])
    error = f"<Error><Code>InvalidParameterValue</Code><Message>no: {said}</Message></Error>"
    answer = {"mode": "answer", "status": 400, "count": 99}
    aws.fault(action="RunInstances", body=f"<Response><Errors>{error}</Errors></Response>", **answer)
    aws.fault(method="PUT", path="blob-", body=error, **answer)
    with listening(witness), ground.deployment() as deployment:
        with pytest.raises(oc.ApplyError) as caught:
            deployment.apply()
        assert "InvalidParameterValue" in str(caught.value)
        witness.fail("refusal", caught.value)
        witness.deployment(deployment)
        aws.reset()  # forgets the key pair too
        with pytest.raises(oc.CredentialsError) as refused:
            deployment.plan()
        witness.fail("credentials", refused.value)
    ground.said(capsys)
    ground.assert_silent()


def test_postgresql_holds_no_secret(
    simulated_ground: Ground, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ground, witness = simulated_ground, simulated_ground.witness
    url = postgres.new_url()
    with ground.deployment(state=url) as deployment:
        witness.see("run", deployment.apply())
        witness.deployment(deployment)
        with postgres.connected(url) as connection:
            role = "CREATE ROLE planted LOGIN SUPERUSER PASSWORD '{}'"
            connection.execute(role.format(VALUES["database"].replace("'", "''")).encode())
        own = url.replace(
            url[len("postgresql://") : url.index("@127")], f"planted:{quote(VALUES['database'], safe='')}"
        )
    with ground.deployment(state=own) as deployment:
        assert deployment.plan().is_empty
        witness.deployment(deployment)
        deployment.destroy()
    witness.note("dump", postgres.dump())
    for wrong in (own.replace("127.0.0.1:", "127.0.0.1:1"), own.replace("planted:", "planted:x"), own + "&nonsense=1"):
        with ground.deployment(state=wrong) as deployment:
            with pytest.raises(oc.StateError) as caught:
                deployment.plan()
            witness.fail("a wrong URL", caught.value)
            witness.see("a wrong URL: deployment", deployment)
    ground.said(capsys)
    ground.assert_silent()


def test_what_keeps_secrets_shows_nothing_of_them() -> None:
    witness = Witness()
    for thing in (Revealed(VALUES["environment"]), Inputs({"a": Revealed(VALUES["environment"])})):
        witness.note("printed", f"{thing} {thing!r} {[thing]}")
        with pytest.raises(TypeError, match="can't be pickled"):
            pickle.dumps(thing)
    for secret in (oc.Secret.env("A"), oc.Secret.file("b"), oc.Secret.generate("c")):
        witness.see("secret", secret)
    assert witness.found == {}
