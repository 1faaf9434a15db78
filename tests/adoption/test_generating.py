"""The stack that is written: names, references, lists, what is left out, what is selected."""

from __future__ import annotations

from pathlib import Path

import pytest
from circle import deployment, take_over
from estates import SimulatedEstate

import orchestra as oc


@pytest.fixture
def estate() -> SimulatedEstate:
    return SimulatedEstate(oc.clouds.simulated(":memory:"))


def body(generated: oc.Generated) -> str:
    """What `build` says, without the indent."""
    lines = generated.source.partition('"""Declare it."""\n')[2].splitlines()
    return "\n".join(line[8:] for line in lines)


def test_references_stand_in_place_of_ids_and_defaults_are_left_out(estate: SimulatedEstate) -> None:
    network = estate.network("Shop", "10.0.0.0/16", True, {})
    subnet = estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {"env": "prod"})
    estate.firewall(network, "web", [443], None, {})
    assert body(oc.generate(estate.cloud, select=oc.Select(kinds=[oc.Network, oc.Subnet]))) == (
        'self.shop = oc.Network(cidr="10.0.0.0/16")\n'
        "self.subnet = oc.Subnet(\n"
        "    network=self.shop,\n"
        '    cidr="10.0.1.0/24",\n'
        '    zone="sim-1a",\n'
        '    labels={"env": "prod"},\n'
        ")"
    )
    alone = oc.generate(estate.cloud, select=oc.Select(kinds=["network.Subnet"]), name="Alone")
    assert f'network="{network}"' in alone.source
    assert "class Alone(oc.Stack):" in alone.source
    assert dict(alone.adoptions) == {"subnet": subnet}


def test_what_is_numbered_is_a_list_and_what_is_alike_a_loop(estate: SimulatedEstate, tmp_path: Path) -> None:
    network = estate.network("net", "10.0.0.0/16", False, {})
    subnet = estate.subnet(network, "sub", "10.0.1.0/24", "sim-1a", False, {})
    servers = [estate.server(f"web-{number}", subnet, [], None, {}) for number in (1, 2, 3)]
    disks = [estate.volume(f"disk{number}", 10 + number, "sim-1a", True, {}) for number in (0, 1)]
    estate.attach(disks[1], servers[1], "/dev/sdf")
    odd = [estate.floating_ip(f"odd-{number}", None) for number in (4, 7)]
    generated = oc.generate(estate.cloud)
    assert "for _ in range(3)" in generated.source
    assert "volume=self.disk[1],\n            server=self.web[1],\n" in generated.source
    assert [generated.adoptions[f"web[{index}]"] for index in range(3)] == servers
    assert [generated.adoptions[f"disk[{index}]"] for index in range(2)] == disks
    assert [generated.adoptions[name] for name in ("odd_4", "odd_7")] == odd
    take_over(generated, estate.cloud, tmp_path).close()


def test_names_are_valid_unique_and_the_same_every_time(estate: SimulatedEstate, tmp_path: Path) -> None:
    for number, name in enumerate(("class", "build", "10.0.0.1", "Größe!", "", "", "twice", "twice", "-")):
        estate.network(name, f"10.{number}.0.0/16", False, {})
    estate.bucket("twice", False, {})
    estate.bucket("self", False, {})
    generated = oc.generate(estate.cloud)
    assert sorted(generated.adoptions) == [
        "build_network",
        "class_network",
        "grosse",
        "network_1",
        "network_10_0_0_1",
        "network_2",
        "network_3",
        "self_bucket",
        "twice_bucket",
        "twice_network_1",
        "twice_network_2",
    ]
    assert all(name.isidentifier() for name in generated.adoptions)
    assert oc.generate(estate.cloud) == generated
    take_over(generated, estate.cloud, tmp_path).close()


def test_firewalls_that_let_each_other_in_keep_an_id(estate: SimulatedEstate, tmp_path: Path) -> None:
    network = estate.network("", "10.0.0.0/16", False, {})
    first = estate.firewall(network, "a", [], None, {})
    second = estate.firewall(network, "b", [], first, {})
    estate.guard_itself(first)
    driver = estate.cloud.drivers.compute
    rules = [
        *driver.ex_get_firewall(first).ingress,
        {"protocol": "udp", "from_port": 53, "to_port": 53, "cidr": None, "firewall": second},
    ]
    driver.ex_set_firewall_rules(first, ingress=rules, egress=[])
    generated = oc.generate(estate.cloud)
    assert generated.source.count("source=self.b") + generated.source.count("source=self.a") == 1
    assert f'firewall="{first}"' in generated.source
    take_over(generated, estate.cloud, tmp_path).close()


def test_rules_are_written_as_people_write_them(estate: SimulatedEstate) -> None:
    network = estate.network("", "10.0.0.0/16", False, {})
    firewall = estate.firewall(network, "web", [443], None, {})
    ends = [("tcp", 8000, 8080, "10.0.0.0/8"), ("udp", 53, 53, "::/0"), ("icmp", None, None, "0.0.0.0/0")]
    rules = [
        {"protocol": protocol, "from_port": first, "to_port": last, "cidr": cidr, "firewall": None}
        for protocol, first, last, cidr in ends
    ]
    estate.cloud.drivers.compute.ex_set_firewall_rules(firewall, ingress=rules, egress=[])
    source = oc.generate(estate.cloud).source
    for wanted in (
        'oc.allow("tcp", (8000, 8080), source="10.0.0.0/8")',
        'oc.allow("udp", 53, source="::/0")',
        'oc.allow("icmp")',
        "egress=[]",
    ):
        assert wanted in source


def test_secrets_and_what_only_a_digest_is_told_of_are_left_out_and_named(estate: SimulatedEstate) -> None:
    network = estate.network("", "10.0.0.0/16", False, {})
    subnet = estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {})
    server = estate.server("web", subnet, [], None, {})
    estate.bucket("files", False, {})
    estate.blob("files", "a.txt", "hunter2hunter2")
    generated = oc.generate(estate.cloud)
    left = {(one.kind, one.external_id, one.input): one for one in generated.left_out}
    assert set(left) == {("compute.Server", server, "user_data"), ("storage.Blob", "files/a.txt", "")}
    assert "hunter2" not in generated.source + str(generated) + repr(generated)
    assert str(left["compute.Server", server, "user_data"]) == (
        f"compute.Server {server} (web), user_data: it may hold a secret, and those are never written down"
    )


class Shop(oc.Stack):
    """A network that is managed already."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.9.0.0/16")


def test_what_another_deployment_manages_is_left_to_it(estate: SimulatedEstate, tmp_path: Path) -> None:
    with oc.Deployment(Shop(), name="shop", cloud=estate.cloud, state=tmp_path / "a.db", progress=False) as shop:
        shop.apply()
    generated = oc.generate(estate.cloud)
    assert not generated.adoptions
    assert [one.why for one in generated.left_out] == ["the deployment 'shop' manages it, at network"]
    assert body(generated) == ""
    with_it = oc.generate(estate.cloud, select=oc.Select(managed=True))
    assert list(with_it.adoptions) == ["network"]


def test_labels_select_with_what_goes_with_it(estate: SimulatedEstate, tmp_path: Path) -> None:
    for env in ("prod", "test"):
        network = estate.network(env, "10.0.0.0/16", False, {"env": env})
        subnet = estate.subnet(network, env, "10.0.1.0/24", "sim-1a", True, {"env": env})
        server = estate.server(env, subnet, [], None, {"env": env, "role": "web"})
        volume = estate.volume(env, 10, "sim-1a", True, {"env": env})
        estate.attach(volume, server, "/dev/sdf")
    generated = oc.generate(estate.cloud, select=oc.Select(labels={"env": "prod"}))
    assert set(generated.adoptions) == {
        "prod_network",
        "prod_subnet",
        "prod_server",
        "prod_volume",
        "prod_volume_attachment",
    }
    take_over(generated, estate.cloud, tmp_path).close()
    both = oc.Select(labels={"env": "test"}, where=lambda one: one.kind != "compute.Volume")
    assert {one.kind for one in both.of(list(estate.cloud.discover()))} == {
        "network.Network",
        "network.Subnet",
        "compute.Server",
    }


def test_what_is_not_ready_is_left_out() -> None:
    cloud = oc.clouds.simulated(":memory:", behaviour=oc.clouds.Behaviour(boot_seconds=3600))
    estate = SimulatedEstate(cloud)
    network = estate.network("", "10.0.0.0/16", False, {})
    subnet = estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {})
    server = estate.server("web", subnet, [], None, {})
    generated = oc.generate(cloud)
    assert server not in generated.adoptions.values()
    assert [one.why for one in generated.left_out] == ["it isn't ready: the cloud says 'pending'"]


def test_adopting_again_goes_on_where_it_stopped(estate: SimulatedEstate, tmp_path: Path) -> None:
    network = estate.network("", "10.0.0.0/16", False, {})
    estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {})
    generated = oc.generate(estate.cloud)
    with deployment(generated, estate.cloud, tmp_path) as found:
        found.adopt("network", network)
        assert [str(one.address) for one in generated.adopt(found)] == ["subnet"]
        assert generated.adopt(found) == ()
        assert found.plan().is_empty


def test_a_file_is_never_written_over(estate: SimulatedEstate, tmp_path: Path) -> None:
    generated = oc.generate(estate.cloud)
    generated.write(tmp_path / "found.py")
    with pytest.raises(FileExistsError):
        generated.write(tmp_path / "found.py")


@pytest.mark.parametrize("name", ["", "found", "A b", "None", "ADOPT", "1A"])
def test_a_name_that_no_class_can_have_is_refused(name: str, estate: SimulatedEstate) -> None:
    with pytest.raises(oc.DefinitionError, match="name of a class"):
        oc.generate(estate.cloud, name=name)
