"""Balancers, zones and buckets, used as Libcloud's drivers are."""

from __future__ import annotations

from pathlib import Path

import pytest
from libcloud.dns.base import DNSDriver
from libcloud.loadbalancer.base import Algorithm, Driver, Member
from libcloud.loadbalancer.types import State
from libcloud.storage.base import StorageDriver

from orchestra.clouds.families.simulated import SimulatedCloud
from tests.clouds.simulated.scenery import build_site, image, size


def test_balancers(cloud: SimulatedCloud) -> None:
    drivers = cloud.drivers
    driver = drivers.balancing
    assert isinstance(driver, Driver)
    assert driver.list_protocols() == ["tcp", "http"]
    servers = [drivers.compute.create_node("x", size(drivers.compute), image(drivers.compute)) for _ in range(2)]
    members = [Member(server.id, server.private_ips[0], 8080) for server in servers]
    balancer = driver.create_balancer("front", 80, "http", Algorithm.ROUND_ROBIN, members[:1], ex_member_port=8080)
    assert (balancer.state, balancer.port, balancer.name) == (State.RUNNING, 80, "front")
    assert balancer.ip == "front.lb.sim-1.example"
    assert driver.get_balancer(balancer.id).extra["health_check"]["port"] == 8080
    balancer.attach_member(members[1])
    assert [(one.id, one.ip, one.port) for one in balancer.list_members()] == [
        (server.id, server.private_ips[0], 8080) for server in servers
    ]
    balancer.detach_member(members[0])
    assert [one.id for one in balancer.list_members()] == [servers[1].id]
    driver.update_balancer(balancer, algorithm=Algorithm.LEAST_CONNECTIONS)
    assert [one.id for one in driver.list_balancers()] == [balancer.id]
    assert balancer.destroy()
    assert driver.list_balancers() == []


def test_balancer_in_a_network(cloud: SimulatedCloud) -> None:
    site = build_site(cloud)
    driver = cloud.drivers.balancing
    balancer = driver.create_balancer(
        "front",
        443,
        "tcp",
        None,
        [Member(site.server.id, None, 443)],
        ex_subnets=[site.subnet.id],
        ex_firewalls=[site.firewall.id],
        ex_tags={"a": "b"},
    )
    extra = driver.get_balancer(balancer.id).extra
    assert (extra["members"], extra["subnets"], extra["firewalls"], extra["tags"]) == (
        [site.server.id],
        [site.subnet.id],
        [site.firewall.id],
        {"a": "b"},
    )
    assert driver.ex_create_tags(str(balancer.id), {"c": "d"}) == {"a": "b", "c": "d"}


def test_zones_and_records(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.dns
    assert isinstance(driver, DNSDriver)
    zone = driver.create_zone("shop.example")
    assert driver.get_zone(str(zone.id)).domain == "shop.example"
    assert len(zone.extra["name_servers"]) == 4
    record = zone.create_record("www", "A", "192.0.2.1\n192.0.2.2", {"ttl": 60})
    assert (record.id, record.data, record.ttl) == ("A:www", "192.0.2.1\n192.0.2.2", 60)
    assert driver.update_record(record, data="192.0.2.3").ttl == 60
    assert driver.update_record(record, extra={"ttl": 0}).data == "192.0.2.3"
    told = driver.get_record(str(zone.id), "A:www")
    assert (told.data, told.ttl) == ("192.0.2.3", 0)
    zone.create_record("", "MX", "10 mail.shop.example")
    assert [one.id for one in zone.list_records()] == ["A:www", "MX:"]
    for one in zone.list_records():
        one.delete()
    assert zone.delete()
    assert driver.list_zones() == []


def test_two_zones_may_have_one_domain(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.dns
    one, two = driver.create_zone("shop.example"), driver.create_zone("shop.example")
    one.create_record("www", "A", "192.0.2.1")
    two.create_record("www", "A", "192.0.2.2")
    assert [record.data for zone in driver.list_zones() for record in zone.list_records()] == [
        "192.0.2.1",
        "192.0.2.2",
    ]


def test_buckets_and_objects(cloud: SimulatedCloud, tmp_path: Path) -> None:
    driver = cloud.drivers.storage
    assert isinstance(driver, StorageDriver)
    bucket = driver.create_container("photos")
    assert (bucket.extra["encrypted"], bucket.extra["public"], bucket.extra["versioned"]) == (True, False, False)
    bucket.upload_object_via_stream(
        iter([b"a", b"b"]), "a/1", extra={"content_type": "text/x", "meta_data": {"k": "v"}}
    )
    source = tmp_path / "two"
    source.write_bytes(b"two" * 5000)
    bucket.upload_object(str(source), "b")
    told = driver.get_object("photos", "a/1")
    assert (told.size, told.hash, told.meta_data) == (2, "187ef4436122d1cc2f40dc2b92f0eba0", {"k": "v"})
    assert told.extra["content_type"] == "text/x"
    assert b"".join(driver.get_object("photos", "b").as_stream(1024)) == b"two" * 5000
    target = tmp_path / "target"
    assert told.download(str(target))
    assert target.read_bytes() == b"ab"
    with pytest.raises(FileExistsError, match="overwrite_existing"):
        told.download(str(target))
    assert [one.name for one in bucket.list_objects()] == ["a/1", "b"]
    assert [one.name for one in bucket.list_objects(prefix="a/")] == ["a/1"]
    bucket.upload_object_via_stream(iter([b"new"]), "a/1")
    assert driver.get_object("photos", "a/1").size == 3
    assert driver.ex_change_object("photos", "a/1", "text/y").extra["content_type"] == "text/y"
    assert b"".join(driver.get_object("photos", "a/1").as_stream()) == b"new"
    for one in bucket.list_objects():
        assert one.delete()
    assert bucket.delete()
    assert driver.list_containers() == []


def test_settings_of_buckets(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.storage
    driver.create_container("photos", ex_public=True)
    changed = driver.ex_modify_container("photos", versioned=True, encrypted=False)
    told = driver.get_container("photos").extra
    assert (told["encrypted"], told["public"], told["versioned"]) == (False, True, True)
    assert changed.extra == told


def test_an_object_of_the_same_name_as_another_bucket_s(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.storage
    for name in ("one", "two"):
        driver.create_container(name).upload_object_via_stream(iter([name.encode()]), "same")
    assert [b"".join(driver.get_object(name, "same").as_stream()) for name in ("one", "two")] == [b"one", b"two"]
