"""Every kind through its life: made, read, found, changed in place, deleted; and nothing is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from orchestra.contracts import Inputs, Observation, Status
from orchestra.errors import ConflictError, NotFoundError
from orchestra.resources.checks import content_digest
from tests.clouds.aws.scenery import CASES, KEY, KINDS, Case, Scene, census, owner

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer"
EACH = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def told(observation: Observation, case: Case, inputs: Mapping[str, Any]) -> None:
    """Every input that can be told is told as it was asked for."""
    wanted = case.wanted(inputs)
    if "content" in wanted:
        wanted["content"] = content_digest(wanted["content"])
    assert {name: observation.inputs.get(name) for name in wanted} == wanted


def test_there_is_a_case_for_every_kind_of_the_catalogue(scene: Scene) -> None:
    assert {case.kind for case in CASES} == set(KINDS)
    for name in KINDS:
        assert scene.provider(name).kind == name
    assert scene.cloud.provider("containers.Cluster") is None


@EACH
def test_a_life(scene: Scene, case: Case) -> None:
    provider, inputs, whose = scene.provider(case.kind), case.inputs(scene), owner("subject")
    changes = case.changes(scene)
    before = census(scene.server)
    assert provider.find(whose, Inputs(inputs)) is None
    made = provider.create(Inputs(inputs), whose)
    observation = scene.observed(case.kind, made.external_id)
    assert observation.status is Status.READY
    told(observation, case, inputs)
    assert set(observation.outputs) == set(KINDS[case.kind].kind.outputs) - {"id"}
    assert None not in observation.outputs.values()
    found = provider.find(whose, Inputs(inputs))
    assert found is not None
    assert (found.external_id, found.inputs) == (made.external_id, observation.inputs)
    assert made.external_id in [one.external_id for one in provider.list()]
    for name, value in changes.items():
        for _ in range(2):  # an update is safe to repeat
            scene.update(case.kind, made.external_id, inputs, **{name: value})
            inputs[name] = value
            told(scene.observed(case.kind, made.external_id), case, inputs)
    provider.delete(made.external_id)
    reading = provider.observe([made.external_id])
    assert (reading.gone, reading.found, reading.unread) == ({made.external_id}, {}, {})
    provider.delete(made.external_id)
    assert provider.find(whose, Inputs(inputs)) is None
    assert census(scene.server) == before


@EACH
def test_the_same_token_makes_one(scene: Scene, case: Case) -> None:
    provider, inputs, whose = scene.provider(case.kind), case.inputs(scene), owner("subject")
    made = provider.create(Inputs(inputs), whose)
    after = census(scene.server)
    if case.kind == "dns.Record":  # can't carry a token, so a second creation can't be told from another's
        with pytest.raises(ConflictError):
            provider.create(Inputs(inputs), whose)
    else:
        assert provider.create(Inputs(inputs), whose).external_id == made.external_id
    assert census(scene.server) == after


@EACH
def test_what_carries_ownership_tells_it(scene: Scene, case: Case) -> None:
    inputs, whose = case.inputs(scene), owner("web['a b'].süd")
    made = scene.provider(case.kind).create(Inputs(inputs), whose)
    natural = ("compute.VolumeAttachment", "dns.Record")
    assert made.ownership == (None if case.kind in natural else whose)
    found = scene.provider(case.kind).find(whose, Inputs(inputs))
    assert found is not None
    assert found.ownership == made.ownership


@EACH
def test_ids_that_are_not_there_are_gone(scene: Scene, case: Case) -> None:
    """The answer to an id of the right form that was never given."""
    missing = {
        "network.Network": "vpc-0123456789abcdef0",
        "network.Subnet": "subnet-0123456789abcdef0",
        "network.Firewall": "sg-0123456789abcdef0",
        "compute.KeyPair": "none-such",
        "compute.Server": "i-0123456789abcdef0",
        "compute.CustomImage": "ami-0123456789abcdef0",
        "compute.Volume": "vol-0123456789abcdef0",
        "compute.VolumeAttachment": "vol-0123456789abcdef0:i-0123456789abcdef0",
        "compute.Snapshot": "snap-0123456789abcdef0",
        "compute.FloatingIp": "eipalloc-0123456789abcdef0",
        "balancing.LoadBalancer": "none-such",
        "application load balancer": f"{ARN}/app/none-such/50dc6c495c0c9188",
        "network load balancer": f"{ARN}/net/none-such/50dc6c495c0c9188",
        "dns.Zone": "Z0123456789",
        "dns.Record": "Z0123456789/A/www",
        "storage.Bucket": "none-such",
        "storage.Blob": "none-such/key",
    }[case.name]
    provider = scene.provider(case.kind)
    made = provider.create(Inputs(case.inputs(scene)), owner("subject")).external_id
    reading = provider.observe([missing, made, missing])
    assert (list(reading.found), reading.gone, reading.unread) == ([made], {missing}, {})
    provider.delete(missing)
    with pytest.raises(NotFoundError):
        scene.update(case.kind, missing, case.inputs(scene), **dict(list(case.changes(scene).items())[:1]))


def test_a_snapshot_is_the_beginning_of_a_volume(scene: Scene) -> None:
    snapshot = scene.make("compute.Snapshot", "snapshot", volume=scene.volume, description="", labels={})
    volume = scene.make(
        "compute.Volume",
        "copy",
        size_gib=200,
        zone="eu-west-1a",
        type=None,
        encrypted=True,
        snapshot=snapshot,
        labels={},
    )
    assert scene.observed("compute.Volume", volume).inputs["snapshot"] == snapshot
    assert scene.observed("compute.Snapshot", snapshot).outputs == {"size_gib": 200}


def test_inputs_left_to_the_cloud_are_told_as_it_chose(scene: Scene) -> None:
    inputs = {"network": scene.network, "cidr": "10.0.9.0/24", "zone": None, "public": False, "labels": {}}
    subnet = scene.make("network.Subnet", "subnet", **inputs)
    observation = scene.observed("network.Subnet", subnet)
    assert observation.inputs["zone"] == observation.outputs["available_zone"] != ""
    key = scene.observed("compute.KeyPair", scene.make("compute.KeyPair", "key", public_key=KEY, name=None))
    assert key.inputs["name"] == key.external_id == owner("key").name(255)
    bucket = scene.observed("storage.Bucket", scene.bucket)
    assert bucket.inputs["name"] == bucket.external_id == owner("bucket").name()
    balancer = scene.make(
        "balancing.LoadBalancer",
        "balancer",
        port=80,
        protocol="tcp",
        member_port=None,
        members=[],
        subnets=[scene.subnet()],
        firewalls=[],
        health_check=None,
        labels={},
    )
    told_of = scene.observed("balancing.LoadBalancer", balancer).inputs
    assert (told_of["member_port"], told_of["firewalls"]) == (80, [])
    assert told_of["health_check"] == {
        "protocol": "tcp",
        "port": 80,
        "path": "/",
        "interval": 30,
        "timeout": 5,
        "healthy": 3,
        "unhealthy": 2,
    }
