"""Servers and what hangs on them: stopping and starting, volumes that are being changed, what ends by itself."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orchestra.contracts import Inputs, Status
from orchestra.errors import ConflictError, InUseError, InvalidRequestError, NotReadyError, TransientError
from tests.clouds.aws.scenery import ZONE, Scene, client, owner

STOPPING = {"find": "<name>stopped</name>", "replace": "<name>stopping</name>"}


def state(scene: Scene, machine: str) -> str:
    described = client(scene.server, "ec2").describe_instances(InstanceIds=[machine])
    return str(described["Reservations"][0]["Instances"][0]["State"]["Name"])


def test_what_a_server_is_made_with(scene: Scene) -> None:
    inputs = scene.server_inputs(user_data="#!/bin/sh\necho 'Grüße'\n", public_address=False)
    machine = scene.make("compute.Server", "web[0]", **inputs)
    ec2 = client(scene.server, "ec2")
    told = ec2.describe_instance_attribute(InstanceId=machine, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(told).decode() == "#!/bin/sh\necho 'Grüße'\n"
    described = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {
        "Name": "prod/web[0]",
        "orchestra:deployment": "prod",
        "orchestra:address": "web[0]",
        "orchestra:token": owner("web[0]").token,
    }
    assert described["ClientToken"] == owner("web[0]").token
    outputs = scene.observed("compute.Server", machine).outputs
    assert str(outputs["private_ip"]).startswith("10.0.1.")
    assert outputs["zone"] == ZONE


def test_a_public_address_is_as_the_subnet_says_or_as_asked(scene: Scene) -> None:
    told = {}
    for asked in (None, True, False):
        machine = scene.make("compute.Server", f"server[{asked}]", **scene.server_inputs(public_address=asked))
        told[asked] = scene.observed("compute.Server", machine).outputs["public_ip"] is not None
    assert told == {None: True, True: True, False: False}


def test_another_token_with_the_same_name_makes_another(scene: Scene) -> None:
    provider, inputs = scene.provider("compute.Server"), Inputs(scene.server_inputs())
    first = provider.create(inputs, owner("server", 0)).external_id
    assert provider.create(inputs, owner("server", 1)).external_id != first


def test_a_token_used_for_something_else_is_a_conflict(scene: Scene) -> None:
    provider = scene.provider("compute.Server")
    provider.create(Inputs(scene.server_inputs()), owner("server"))
    with pytest.raises(ConflictError) as used:
        provider.create(Inputs(scene.server_inputs(size={"id": "t3.large"})), owner("server"))
    assert used.value.code == "IdempotentParameterMismatch"


def test_one_that_failed_to_start_says_why(scene: Scene) -> None:
    alive = "<stateReason>.*</stateReason>(.*)<instanceState>.*</instanceState>"
    ended = (
        r"<stateReason><code>Server.InternalError</code><message>no room</message></stateReason>\1"
        r"<instanceState><code>48</code><name>terminated</name></instanceState>"
    )
    scene.server.fault(action="RunInstances", mode="rewrite", find=alive, replace=ended)
    with pytest.raises(NotReadyError, match="was made and is gone again: no room") as failed:
        scene.machine()
    assert failed.value.code == "Server.InternalError"


def test_a_stopped_server_is_neither_failed_nor_gone(scene: Scene) -> None:
    machine = scene.machine()
    client(scene.server, "ec2").stop_instances(InstanceIds=[machine])
    observation = scene.observed("compute.Server", machine)
    assert (observation.status, observation.detail) == (Status.READY, "stopped")


@pytest.mark.parametrize("was", ["running", "stopped"])
def test_a_new_size_ends_with_the_server_running(scene: Scene, was: str) -> None:
    machine = scene.machine()
    if was == "stopped":
        client(scene.server, "ec2").stop_instances(InstanceIds=[machine])
    scene.update("compute.Server", machine, scene.server_inputs(), size={"id": "t3.large"})
    assert scene.observed("compute.Server", machine).inputs["size"] == {"id": "t3.large"}
    assert state(scene, machine) == "running"


def test_while_it_is_stopping_the_update_asks_to_be_called_again(scene: Scene) -> None:
    machine = scene.machine()
    scene.server.fault(action="DescribeInstances", mode="rewrite", skip=1, count=2, **STOPPING)
    for _ in range(2):
        with pytest.raises(TransientError, match="is stopping: its size can be changed when it has stopped") as wait:
            scene.update("compute.Server", machine, scene.server_inputs(), size={"id": "t3.large"})
        assert wait.value.retry_after == 20.0
    observation = scene.update("compute.Server", machine, scene.server_inputs(), size={"id": "t3.large"})
    assert observation.inputs["size"] == {"id": "t3.large"}
    assert state(scene, machine) == "running"
    assert scene.server.stats()["StopInstances"] == 1


def test_a_size_that_cannot_be_had_does_not_leave_it_stopped(scene: Scene) -> None:
    machine = scene.machine()
    body = "<Response><Errors><Error><Code>Unsupported</Code><Message>no</Message></Error></Errors></Response>"
    scene.server.fault(action="ModifyInstanceAttribute", body_has="InstanceType", mode="answer", status=400, body=body)
    with pytest.raises(InvalidRequestError):
        scene.update("compute.Server", machine, scene.server_inputs(), size={"id": "t3.large"})
    assert state(scene, machine) == "running"


@pytest.mark.parametrize("broken_off", ["StopInstances", "ModifyInstanceAttribute", "StartInstances"])
@pytest.mark.parametrize("mode", ["drop_before", "drop_after"])
def test_a_change_of_size_that_is_broken_off_is_not_taken_for_done(scene: Scene, broken_off: str, mode: str) -> None:
    machine = scene.machine()
    scene.server.fault(action=broken_off, mode=mode)
    if broken_off == "ModifyInstanceAttribute":
        scene.server.fault(action="StartInstances", mode=mode)
    with pytest.raises(TransientError):
        scene.update("compute.Server", machine, scene.server_inputs(), size={"id": "t3.large"})
    observation = scene.observed("compute.Server", machine)
    if state(scene, machine) == "stopped":
        assert "size" not in observation.inputs
    scene.update("compute.Server", machine, scene.server_inputs(), size={"id": "t3.large"})
    assert state(scene, machine) == "running"
    client(scene.server, "ec2").stop_instances(InstanceIds=[machine])
    assert scene.observed("compute.Server", machine).inputs["size"] == {"id": "t3.large"}


def test_labels_change_without_a_stop(scene: Scene) -> None:
    machine = scene.machine()
    scene.update("compute.Server", machine, scene.server_inputs(), labels={"a": "b"})
    assert "StopInstances" not in scene.server.stats()


def test_labels_put_on_by_others_are_told_and_taken_off(scene: Scene) -> None:
    machine = scene.machine()
    tags = [{"Key": "team", "Value": "x"}]
    client(scene.server, "ec2").create_tags(Resources=[machine], Tags=tags)
    assert scene.observed("compute.Server", machine).inputs["labels"] == {"team": "x"}
    scene.update("compute.Server", machine, scene.server_inputs(), labels={})
    assert scene.observed("compute.Server", machine).inputs["labels"] == {}
    assert scene.observed("compute.Server", machine).ownership == owner("server[1]")


def test_a_protected_server_is_kept_and_the_refusal_says_why(scene: Scene) -> None:
    machine = scene.machine()
    client(scene.server, "ec2").modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": True})
    with pytest.raises(InvalidRequestError, match="OperationNotPermitted") as kept:
        scene.provider("compute.Server").delete(machine)
    assert "protection" in str(kept.value)


def test_a_volume_is_pending_while_it_is_changed(scene: Scene) -> None:
    volume = scene.volume
    inputs = {"size_gib": 200, "type": None, "labels": {}}
    scene.update("compute.Volume", volume, inputs, size_gib=250, type="hdd")
    item = (
        rf"<volumeModificationSet><item><volumeId>{volume}</volumeId><modificationState>modifying</modificationState>"
        r"<targetSize>300</targetSize><targetVolumeType>gp3</targetVolumeType></item></volumeModificationSet>"
    )
    none = r"<volumeModificationSet ?/>|<volumeModificationSet>.*</volumeModificationSet>"
    scene.server.fault(action="DescribeVolumesModifications", mode="rewrite", find=none, replace=item, count=2)
    observation = scene.observed("compute.Volume", volume)
    assert (observation.status, observation.detail) == (Status.PENDING, "modifying")
    assert (observation.inputs["size_gib"], observation.inputs["type"]) == (300, "ssd")
    before = scene.server.stats()["ModifyVolume"]
    scene.update("compute.Volume", volume, {**inputs, "size_gib": 250, "type": "hdd"}, size_gib=300, type="ssd")
    assert scene.server.stats()["ModifyVolume"] == before  # under way already


@pytest.mark.parametrize(("type_", "told"), [("ssd", "gp3"), ("hdd", "st1"), (None, "gp3")])
def test_types_of_volumes(scene: Scene, type_: str | None, told: str) -> None:
    inputs: dict[str, Any] = {"size_gib": 125, "zone": ZONE, "type": type_, "encrypted": False, "snapshot": None}
    volume = scene.make("compute.Volume", "disk", **inputs, labels={})
    described = client(scene.server, "ec2").describe_volumes(VolumeIds=[volume])["Volumes"][0]
    assert (described["VolumeType"], described["Encrypted"]) == (told, False)
    assert scene.observed("compute.Volume", volume).inputs["type"] == (type_ or "ssd")


def test_a_volume_of_another_type_is_told_by_its_own_name(scene: Scene) -> None:
    volume = client(scene.server, "ec2").create_volume(Size=1, AvailabilityZone=ZONE, VolumeType="gp2")["VolumeId"]
    assert scene.observed("compute.Volume", volume).inputs["type"] == "gp2"


def test_an_attached_volume_is_in_use(scene: Scene) -> None:
    attached = scene.make(
        "compute.VolumeAttachment", "attachment", volume=scene.volume, server=scene.machine(), device="/dev/sdf"
    )
    with pytest.raises(InUseError):
        scene.provider("compute.Volume").delete(scene.volume)
    with pytest.raises(InUseError):
        scene.make(
            "compute.VolumeAttachment", "second", volume=scene.volume, server=scene.machine(2), device="/dev/sdf"
        )
    provider = scene.provider("compute.VolumeAttachment")
    assert [one.external_id for one in provider.list()] == [attached]  # not the disks that the servers start from
    provider.delete(attached)
    scene.provider("compute.Volume").delete(scene.volume)


def test_a_floating_address_follows_its_server(scene: Scene) -> None:
    inputs = {"server": scene.machine(1), "labels": {}}
    address = scene.make("compute.FloatingIp", "address", **inputs)
    told = scene.observed("compute.FloatingIp", address)
    assert scene.observed("compute.Server", scene.machine(1)).outputs["public_ip"] == told.outputs["address"]
    scene.update("compute.FloatingIp", address, inputs, server=None)
    assert scene.observed("compute.FloatingIp", address).inputs["server"] is None
    scene.provider("compute.FloatingIp").delete(address)


def test_a_server_is_not_found_by_an_ended_one_of_its_token(scene: Scene) -> None:
    provider, machine = scene.provider("compute.Server"), scene.machine()
    provider.delete(machine)
    assert provider.find(owner("server[1]"), Inputs(scene.server_inputs())) is None
    assert machine not in [one.external_id for one in provider.list()]
