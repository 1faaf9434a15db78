"""What is sent to Azure, to the letter."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import AzureCloud
from orchestra.contracts import Inputs, Status
from orchestra.errors import ConflictError, InUseError, InvalidRequestError, TransientError
from tests.clouds.azure.arm import COMPUTE, NETWORK, REGION, ROOT, AzureRefusal
from tests.clouds.azure.machines import IMAGE, Azure
from tests.clouds.azure.networking import path
from tests.clouds.azure.scenery import (
    EVERYTHING,
    KEYS,
    Scene,
    change,
    create,
    observed,
    owner,
    provider,
    rule,
    volume_inputs,
)

TOKEN = owner("web[0]").token
NAME = f"prod-web-0-{TOKEN[:10]}"
OURS = {"orchestra:deployment": "prod", "orchestra:address": "web[0]", "orchestra:token": TOKEN}
AUTHORIZED = "/".join(("", "home", "azureuser", ".ssh", "authorized_keys"))
PART = {**OURS, "orchestra:part": "compute.Server"}


def bodies(server: Azure, kind: str, method: str = "PUT") -> list[Any]:
    return [one.body for one in server.sent(method, f".*/{kind}/[^/]+.*")]


def test_a_server_is_an_address_an_interface_and_a_machine(server: Azure, scene: Scene) -> None:
    firewall = scene.firewall()
    scene.server(firewalls=[firewall], user_data="#!/bin/sh", labels={"Env": "a b"}, subnet=scene.subnet("2"))
    assert bodies(server, "publicIPAddresses") == [
        {
            "location": REGION,
            "sku": {"name": "Standard"},
            "zones": ["2"],
            "tags": PART,
            "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
        }
    ]
    address = {"id": path(f"{NETWORK}/publicIPAddresses", NAME), "properties": {"deleteOption": "Delete"}}
    group = firewall.replace("networkSecurityGroups", "applicationSecurityGroups")
    inside = {
        "primary": True,
        "privateIPAllocationMethod": "Dynamic",
        "subnet": {"id": scene.subnet("2")},
        "applicationSecurityGroups": [{"id": group}],
        "publicIPAddress": address,
    }
    assert bodies(server, "networkInterfaces") == [
        {
            "location": REGION,
            "tags": PART,
            "properties": {
                "ipConfigurations": [{"name": "primary", "properties": inside}],
                "networkSecurityGroup": {"id": firewall},
            },
        }
    ]
    (machine,) = bodies(server, "virtualMachines")
    publisher, offer, sku, version = IMAGE.split(":")
    assert machine == {
        "location": REGION,
        "zones": ["2"],
        "tags": {**OURS, "Env": "a b"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B2s"},
            "storageProfile": {
                "imageReference": {"publisher": publisher, "offer": offer, "sku": sku, "version": version},
                "osDisk": {
                    "name": NAME,
                    "createOption": "FromImage",
                    "caching": "ReadWrite",
                    "deleteOption": "Delete",
                    "managedDisk": {"storageAccountType": "StandardSSD_LRS"},
                },
            },
            "osProfile": {
                "computerName": NAME,
                "adminUsername": "azureuser",
                "linuxConfiguration": {
                    "disablePasswordAuthentication": True,
                    "ssh": {"publicKeys": [{"path": AUTHORIZED, "keyData": KEYS[0]}]},
                },
                "customData": base64.b64encode(b"#!/bin/sh").decode(),
            },
            "networkProfile": {
                "networkInterfaces": [
                    {
                        "id": path(f"{NETWORK}/networkInterfaces", NAME),
                        "properties": {"primary": True, "deleteOption": "Delete"},
                    }
                ]
            },
        },
    }


def test_a_server_without_a_public_address_has_none(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    web = scene.server(public_address=False)
    assert server.of("publicIPAddresses") == []
    told = observed(cloud, "compute.Server", web)
    assert told.outputs["public_ip"] is None
    assert str(told.outputs["private_ip"]).startswith("10.0.1.")
    assert told.outputs["zone"] == REGION


def test_what_goes_with_a_server_is_told_to(cloud: AzureCloud, scene: Scene) -> None:
    web = scene.server()
    (disk,) = provider(cloud, "compute.Volume").list()
    (address,) = provider(cloud, "compute.FloatingIp").list()
    assert (disk.comes_with, address.comes_with) == (web, web)
    assert (disk.ownership, address.ownership) == (None, None)


def test_two_firewalls_on_a_server_are_refused_before_anything_is_sent(server: Azure, scene: Scene) -> None:
    inputs = scene.server_inputs(firewalls=[scene.firewall(0), scene.firewall(1)])
    before = len(server.requests)
    with pytest.raises(InvalidRequestError, match="can have one firewall, not 2") as refused:
        provider(scene.cloud, "compute.Server").create(Inputs(inputs), owner("web[0]"))
    assert refused.value.sent is False
    assert len(server.requests) == before


def test_an_image_that_changes_is_refused(scene: Scene) -> None:
    inputs = scene.server_inputs(image={"id": "Debian:debian-12:12-gen2:latest"})
    with pytest.raises(InvalidRequestError, match="version not as 'latest'"):
        provider(scene.cloud, "compute.Server").create(Inputs(inputs), owner("web[0]"))


def test_the_rules_of_a_firewall(server: Azure, scene: Scene) -> None:
    web = scene.firewall(1)
    ingress = [rule("tcp", 443, cidr="0.0.0.0/0"), rule("tcp", 3306, firewall=web), rule("icmp", cidr="::/0")]
    made = create(scene.cloud, "network.Firewall", "web[0]", scene.firewall_inputs(ingress=ingress))
    group, security = bodies(server, "applicationSecurityGroups")[-1], bodies(server, "networkSecurityGroups")[-1]
    tags = {**OURS, "orchestra:part": "network.Firewall"}
    assert group == {"location": REGION, "tags": tags, "properties": {}}
    assert security["tags"] == {**OURS, "orchestra:description": "Web"}
    sent = security["properties"]["securityRules"]
    assert [(one["name"], one["properties"]["access"]) for one in sent] == [
        ("allow-inbound-100", "Allow"),
        ("allow-inbound-101", "Allow"),
        ("allow-inbound-102", "Allow"),
        ("deny-inbound-4096", "Deny"),
        ("allow-outbound-100", "Allow"),
        ("deny-outbound-4096", "Deny"),
    ]
    stands_for_web = web.replace("networkSecurityGroups", "applicationSecurityGroups")
    assert sent[1]["properties"] == {
        "priority": 101,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "sourceApplicationSecurityGroups": [{"id": stands_for_web}],
        "destinationAddressPrefix": "*",
        "destinationPortRange": "3306",
    }
    told = observed(scene.cloud, "network.Firewall", made).inputs
    assert told["ingress"] == [ingress[2], ingress[1], ingress[0]] or len(told["ingress"]) == 3  # type: ignore[arg-type]
    assert told["egress"] == [EVERYTHING]


def test_a_rule_that_nobody_declared_shows(server: Azure, scene: Scene) -> None:
    made = scene.firewall()
    (group,) = server.of("networkSecurityGroups")
    blocked = {
        "name": "blocked",
        "properties": {
            "priority": 4000,
            "direction": "Inbound",
            "access": "Deny",
            "protocol": "Tcp",
            "sourcePortRange": "*",
            "sourceAddressPrefixes": ["10.1.0.0/16", "10.2.0.0/16"],
            "destinationAddressPrefix": "*",
            "destinationPortRanges": ["80", "8000-8010"],
        },
    }
    group["properties"]["securityRules"].append(blocked)
    told: Any = observed(scene.cloud, "network.Firewall", made).inputs["ingress"]
    assert {(one["protocol"], one["from_port"], one["to_port"], one["cidr"]) for one in told} == {
        ("deny tcp", 80, 80, "10.1.0.0/16"),
        ("deny tcp", 80, 80, "10.2.0.0/16"),
        ("deny tcp", 8000, 8010, "10.1.0.0/16"),
        ("deny tcp", 8000, 8010, "10.2.0.0/16"),
    }
    before = scene.firewall_inputs()
    change(scene.cloud, "network.Firewall", made, before, ingress=[])
    assert observed(scene.cloud, "network.Firewall", made).inputs["ingress"] == []


def test_another_change_at_the_same_moment_is_not_undone(server: Azure, scene: Scene) -> None:
    made, before = scene.firewall(), scene.firewall_inputs()
    server.refusing += [("PUT", "/networkSecurityGroups/", AzureRefusal(412, "PreconditionFailed"))] * 2
    change(scene.cloud, "network.Firewall", made, before, ingress=[rule("tcp", 22, cidr="0.0.0.0/0")])
    (group,) = server.of("networkSecurityGroups")
    sent = server.sent("PUT", ".*/networkSecurityGroups/.*")
    assert [one.headers.get("If-Match") is not None for one in sent] == [False, True, True, True]
    assert sent[-1].headers["If-Match"] != group["etag"]
    server.refusing += [("PUT", "/networkSecurityGroups/", AzureRefusal(412, "PreconditionFailed"))] * 5
    with pytest.raises(TransientError, match="changed by others 5 times"):
        change(scene.cloud, "network.Firewall", made, before, ingress=[rule("tcp", 23, cidr="0.0.0.0/0")])


def test_a_firewall_that_names_itself_can_be_deleted(server: Azure, scene: Scene) -> None:
    made, before = scene.firewall(), scene.firewall_inputs()
    change(scene.cloud, "network.Firewall", made, before, ingress=[rule("tcp", 22, firewall=made)])
    provider(scene.cloud, "network.Firewall").delete(made)
    assert server.of("networkSecurityGroups") == server.of("applicationSecurityGroups") == []


def test_a_firewall_in_use_stays_whole(server: Azure, scene: Scene) -> None:
    firewall = scene.firewall()
    scene.server(firewalls=[firewall])
    with pytest.raises(InUseError):
        provider(scene.cloud, "network.Firewall").delete(firewall)
    assert len(server.of("networkSecurityGroups")) == len(server.of("applicationSecurityGroups")) == 1


def test_a_network_with_subnets_is_not_deleted_with_them(server: Azure, scene: Scene) -> None:
    network, subnet = scene.network(), scene.subnet()
    with pytest.raises(InUseError, match=subnet.rpartition("/")[2]):
        provider(scene.cloud, "network.Network").delete(network)
    provider(scene.cloud, "network.Subnet").delete(subnet)
    provider(scene.cloud, "network.Network").delete(network)
    assert server.of("virtualNetworks") == []


def test_labels_are_changed_as_a_whole_and_what_is_azures_stays(server: Azure, scene: Scene) -> None:
    network = scene.network()
    (item,) = server.of("virtualNetworks")
    item["tags"].update({"hidden-link": "portal", "theirs": "old"})
    before = {"cidr": "10.0.0.0/16", "internet": True, "labels": {}}
    told = change(scene.cloud, "network.Network", network, before, labels={"env": "prod"})
    assert told.inputs["labels"] == {"env": "prod"}
    (sent,) = server.sent("PATCH", f"{network}/providers/Microsoft.Resources/tags/default")
    tags = {**owner("network").tags(), "hidden-link": "portal", "env": "prod"}
    assert sent.body == {"operation": "Replace", "properties": {"tags": tags}}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"a/b": "1"}, "can't be in the key"),
        ({"env": "x" * 257}, "has room for 256"),
        ({"Env": "1", "env": "2"}, "doesn't tell it from 'Env'"),
        ({"azure-team": "1"}, "keeps such keys for itself"),
    ],
)
def test_labels_that_azure_does_not_take(scene: Scene, server: Azure, labels: dict[str, str], words: str) -> None:
    inputs = {"cidr": "10.0.0.0/16", "internet": True, "labels": labels}
    with pytest.raises(InvalidRequestError, match=words) as refused:
        provider(scene.cloud, "network.Network").create(Inputs(inputs), owner("network"))
    assert refused.value.sent is False
    assert not server.sent("PUT")


def test_a_disk_is_attached_by_an_action_and_two_at_once_both_stay(server: Azure, scene: Scene) -> None:
    web, disks = scene.server(), [scene.volume(f"disk[{n}]") for n in range(4)]
    attachments = provider(scene.cloud, "compute.VolumeAttachment")

    def attach(disk: str) -> str:
        return attachments.create(
            Inputs({"volume": disk, "server": web, "device": "/dev/sdf"}), owner(disk)
        ).external_id

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(attach, disks))
    assert made == [f"{disk}:{web}" for disk in disks]
    assert set(attachments.observe(made).found) == set(made)
    (sent, *_) = server.sent("POST", f"{web}/attachDetachDataDisks")
    assert set(sent.body["dataDisksToAttach"][0]) == {"diskId", "deleteOption"}
    assert not server.sent("PUT", f"{web}") or len(server.sent("PUT", f"{web}")) == 1, "the machine isn't put again"
    attachments.delete(made[0])
    assert server.sent("POST", f"{web}/attachDetachDataDisks")[-1].body == {"dataDisksToDetach": [{"diskId": disks[0]}]}
    assert attachments.observe(made).gone == {made[0]}


def test_a_disk_that_another_server_has(scene: Scene) -> None:
    first, second, disk = scene.server("web[0]"), scene.server("web[1]"), scene.volume()
    attachments = provider(scene.cloud, "compute.VolumeAttachment")
    attachments.create(Inputs({"volume": disk, "server": first}), owner("a"))
    with pytest.raises(InUseError, match="already owned by VM"):
        attachments.create(Inputs({"volume": disk, "server": second}), owner("b"))
    with pytest.raises(InUseError, match="is attached to VM"):
        provider(scene.cloud, "compute.Volume").delete(disk)


def test_a_disk_in_a_zone_and_from_a_snapshot(server: Azure, scene: Scene) -> None:
    disk = scene.volume("disk", zone="2")
    copy = create(scene.cloud, "compute.Snapshot", "copy", {"volume": disk, "description": "", "labels": {}})
    second = scene.volume("second", snapshot=copy, type="hdd", zone="2")
    told = observed(scene.cloud, "compute.Volume", second).inputs
    assert (told["snapshot"], told["type"], told["zone"]) == (copy, "hdd", "2")
    sent = bodies(server, "disks")[-1]
    assert sent["properties"]["creationData"] == {"createOption": "Copy", "sourceResourceId": copy}
    assert (sent["zones"], sent["sku"]) == (["2"], {"name": "Standard_LRS"})
    with pytest.raises(InvalidRequestError, match="no such zone"):
        scene.volume("third", zone="eastus")


def test_a_floating_address_replaces_the_one_that_the_server_was_made_with(server: Azure, scene: Scene) -> None:
    first, second = scene.server("web[0]"), scene.server("web[1]")
    inputs = {"server": first, "labels": {}}
    floating = create(scene.cloud, "compute.FloatingIp", "floating", inputs)
    assert len(server.of("publicIPAddresses")) == 2, "that of the first server is gone, that of the second is there"
    address = observed(scene.cloud, "compute.FloatingIp", floating).outputs["address"]
    assert observed(scene.cloud, "compute.Server", first).outputs["public_ip"] == address
    change(scene.cloud, "compute.FloatingIp", floating, inputs, server=second)
    assert observed(scene.cloud, "compute.Server", first).outputs["public_ip"] is None
    assert observed(scene.cloud, "compute.Server", second).outputs["public_ip"] == address
    provider(scene.cloud, "compute.Server").delete(second)
    gone = provider(scene.cloud, "compute.Server")
    while second not in gone.observe([second]).gone:
        pass
    assert observed(scene.cloud, "compute.FloatingIp", floating).inputs["server"] is None, "it outlives the server"
    provider(scene.cloud, "compute.FloatingIp").delete(floating)
    assert server.of("publicIPAddresses") == []


def test_all_of_a_server_goes_with_it_after_a_change_of_its_firewall(server: Azure, scene: Scene) -> None:
    web = scene.server(firewalls=[scene.firewall(0)])
    change(scene.cloud, "compute.Server", web, scene.server_inputs(), firewalls=[scene.firewall(1)])
    told = observed(scene.cloud, "compute.Server", web)
    assert told.inputs["firewalls"] == [scene.firewall(1)]
    assert told.outputs["public_ip"] is not None
    servers = provider(scene.cloud, "compute.Server")
    servers.delete(web)
    while web not in servers.observe([web]).gone:
        pass
    assert server.of("publicIPAddresses") == server.of("networkInterfaces") == server.of("disks") == []


def test_a_size_that_can_not_be_had_leaves_the_server_running(server: Azure, scene: Scene) -> None:
    web, before = scene.server(), scene.server_inputs()
    server.lasting["stopping"] = 2
    with pytest.raises(TransientError, match="is stopping") as waits:
        change(scene.cloud, "compute.Server", web, before, size={"id": "Standard_X"})
    assert waits.value.retry_after == 20.0
    told = observed(scene.cloud, "compute.Server", web)
    assert "size" not in told.inputs, "so the update that stopped it is sent again"
    for _ in range(3):
        with pytest.raises(oc.CloudError) as refused:
            change(scene.cloud, "compute.Server", web, before, size={"id": "Standard_X"})
        if refused.value.code == "SkuNotAvailable":
            break
    assert refused.value.code == "SkuNotAvailable"
    (machine,) = server.of("virtualMachines")
    assert (machine["power"], machine["tags"]) == ("running", owner("web[0]").tags())


def test_why_a_server_failed_is_told(server: Azure, scene: Scene) -> None:
    web = scene.server()
    (machine,) = server.of("virtualMachines")
    machine["properties"]["provisioningState"] = "Failed"
    told = observed(scene.cloud, "compute.Server", web)
    assert (told.status, told.detail) == (Status.FAILED, "no room is left")


def test_a_key_of_somebody_elses_is_not_put_over(server: Azure, scene: Scene) -> None:
    keys = provider(scene.cloud, "compute.KeyPair")
    keys.create(Inputs({"public_key": KEYS[0], "name": "mine"}), owner("key"))
    with pytest.raises(ConflictError, match="isn't from here"):
        keys.create(Inputs({"public_key": KEYS[1], "name": "Mine"}), owner("other"))
    (key,) = server.of("sshPublicKeys")
    assert key["properties"] == {"publicKey": KEYS[0]}
    (told,) = keys.list()
    assert str(told.outputs["fingerprint"]).startswith("SHA256:")


def test_sizes_and_images_are_chosen_alike_each_time(scene: Scene) -> None:
    choose = provider(scene.cloud, "compute.Server").choose
    assert choose("image", {"os": "debian", "version": "12"}) == IMAGE, "the newest, by its numbers"
    assert choose("image", {"os": "ubuntu", "version": "24.04"}).startswith("Canonical:ubuntu-24_04-lts:server:")
    assert choose("size", {"cpus": 2, "memory_gib": 4}) == "Standard_B2s", "not the one for ARM"
    assert choose("size", {"cpus": 1, "memory_gib": 1}) == "Standard_B2s", "not the one of the first generation"
    assert choose("size", {"cpus": 2, "memory_gib": 8}) == "Standard_D2s_v3", "not the one that is restricted"
    assert choose("size", {"cpus": 1, "memory_gib": 1, "gpu": 1}) == "Standard_NC6s_v3"
    with pytest.raises(oc.ChoiceError, match="no size as large"):
        choose("size", {"cpus": 500, "memory_gib": 1})
    for wish in ({"os": "debian", "version": "1"}, {"os": "plan9", "version": "4"}):
        with pytest.raises(oc.ChoiceError, match="no publisher is known"):
            choose("image", wish)
    assert provider(scene.cloud, "compute.Volume").choose("zone", {"number": 4}) == "2"


def test_a_volume_that_is_put_while_its_answer_was_lost_is_the_same(server: Azure, scene: Scene) -> None:
    server.lost += [("PUT", f"{ROOT}/providers/{COMPUTE}/disks/.*")]
    volumes, inputs = provider(scene.cloud, "compute.Volume"), Inputs(volume_inputs())
    with pytest.raises(TransientError):
        volumes.create(inputs, owner("disk"))
    found = volumes.find(owner("disk"), inputs)
    assert found is not None
    assert volumes.create(inputs, owner("disk")).external_id == found.external_id
    assert len(server.of("disks")) == 1
