"""Distinctive secrets wherever one can stand: they reach the clouds and are to be read nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import attrs
import pytest
from planting import CORES, VALUES, Accounts, Planted, Watched, Witness, listening, traces
from virtual_clock import VirtualClock

import orchestra as oc
from tests.moto_server import MotoServer, moto_server
from tests.stores.conftest import postgres

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


@pytest.fixture(scope="module")
def aws_server() -> Iterator[MotoServer]:
    with moto_server() as running:
        yield running


@pytest.fixture(autouse=True)
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path.parent)
    Path("planted-file").write_text(VALUES["file"], encoding="utf-8")
    for name in ("environment", "record", "label", "input", "trigger"):
        monkeypatch.setenv(f"PLANTED_{name}", VALUES[name])


def aws_cloud(server: MotoServer) -> Any:
    server.reset()
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
        base = aws_cloud(request.getfixturevalue("aws_server"))
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
