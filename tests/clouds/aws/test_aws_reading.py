"""Many at once: every page is read, with few calls, from many threads."""

from __future__ import annotations

import collections
from concurrent.futures import ThreadPoolExecutor

from orchestra.contracts import Inputs
from orchestra.errors import TransientError
from tests.clouds.aws.scenery import Scene, census, client, owner, rule
from tests.moto_server import MotoServer


def grown(server: MotoServer, before: dict[str, int]) -> dict[str, int]:
    """How many calls were made since ``before``."""
    counts = collections.Counter(server.stats())
    counts.subtract(before)
    return {action: count for action, count in counts.items() if count}


def test_more_than_a_hundred_servers_made_one_by_one(scene: Scene) -> None:
    inputs = Inputs(scene.server_inputs())
    provider = scene.provider("compute.Server")
    made = [provider.create(inputs, owner(f"web[{index}]")).external_id for index in range(105)]
    before = scene.server.stats()
    reading = provider.observe([*made, "i-0123456789abcdef0"])
    assert list(reading.found) == made
    assert (reading.gone, reading.unread) == ({"i-0123456789abcdef0"}, {})
    assert grown(scene.server, before) == {"DescribeInstances": 4}  # three pages of forty, and one to confirm
    assert {one.external_id for one in provider.list()} == set(made)
    found = provider.find(owner("web[104]"), inputs)
    assert found is not None
    assert found.external_id == made[104]


def test_a_page_that_fails_makes_none_of_them_gone_and_the_others_are_not_read_again(scene: Scene) -> None:
    provider, inputs = scene.provider("compute.Server"), Inputs(scene.server_inputs())
    made = [provider.create(inputs, owner(f"web[{index}]")).external_id for index in range(45)]
    scene.server.fault(action="DescribeInstances", body_has="NextToken", mode="drop_before")
    reading = provider.observe(made)
    assert len(reading.found) == 40, "those of the first page"
    assert not reading.gone
    assert set(reading.unread) == set(made) - set(reading.found)
    assert all(isinstance(error, TransientError) for error in reading.unread.values())
    before = scene.server.stats()
    assert set(provider.observe(list(reading.unread)).found) == set(reading.unread)
    assert grown(scene.server, before) == {"DescribeInstances": 1}


def test_what_a_list_leaves_out_is_looked_up(scene: Scene) -> None:
    """AWS's lists can lag behind."""
    machine = scene.machine()
    empty = {"find": "<reservationSet>.*</reservationSet>", "replace": "<reservationSet/>"}
    scene.server.fault(action="DescribeInstances", mode="rewrite", **empty)
    assert list(scene.provider("compute.Server").observe([machine]).found) == [machine]


def test_more_than_two_hundred_ids_are_asked_for_in_parts(scene: Scene) -> None:
    missing = [f"vol-{index:017x}" for index in range(1, 202)]
    provider = scene.provider("compute.Volume")
    before = scene.server.stats()
    assert provider.observe(missing).gone == set(missing)
    assert grown(scene.server, before) == {"DescribeVolumes": 2 + 201}


def test_more_than_a_hundred_zones(scene: Scene) -> None:
    route53 = client(scene.server, "route53")
    for index in range(101):
        route53.create_hosted_zone(Name=f"zone{index}.example", CallerReference=f"another {index}")
    made = scene.zone
    provider = scene.provider("dns.Zone")
    before = scene.server.stats()
    zones = {one.external_id: one for one in provider.list()}
    assert len(zones) == 102
    assert zones[made].outputs["name_servers"]
    assert grown(scene.server, before) == {"GET hostedzone": 3}  # two pages, and the name servers of our own
    found = provider.find(owner("zone"), Inputs({"domain": "shop.example"}))
    assert found is not None
    assert found.external_id == made


def test_record_sets_are_listed_once_however_many_are_wanted(scene: Scene) -> None:
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": f"host{index:03}.shop.example",
                "Type": "A",
                "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.1"}],
            },
        }
        for index in range(210)
    ]
    client(scene.server, "route53").change_resource_record_sets(
        HostedZoneId=scene.zone, ChangeBatch={"Changes": changes}
    )
    provider = scene.provider("dns.Record")
    wanted = [f"{scene.zone}/A/host{index:03}" for index in range(210)]
    before = scene.server.stats()
    assert list(provider.observe(wanted).found) == wanted
    assert grown(scene.server, before) == {"GET hostedzone": 1, "GET rrset": 3}  # the zone's domain, and three pages
    assert {one.external_id for one in provider.list()} == set(wanted)


def test_more_blobs_than_a_page(scene: Scene) -> None:
    provider = scene.provider("storage.Blob")
    ids = []
    for index in range(45):
        inputs = {"bucket": scene.bucket, "key": f"site/{index:02}.txt", "content": str(index), "content_type": "a/b"}
        ids.append(provider.create(Inputs(inputs), owner(f"blob[{index}]")).external_id)
    client(scene.server, "s3").put_object(Bucket=scene.bucket, Key="other", Body=b"")
    before = scene.server.stats()
    assert provider.capabilities.batch is None, "a part of them would take a list of all of them"
    assert list(provider.observe(ids).found) == ids
    assert grown(scene.server, before) == {"GET bucket": 2}
    assert len(list(provider.list())) == 46


def test_more_balancers_than_a_page(scene: Scene) -> None:
    elb = client(scene.server, "elb")
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    names = [f"one-{index:02}" for index in range(43)]
    for name in names:
        elb.create_load_balancer(LoadBalancerName=name, Listeners=[listener], Subnets=[scene.subnet()])
    provider = scene.provider("balancing.LoadBalancer")
    before = scene.server.stats()
    assert provider.capabilities.batch is None, "a part of them would take a list of all of them"
    assert set(provider.observe([names[42], names[0]]).found) == {names[42], names[0]}
    assert grown(scene.server, before)["DescribeLoadBalancers"] == 2
    assert {one.external_id for one in provider.list()} == set(names)


def test_networks_are_read_with_three_calls(scene: Scene) -> None:
    made = [
        scene.make("network.Network", f"network[{index}]", cidr="10.0.0.0/16", internet=index % 2 == 0, labels={})
        for index in range(6)
    ]
    before = scene.server.stats()
    reading = scene.provider("network.Network").observe(made)
    assert [reading.found[one].inputs["internet"] for one in made] == [True, False] * 3
    assert grown(scene.server, before) == {
        "DescribeVpcs": 1,
        "DescribeInternetGateways": 1,
        "DescribeRouteTables": 1,
    }


def test_many_threads_never_get_each_others_answers(scene: Scene) -> None:
    network, provider = scene.network, scene.provider("network.Firewall")

    def one(index: int) -> tuple[object, ...]:
        inputs = Inputs(
            {
                "network": network,
                "description": f"number {index}",
                "ingress": [rule("tcp", 1000 + index, cidr="10.0.0.0/8")],
                "egress": [],
                "labels": {"number": str(index)},
            }
        )
        made = provider.create(inputs, owner(f"firewall[{index}]"))
        found = provider.find(owner(f"firewall[{index}]"), inputs)
        assert found is not None
        read = provider.observe([made.external_id]).found[made.external_id]
        assert made.external_id == found.external_id == read.external_id
        return read.inputs["description"], read.inputs["labels"], read.inputs["ingress"]

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(one, range(40)))
    assert told == [
        (f"number {index}", {"number": str(index)}, [rule("tcp", 1000 + index, cidr="10.0.0.0/8")])
        for index in range(40)
    ]
    assert census(scene.server)["groups"] == 2 + 40  # and the defaults of two networks
