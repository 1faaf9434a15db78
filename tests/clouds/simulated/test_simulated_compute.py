"""The compute driver, used as any of Libcloud's is."""

from __future__ import annotations

from libcloud.compute.base import NodeDriver
from libcloud.compute.types import NodeState, StorageVolumeState, VolumeSnapshotState

from orchestra.clouds.families.simulated import Endpoint, SimulatedCloud
from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.firewalls import rule
from tests.clouds.simulated.scenery import KEY, build_site, image, size, zone


def test_a_driver_stands_on_its_own() -> None:
    driver = SimulatedNodeDriver(Endpoint())
    assert isinstance(driver, NodeDriver)
    node = driver.create_node(name="one", size=driver.list_sizes()[0], image=driver.list_images()[0])
    assert [one.id for one in driver.list_nodes()] == [node.id]
    assert node.private_ips[0].startswith("172.31.")
    assert node.reboot()
    assert node.destroy()
    assert driver.list_nodes() == []
    driver.endpoint.world.close()


def test_what_is_on_offer(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    assert [one.id for one in driver.list_locations()] == ["sim-1a", "sim-1b", "sim-1c"]
    sizes = driver.list_sizes()
    assert len(sizes) >= 12
    assert all(one.ram > 0 and one.price > 0 and one.extra["cpus"] > 0 for one in sizes)
    builds = [one for one in driver.list_images() if (one.extra["os"], one.extra["version"]) == ("ubuntu", "24.04")]
    assert {one.extra["architecture"] for one in builds} == {"x86_64", "arm64"}
    assert len({one.extra["created"] for one in builds}) == 3
    assert driver.get_image(builds[0].id).name == builds[0].name


def test_server_keeps_what_it_was_made_with(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    site = build_site(cloud)
    driver.import_key_pair_from_string("ops", KEY)
    node = driver.create_node(
        "two",
        size(driver),
        image(driver),
        zone(driver),
        ex_subnet=site.subnet.id,
        ex_firewalls=[site.firewall.id, site.firewall.id],
        ex_key_pair="ops",
        ex_user_data="#cloud-config\n# ü",
        ex_public_address=False,
        ex_tags={"team": "a"},
    )
    told = driver.ex_get_node(str(node.id))
    assert told.extra == {
        "status": "running",
        "image": image(driver).id,
        "size": "small",
        "subnet": site.subnet.id,
        "network": site.network.id,
        "zone": "sim-1a",
        "firewalls": [site.firewall.id],
        "key_pair": "ops",
        "user_data": "#cloud-config\n# ü",
        "public_address": False,
        "public_ip": None,
        "tags": {"team": "a"},
    }
    assert told.private_ips == ["10.0.1.5"]  # the cloud has the first four, the site's server the next
    assert told.public_ips == []
    assert site.server.private_ips == ["10.0.1.4"]
    assert len(site.server.public_ips) == 1


def test_private_addresses_are_used_once_and_again(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/24")
    subnet = driver.ex_create_subnet(network.id, "10.0.0.16/28")
    made = [driver.create_node("x", size(driver), image(driver), ex_subnet=subnet.id) for _ in range(11)]
    addresses = [one.private_ips[0] for one in made]
    assert addresses == [f"10.0.0.{last}" for last in range(20, 31)]
    for index in (0, 4, 10):
        driver.destroy_node(made[index])
    again = [driver.create_node("x", size(driver), image(driver), ex_subnet=subnet.id) for _ in range(3)]
    assert sorted(one.private_ips[0] for one in again) == ["10.0.0.20", "10.0.0.24", "10.0.0.30"]


def test_stopped_server_loses_its_public_address_only(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    node = build_site(cloud).server
    assert driver.stop_node(node)
    assert driver.stop_node(node)
    stopped = driver.ex_get_node(str(node.id))
    assert (stopped.state, stopped.public_ips, stopped.private_ips) == (NodeState.STOPPED, [], node.private_ips)
    assert driver.start_node(node)
    assert driver.start_node(node)
    started = driver.ex_get_node(str(node.id))
    assert (started.state, len(started.public_ips)) == (NodeState.RUNNING, 1)


def test_resized_server_is_given_another_public_address(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    node = build_site(cloud).server
    resized = driver.ex_resize_node(str(node.id), size(driver, "large"))
    assert resized.extra["size"] == "large"
    assert resized.private_ips == node.private_ips
    assert len(resized.public_ips) == 1
    assert resized.public_ips != node.public_ips
    same = driver.ex_resize_node(str(node.id), size(driver, "large"))
    assert same.public_ips == resized.public_ips


def test_subnets_take_turns_with_zones(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16")
    zones = [driver.ex_create_subnet(network.id, f"10.0.{third}.0/24").zone for third in range(4)]
    assert zones == ["sim-1a", "sim-1b", "sim-1c", "sim-1a"]


def test_volumes(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    site = build_site(cloud)
    assert driver.attach_volume(site.server, site.volume)
    assert driver.attach_volume(site.server, site.volume)
    told = driver.ex_get_volume(site.volume.id)
    assert told.state == StorageVolumeState.INUSE
    assert told.extra is not None
    assert (told.extra["server"], told.extra["device"]) == (site.server.id, "/dev/sdf")
    assert driver.ex_modify_volume(site.volume.id, size=20, type="hdd").size == 20
    assert driver.detach_volume(site.volume)
    assert driver.ex_get_volume(site.volume.id).state == StorageVolumeState.AVAILABLE
    assert driver.destroy_volume(site.volume)
    assert driver.list_volumes() == []


def test_snapshots_outlive_their_volume(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    disk = driver.create_volume(10, "disk")
    copy = driver.create_volume_snapshot(disk, "before", ex_description="d")
    assert (copy.size, copy.state, copy.name) == (10, VolumeSnapshotState.AVAILABLE, "before")
    assert [one.id for one in disk.list_snapshots()] == [copy.id]
    driver.destroy_volume(disk)
    assert [one.id for one in driver.ex_list_snapshots()] == [copy.id]
    again = driver.create_volume(12, "again", snapshot=copy)
    assert again.extra is not None
    assert again.extra["snapshot"] == copy.id
    assert copy.destroy()
    assert driver.ex_list_snapshots() == []


def test_key_pairs(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    pair = driver.import_key_pair_from_string("ops", KEY)
    assert pair.fingerprint.startswith("SHA256:")
    assert driver.get_key_pair("ops").public_key == KEY
    assert [one.name for one in driver.list_key_pairs()] == ["ops"]
    node = driver.create_node("x", size(driver), image(driver), ex_key_pair="ops")
    assert driver.delete_key_pair(pair)
    assert driver.ex_get_node(str(node.id)).extra["key_pair"] == "ops"


def test_addresses_lead_to_one_server_at_a_time(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    one, two = (driver.create_node("x", size(driver), image(driver)) for _ in range(2))
    address = driver.ex_allocate_address(ex_tags={"a": "b"})
    driver.ex_associate_address(address.id, one.id)
    assert driver.ex_get_node(str(one.id)).public_ips == [*one.public_ips, address.address]
    driver.ex_associate_address(address.id, two.id)
    assert driver.ex_get_node(str(one.id)).public_ips == one.public_ips
    assert driver.ex_get_address(address.id).server == two.id
    driver.destroy_node(two)
    assert driver.ex_get_address(address.id).server is None
    assert driver.ex_release_address(address.id)


def test_destroyed_server_lets_go_of_all_that_led_to_it(cloud: SimulatedCloud) -> None:
    drivers = cloud.drivers
    site = build_site(cloud)
    drivers.compute.attach_volume(site.server, site.volume)
    balancer = drivers.balancing.create_balancer(
        "front", 80, "tcp", None, [], ex_subnets=[site.subnet.id], ex_firewalls=[site.firewall.id]
    )
    drivers.balancing.update_balancer(balancer, ex_members=[str(site.server.id)])
    drivers.compute.destroy_node(site.server)
    assert drivers.balancing.balancer_list_members(balancer) == []
    assert drivers.compute.ex_get_volume(site.volume.id).state == StorageVolumeState.AVAILABLE
    assert cloud.inventory() == {
        "balancing.LoadBalancer": 1,
        "compute.Volume": 1,
        "network.Firewall": 1,
        "network.Network": 1,
        "network.Subnet": 1,
    }


def test_networks_and_their_gateways(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16", ex_tags={"a": "b"})
    gateway = driver.ex_create_gateway(network.id)
    assert driver.ex_get_network(network.id).gateway == gateway.id
    assert [one.network for one in driver.ex_list_gateways()] == [network.id]
    driver.ex_destroy_gateway(gateway.id)
    assert driver.ex_get_network(network.id).gateway is None
    driver.ex_create_gateway(network.id)
    driver.ex_destroy_network(network.id)
    assert cloud.inventory() == {}


def test_rules_are_added_and_taken_away(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    firewall = build_site(cloud).firewall
    web, ping = rule("tcp", 80, 80, cidr="0.0.0.0/0"), rule("icmp", cidr="::/0")
    driver.ex_authorize_firewall(firewall.id, "ingress", web)
    driver.ex_authorize_firewall(firewall.id, "ingress", ping)
    driver.ex_set_firewall_rules(firewall.id, egress=[web, web])
    told = driver.ex_get_firewall(firewall.id)
    assert (told.ingress, told.egress) == ([web, ping], [web])
    driver.ex_revoke_firewall(firewall.id, "ingress", web)
    assert driver.ex_get_firewall(firewall.id).ingress == [ping]


def test_firewall_may_name_itself(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16")
    firewall = driver.ex_create_firewall(network.id, "web")
    driver.ex_authorize_firewall(firewall.id, "ingress", rule("tcp", 1, 2, firewall=firewall.id))
    assert driver.ex_destroy_firewall(firewall.id)


def test_tags(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16", ex_tags={"a": "1", "b": "1"})
    assert driver.ex_create_tags(network.id, {"b": "2", "c": "2"}) == {"a": "1", "b": "2", "c": "2"}
    assert driver.ex_delete_tags(network.id, ["a", "never"]) == {"b": "2", "c": "2"}
    assert driver.ex_get_network(network.id).tags == {"b": "2", "c": "2"}


def test_lists_are_narrowed(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    mine = {"orchestra:deployment": "shop", "orchestra:address": "n", "orchestra:token": "t1"}
    one = driver.ex_create_network("10.0.0.0/16", ex_tags=mine, ex_token="t1")
    two = driver.ex_create_network("10.0.0.0/16")
    subnet = driver.ex_create_subnet(two.id, "10.0.0.0/24")
    assert [found.id for found in driver.ex_list_networks()] == [one.id, two.id]
    assert [found.id for found in driver.ex_list_networks(["net-none", two.id])] == [two.id]
    assert [found.id for found in driver.ex_list_networks(ex_token="t1")] == [one.id]
    assert [found.id for found in driver.ex_list_networks(ex_deployment="shop")] == [one.id]
    assert [found.id for found in driver.ex_list_subnets(ex_network=two.id)] == [subnet.id]
    assert driver.ex_list_subnets(ex_network=one.id) == []
