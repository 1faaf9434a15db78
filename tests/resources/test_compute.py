"""Servers with their images and sizes, key pairs, volumes and what goes with them."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.values import UNKNOWN, Revealed
from orchestra.planning.comparing import forces
from orchestra.planning.inputs import raw_inputs
from tests.model.kinds import scope_of
from tests.resources.test_catalogue import KEY


def inputs(make: Any, outputs: Any = None) -> dict[str, Any]:
    """The inputs of what ``make`` makes beside a floating address."""

    class Holder(oc.Stack):
        def build(self) -> None:
            self.floating = oc.FloatingIp()
            self.subject = make(self.floating)

    declaration = collect(Holder())
    scope = scope_of(declaration, {"floating": outputs or {}}, {"PASSWORD": "hunter2"})
    return raw_inputs(declaration.resources["subject"], scope)  # type: ignore[index]


def server(**more: Any) -> oc.Server:
    return oc.Server(**{"image": "image-1", "size": "small", "subnet": "sub-1", **more})


# -- images and sizes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("image-1", {"id": "image-1"}),
        (oc.Image(os="debian", version="12"), {"os": "debian", "version": "12", "architecture": "x86_64"}),
        (
            oc.Image(os="ubuntu", version="24.04", architecture="arm64"),
            {"os": "ubuntu", "version": "24.04", "architecture": "arm64"},
        ),
    ],
    ids=["id", "portable", "arm64"],
)
def test_an_image_is_an_id_or_a_wish(given: object, expected: object) -> None:
    assert inputs(lambda other: server(image=given))["image"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("t3.small", {"id": "t3.small"}),
        (oc.Size(cpus=2, memory_gib=4), {"cpus": 2, "memory_gib": 4}),
        (oc.Size(cpus=1, memory_gib=0.5), {"cpus": 1, "memory_gib": 0.5}),
        (oc.Size(cpus=1, memory_gib=1, gpu=2), {"cpus": 1, "memory_gib": 1, "gpu": 2}),
        (oc.Size(cpus=1, memory_gib=1, disk_gib=0.5), {"cpus": 1, "memory_gib": 1, "disk_gib": 0.5}),
    ],
    ids=["name", "portable", "half", "gpu", "disk"],
)
def test_a_size_is_a_name_or_a_wish(given: object, expected: object) -> None:
    assert inputs(lambda other: server(size=given))["size"] == expected


def test_an_image_by_reference_is_known_when_that_is() -> None:
    assert inputs(lambda other: server(image=other.address))["image"] == {"id": UNKNOWN}
    assert inputs(lambda other: server(image=other.address), {"address": "ami-1"})["image"] == {"id": "ami-1"}
    text = inputs(lambda other: server(image=f"ami-{other.address}"), {"address": "1"})
    assert text["image"] == {"id": "ami-1"}


@pytest.mark.parametrize(
    "wrong", [None, 3, oc.Size(cpus=1, memory_gib=1), {"os": "debian"}], ids=["none", "number", "size", "dict"]
)
def test_other_images_are_refused(wrong: Any) -> None:
    with pytest.raises(oc.DefinitionError, match=r"Image \| CustomImage \| Ref\[str\] \| str is needed"):
        server(image=wrong)


@pytest.mark.parametrize(
    "fields",
    [
        {"os": "Debian", "version": "12"},
        {"os": "", "version": "12"},
        {"os": "debian", "version": ""},
        {"os": "debian", "version": "12", "architecture": "amd64"},
    ],
    ids=["capital", "no name", "no version", "architecture"],
)
def test_images_that_no_cloud_can_have_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(oc.DefinitionError, match=r"Image\(.*\): .* (are|is) needed"):
        oc.Image(**fields)


@pytest.mark.parametrize(("cpus", "memory"), [(0, 1), (-1, 1), (1, 0), (1, -0.5)])
def test_sizes_of_nothing_are_refused(cpus: int, memory: float) -> None:
    with pytest.raises(oc.DefinitionError, match=r"Size\(cpus=.*\): both must be above zero"):
        oc.Size(cpus=cpus, memory_gib=memory)


@pytest.mark.parametrize("further", [{"gpu": 0}, {"gpu": -1}, {"disk_gib": 0}, {"disk_gib": -0.5}])
def test_disks_and_gpus_that_are_none_are_refused(further: dict[str, Any]) -> None:
    with pytest.raises(oc.DefinitionError, match=r"more than zero is needed") as refused:
        oc.Size(cpus=1, memory_gib=1, **further)
    assert refused.value.remedy == "leave out what the server doesn't need"


# -- servers


def test_user_data_may_hold_references_and_secrets() -> None:
    plain = inputs(lambda other: server(user_data=f"HOST={other.address}"), {"address": "192.0.2.1"})
    assert plain["user_data"] == "HOST=192.0.2.1"
    secret = inputs(lambda other: server(user_data=f"P={oc.Secret.env('PASSWORD')};{other.address}"), {"address": "x"})
    assert secret["user_data"] == Revealed("P=hunter2;x")
    whole = inputs(lambda other: server(user_data=oc.Secret.env("PASSWORD")))
    assert whole["user_data"] == Revealed("hunter2")


def test_firewalls_are_a_set() -> None:
    assert inputs(lambda other: server(firewalls=["b", "a", "b"]))["firewalls"] == ["a", "b"]


def test_a_resource_stands_for_its_id() -> None:
    assert inputs(lambda other: oc.FloatingIp(server=None))["server"] is None

    class Holder(oc.Stack):
        def build(self) -> None:
            self.subnet = oc.Subnet(network="n", cidr="10.0.0.0/24")
            self.key = oc.KeyPair(public_key=KEY)
            self.server = server(subnet=self.subnet, key_pair=self.key)

    declaration = collect(Holder())
    scope = scope_of(declaration, {"subnet": {"id": "sub-7"}, "key": {"id": "key-7"}}, {})
    values = raw_inputs(declaration.resources["server"], scope)  # type: ignore[index]
    assert (values["subnet"], values["key_pair"]) == ("sub-7", "key-7")


# -- key pairs


@pytest.mark.parametrize(
    "key",
    [KEY, KEY.rpartition(" ")[0], "ssh-rsa AAAAB3NzaC1yc2E=", "ecdsa-sha2-nistp256 AAAAE2Vj== a b c"],
    ids=["comment", "no comment", "rsa", "ecdsa"],
)
def test_public_keys_are_taken(key: str) -> None:
    assert oc.KeyPair(public_key=key).public_key == key


@pytest.mark.parametrize(
    "key",
    ["", "AAAAB3NzaC1yc2E=", "ssh-dss AAAA", "ssh-ed25519", "ssh-ed25519 not-base64!", f"{KEY}\n{KEY}", f" {KEY}"],
    ids=["empty", "no type", "dss", "no key", "not base64", "two", "space"],
)
def test_other_text_is_no_public_key(key: str) -> None:
    with pytest.raises(oc.DefinitionError, match="an OpenSSH public key is needed"):
        oc.KeyPair(public_key=key)


@pytest.mark.parametrize(
    ("name", "fits"),
    [("a", True), ("a.b_c-D9", True), ("a" * 255, True), ("", False), ("a b", False), ("a" * 256, False)],
)
def test_names_of_key_pairs(name: str, fits: bool) -> None:
    if fits:
        assert oc.KeyPair(public_key=KEY, name=name).name == name
        return
    with pytest.raises(oc.DefinitionError, match="1 to 255 letters, digits"):
        oc.KeyPair(public_key=KEY, name=name)


# -- volumes


@pytest.mark.parametrize(("size", "fits"), [(1, True), (65536, True), (0, False), (65537, False)])
def test_sizes_of_volumes(size: int, fits: bool) -> None:
    if fits:
        assert oc.Volume(size_gib=size, zone="a").size_gib == size
        return
    with pytest.raises(oc.DefinitionError, match="1 to 65536 GiB is needed"):
        oc.Volume(size_gib=size, zone="a")


def test_a_volume_grows_in_place_and_shrinks_by_replacement() -> None:
    spec = oc.Volume.kind.inputs["size_gib"]
    assert not forces(spec, 10, 20)
    assert forces(spec, 20, 10)


@pytest.mark.parametrize(
    ("kind", "fits"), [("ssd", True), ("hdd", True), (None, True), ("SSD", False), ("gp3", False), ("", False)]
)
def test_types_of_volumes(kind: str | None, fits: bool) -> None:
    if fits:
        assert oc.Volume(size_gib=1, zone="a", type=kind).type == kind
        return
    with pytest.raises(oc.DefinitionError, match="ssd or hdd is needed"):
        oc.Volume(size_gib=1, zone="a", type=kind)


@pytest.mark.parametrize(
    ("device", "fits"),
    [("/dev/sdf", True), ("/dev/xvda1", True), ("sdf", False), ("/dev/", False), ("/dev/SDF", False)],
)
def test_devices(device: str, fits: bool) -> None:
    if fits:
        assert oc.VolumeAttachment(volume="v", server="i", device=device).device == device
        return
    with pytest.raises(oc.DefinitionError, match="a device such as /dev/sdf is needed"):
        oc.VolumeAttachment(volume="v", server="i", device=device)
