"""Key pairs on Compute Engine: entries of the project's metadata, which many write at once and nobody undoes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import GceCloud
from orchestra.contracts import Inputs, Observation, Ownership, fresh_token
from orchestra.errors import ConflictError, InvalidRequestError, NotFoundError, QuotaError, TransientError
from tests.clouds.families.gce import PROJECT, Gce
from tests.clouds.families.gce_scenery import connect, machine, provider, subnet
from tests.clouds.families.imitation import Request, Trouble, recorded

KIND = "compute.KeyPair"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP admin@example"
SET = f"/compute/v1/projects/{PROJECT}/setCommonInstanceMetadata"
OTHERS = {one["key"]: one["value"] for one in recorded("gce", "project")["commonInstanceMetadata"]["items"]}


@pytest.fixture
def server() -> Iterator[Gce]:
    server = Gce()
    with server.running():
        yield server


@pytest.fixture
def cloud(server: Gce) -> GceCloud:
    return connect(server)


def owner_of(address: str) -> Ownership:
    return Ownership("prod", address, fresh_token(address))


def add(cloud: GceCloud, address: str = "key", key: str = KEY, name: str | None = None) -> Observation:
    return provider(cloud, KIND).create(Inputs({"public_key": key, "name": name}), owner_of(address))


def entries(server: Gce) -> dict[str, str]:
    return {one["key"]: one["value"] for one in server.metadata["items"]}


def write(server: Gce, key: str, value: str | None) -> None:
    """What somebody else writes: None takes an entry away."""
    kept = [one for one in server.metadata["items"] if one["key"] != key]
    server.metadata["items"] = [*kept, {"key": key, "value": value}] if value is not None else kept
    server.metadata["fingerprint"] = f"others-{server.number()}"


def test_a_key_is_one_entry_more_in_what_was_read(cloud: GceCloud, server: Gce) -> None:
    before = dict(server.metadata)
    made = add(cloud)
    token = fresh_token("key")
    name = f"prod-key-{token[:10]}"
    assert made.external_id == f"commonInstanceMetadata/orchestra-key-{name}"
    assert made.outputs == {"fingerprint": "SHA256:YnMkcFvFxEEFKcknnBP9Leh9ybuMrE2QJtISabKv1Hk"}
    (request,) = server.sent("POST", SET)
    value = {
        "public_key": KEY,
        "orchestra:address": "key",
        "orchestra:deployment": "prod",
        "orchestra:token": token,
    }
    assert request.body == {
        "kind": "compute#metadata",
        "fingerprint": before["fingerprint"],
        "items": [*before["items"], {"key": f"orchestra-key-{name}", "value": json.dumps(value, sort_keys=True)}],
    }
    assert provider(cloud, KIND).observe([made.external_id]).found == {made.external_id: made}


def test_writers_who_know_nothing_of_each_other_undo_nothing(server: Gce) -> None:
    clouds = [connect(server), connect(server)]  # threads of one take turns, those of two don't
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda n: add(clouds[n % 2], f"key[{n}]").external_id, range(12)))
    assert len({*made}) == 12
    assert entries(server).keys() == {one.rpartition("/")[2] for one in made} | OTHERS.keys()
    with ThreadPoolExecutor(12) as pool:
        deleted = pool.map(lambda n: provider(clouds[n % 2], KIND).delete(made[n]), range(11))
        assert list(deleted) == [None] * 11
    assert entries(server).keys() == {made[11].rpartition("/")[2]} | OTHERS.keys()
    assert {name: entries(server)[name] for name in OTHERS} == OTHERS


@pytest.mark.parametrize("work", ["add", "delete"])
def test_what_was_written_meanwhile_stays(
    cloud: GceCloud, server: Gce, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    made = add(cloud).external_id
    usual, others = server.set_metadata, ["one", "two"]

    def late(request: Request) -> tuple[int, Any]:
        if others:
            write(server, others.pop(), "of somebody else")
        return usual(request)

    monkeypatch.setattr(server, "set_metadata", late)
    sent = len(server.sent("POST", SET))
    if work == "add":
        add(cloud, "second")
    else:
        provider(cloud, KIND).delete(made)
    assert len(server.sent("POST", SET)) == sent + 3, "refused twice"
    assert {"one", "two", *OTHERS} <= entries(server).keys()
    assert (made.rpartition("/")[2] in entries(server)) == (work == "add")


def test_a_write_that_is_overtaken_while_it_is_carried_out_is_made_of_what_is_there_then(
    cloud: GceCloud, server: Gce
) -> None:
    server.troubles["metadata"] = [("CONDITION_NOT_MET", 412, "Supplied fingerprint does not match")]
    add(cloud)
    assert len(server.sent("POST", SET)) == 2
    server.troubles["metadata"] = [("CONDITION_NOT_MET", 412, "Supplied fingerprint does not match")] * 8
    with pytest.raises(TransientError, match="changed by others 8 times") as caught:
        add(cloud, "second")
    assert caught.value.retry_after
    assert len(entries(server)) == len(OTHERS) + 1


def test_answers_that_are_lost_add_nothing_twice(cloud: GceCloud, server: Gce) -> None:
    for lost in (SET, rf"/compute/v1/projects/{PROJECT}/global/operations/[^/]+/wait"):
        address = f"key {lost}"
        server.lost.append(("POST", lost))
        with pytest.raises(TransientError):
            add(cloud, address)
        found = provider(cloud, KIND).find(owner_of(address), Inputs({"public_key": KEY, "name": None}))
        assert found is not None
        sent = len(server.sent("POST", SET))
        assert add(cloud, address) == found
        assert len(server.sent("POST", SET)) == sent, "it is there: nothing is written"
        server.lost.append(("POST", lost))
        with pytest.raises(TransientError):
            provider(cloud, KIND).delete(found.external_id)
        provider(cloud, KIND).delete(found.external_id)
        assert entries(server) == OTHERS


def test_an_entry_of_another_is_not_taken(cloud: GceCloud, server: Gce) -> None:
    first = add(cloud, "first", name="team")
    with pytest.raises(ConflictError, match=r"there is a compute\.KeyPair team already"):
        add(cloud, "second", name="team")
    assert provider(cloud, KIND).find(owner_of("second"), Inputs({"public_key": KEY, "name": "team"})) is None
    assert first == provider(cloud, KIND).find(owner_of("first"), Inputs({"public_key": KEY, "name": "team"}))
    assert [one.external_id for one in provider(cloud, KIND).list()] == [first.external_id]
    assert len(server.sent("POST", SET)) == 1


def test_what_others_do_to_an_entry_is_seen(cloud: GceCloud, server: Gce) -> None:
    made = [add(cloud, address).external_id for address in ("written-over", "taken-away", "left")]
    write(server, made[0].rpartition("/")[2], "anything")
    write(server, made[1].rpartition("/")[2], None)
    reading = provider(cloud, KIND).observe(made)
    assert (reading.gone, reading.unread, set(reading.found)) == ({made[1]}, {}, {made[0], made[2]})
    found = reading.found[made[0]]
    assert (found.ownership, found.inputs["public_key"], found.outputs["fingerprint"]) == (None, "anything", None)


@pytest.mark.parametrize("left", [{}, {"commonInstanceMetadata": {"kind": "compute#metadata"}}])
def test_an_answer_without_metadata_makes_nothing_gone(cloud: GceCloud, server: Gce, left: dict[str, Any]) -> None:
    made = [add(cloud, address).external_id for address in ("one", "two")]
    server.trouble = Trouble(
        of=lambda request: request.path.endswith(f"/projects/{PROJECT}"),
        change=lambda answer: {**{key: answer[key] for key in answer if key != "commonInstanceMetadata"}, **left},
    )
    reading = provider(cloud, KIND).observe(made)
    assert (reading.found, reading.gone, set(reading.unread)) == ({}, frozenset(), set(made))
    with pytest.raises(TransientError):
        add(cloud, "three")
    assert len(server.sent("POST", SET)) == 2


def test_a_project_that_is_full_takes_no_more(cloud: GceCloud, server: Gce) -> None:
    write(server, "large", "x" * 262_144)
    write(server, "larger", "x" * (524_287 - sum(len(key + value) for key, value in entries(server).items()) - 6))
    with pytest.raises(QuotaError, match="room for less than 524288") as caught:
        add(cloud)
    assert not caught.value.sent
    write(server, "larger", None)
    add(cloud)
    with pytest.raises(InvalidRequestError, match="an entry of a project's metadata has room for 262144"):
        add(cloud, "long", f"ssh-rsa {'A' * 262_144} me")
    assert len(server.sent("POST", SET)) == 1


# -- whose it is


class Keys(oc.Stack):
    key: str = KEY
    name: str | None = None

    def build(self) -> None:
        self.pair = oc.KeyPair(public_key=self.key, name=self.name)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"key": "ssh-ed25519 AAAA"}, "whom the key's comment must name"),
        ({"key": "ssh-ed25519 AAAA the key of the team"}, "whom the key's comment must name"),
        ({"key": "ssh-ed25519 AAAA Admin@example"}, "whom the key's comment must name"),
        ({"name": "a.b"}, "the name stands in a key of metadata"),
        ({"name": "a" * 114}, "the name stands in a key of metadata"),
    ],
)
def test_what_cannot_be_is_told_by_the_plan(
    cloud: GceCloud, server: Gce, tmp_path: Path, given: dict[str, str], told: str
) -> None:
    state = tmp_path / "state.db"
    deployment = oc.Deployment(Keys(**given), name="keys", cloud=cloud, state=state, progress=False)  # type: ignore[arg-type]
    with deployment, pytest.raises(oc.UnsupportedError, match=told):
        deployment.plan()
    with pytest.raises(InvalidRequestError, match=told):
        add(cloud, **given)
    assert not server.sent("POST", SET)


def test_a_server_gets_the_key_into_its_own_metadata(cloud: GceCloud, server: Gce) -> None:
    pair, home = add(cloud, name="team").external_id, subnet(cloud)
    made = machine(cloud, "machine", home, key_pair=pair)
    instance = server.things[made]
    assert instance["metadata"] == {"items": [{"key": "ssh-keys", "value": f"admin:{KEY}"}]}
    assert "ssh-keys" not in entries(server), "that would let it into every server"
    servers = provider(cloud, "compute.Server")
    assert servers.observe([made]).found[made].inputs["key_pair"] == pair
    provider(cloud, KIND).delete(pair)
    assert servers.observe([made]).found[made].inputs["key_pair"] == pair, "the server keeps what it has"
    instance["metadata"]["items"][0]["value"] = "mallory:ssh-rsa AAAA"
    assert servers.observe([made]).found[made].inputs["key_pair"] == "mallory:ssh-rsa AAAA", "drift"
    with pytest.raises(NotFoundError, match="no entry orchestra-key-team"):
        machine(cloud, "second", home, key_pair=pair)
