"""Images of instances: how they are asked for, what goes with them, and what of them is told when."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.contracts import Inputs, Status
from orchestra.errors import ConflictError, InUseError, TransientError
from tests.clouds.aws.scenery import LABELS, Scene, census, client, owner

KIND = "compute.CustomImage"
USED = (
    "<Response><Errors><Error><Code>InvalidSnapshot.InUse</Code>"
    "<Message>The snapshot is in use</Message></Error></Errors></Response>"
)


def wishes(scene: Scene, **other: Any) -> dict[str, Any]:
    return {"server": scene.machine(), "name": None, "description": "", "labels": LABELS, **other}


def snapshots_of(scene: Scene, image: str) -> list[dict[str, Any]]:
    found = client(scene.server, "ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return [one for one in found if f"for {image}" in one["Description"]]


def tags_on(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing["Tags"]}


def test_image_and_snapshots_are_tagged_in_the_creating_request(scene: Scene) -> None:
    ours = owner("golden")
    made = scene.provider(KIND).create(Inputs(wishes(scene)), ours)
    assert (made.status, made.ownership) == (Status.PENDING, ours)
    image = client(scene.server, "ec2").describe_images(ImageIds=[made.external_id])["Images"][0]
    assert image["Name"] == ours.name(128)
    assert tags_on(image) == {**ours.tags(), **LABELS, "Name": "prod/golden"}
    [snapshot] = snapshots_of(scene, made.external_id)
    tags = tags_on(snapshot)
    assert tags == {
        **{key: value for key, value in ours.tags().items() if key != "orchestra:token"},
        **LABELS,
        "Name": "prod/golden",
    }
    told = scene.observed("compute.Snapshot", snapshot["SnapshotId"])
    assert (told.ownership, told.comes_with) == (None, made.external_id)
    assert "CreateTags" not in scene.server.stats()


def test_new_labels_are_on_the_snapshots_too(scene: Scene) -> None:
    made = scene.make(KIND, "golden", **wishes(scene))
    scene.update(KIND, made, wishes(scene), labels={"env": "prod"})
    [snapshot] = snapshots_of(scene, made)
    assert tags_on(snapshot)["env"] == "prod"
    assert "owner" not in tags_on(snapshot)
    assert tags_on(snapshot)["orchestra:address"] == "golden"


def test_a_server_is_made_from_it_and_both_outlive_each_other(scene: Scene) -> None:
    made = scene.make(KIND, "golden", **wishes(scene))
    server = scene.make("compute.Server", "web", **scene.server_inputs(image={"id": made}))
    assert scene.observed("compute.Server", server).inputs["image"] == {"id": made}
    assert scene.provider("compute.Server").choose("image", {"id": made}) == made
    scene.provider("compute.Server").delete(scene.machine())
    observed = scene.observed(KIND, made)
    assert (observed.status, observed.outputs) == (Status.READY, {"size_gib": 15})
    scene.provider(KIND).delete(made)
    assert scene.observed("compute.Server", server).status is Status.READY


def test_what_was_left_of_one_that_is_gone_is_deleted(scene: Scene) -> None:
    before = census(scene.server) if scene.machine() else None
    made = scene.make(KIND, "golden", **wishes(scene))
    client(scene.server, "ec2").deregister_image(ImageId=made)
    assert len(snapshots_of(scene, made)) == 1
    scene.provider(KIND).delete(made)
    assert census(scene.server) == before


def test_a_snapshot_that_another_image_uses_stays(scene: Scene) -> None:
    made = scene.make(KIND, "golden", **wishes(scene))
    other = scene.make(KIND, "other", **wishes(scene))
    client(scene.server, "ec2").deregister_image(ImageId=made)
    [left], [used] = snapshots_of(scene, made), snapshots_of(scene, other)
    scene.server.fault(action="DeleteSnapshot", mode="answer", status=400, body=USED)
    scene.server.fault(action="DescribeImages", mode="rewrite", find=used["SnapshotId"], replace=left["SnapshotId"])
    scene.provider(KIND).delete(made)
    assert snapshots_of(scene, made) == [left]
    scene.server.fault(action="DeleteSnapshot", mode="answer", status=400, body=USED)
    with pytest.raises(InUseError):  # nothing else uses it: AWS doesn't know yet that the image is gone
        scene.provider(KIND).delete(made)
    scene.provider(KIND).delete(made)
    assert snapshots_of(scene, made) == []
    assert snapshots_of(scene, other) == [used]


def test_a_name_of_somebody_elses_is_refused_and_our_own_is_found(scene: Scene) -> None:
    provider = scene.provider(KIND)
    inputs = wishes(scene, name="golden")
    made = scene.make(KIND, "golden", **inputs)
    with pytest.raises(ConflictError, match="already in use"):
        provider.create(Inputs(inputs), owner("other"))
    empty = "<imagesSet/>"
    scene.server.fault(action="DescribeImages", mode="rewrite", find="(?s)<imagesSet>.*</imagesSet>", replace=empty)
    again = provider.create(Inputs(inputs), owner("golden"))  # it isn't listed yet at first
    assert again.external_id == made


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", Status.PENDING),
        ("transient", Status.PENDING),
        ("disabled", Status.READY),
        ("failed", Status.FAILED),
        ("error", Status.FAILED),
        ("invalid", Status.FAILED),
    ],
)
def test_states_are_told(scene: Scene, state: str, status: Status) -> None:
    made = scene.make(KIND, "golden", **wishes(scene))
    for find, replace in (("<imageState>available", f"<imageState>{state}"),):
        scene.server.fault(action="DescribeImages", mode="rewrite", find=find, replace=replace)
    observed = scene.observed(KIND, made)
    assert (observed.status, observed.detail) == (status, state)


def test_its_size_is_not_told_while_it_is_made(scene: Scene) -> None:
    made = scene.make(KIND, "golden", **wishes(scene))
    mapping = "(?s)<blockDeviceMapping>.*?</blockDeviceMapping>"
    scene.server.fault(action="DescribeImages", mode="rewrite", find=mapping, replace="<blockDeviceMapping/>")
    assert scene.observed(KIND, made).outputs == {"size_gib": None}


def test_one_that_was_deregistered_is_gone(scene: Scene) -> None:
    made = scene.make(KIND, "golden", **wishes(scene))
    listed = {"action": "DescribeImages", "mode": "rewrite", "find": "<imageState>available"}
    for _ in range(2):  # once in the list, once asked for directly
        scene.server.fault(**listed, replace="<imageState>deregistered")
    reading = scene.provider(KIND).observe([made])
    assert (reading.gone, reading.found) == ({made}, {})
    unavailable = USED.replace("InvalidSnapshot.InUse", "InvalidAMIID.Unavailable")
    scene.server.fault(action="DescribeImages", mode="rewrite", find="(?s)<item>.*</item>", replace="")
    scene.server.fault(action="DescribeImages", mode="answer", status=400, body=unavailable)
    assert scene.provider(KIND).observe([made]).gone == {made}


def test_a_server_that_is_on_its_way_is_waited_for(scene: Scene) -> None:
    server = scene.machine()
    client(scene.server, "ec2").terminate_instances(InstanceIds=[server])
    with pytest.raises(TransientError, match="not in a state from which it can be imaged"):
        scene.provider(KIND).create(Inputs(wishes(scene, server=server)), owner("golden"))
