"""What CloudStack does in its own way: refusals, pages, jobs, servers that are expunged later, addresses, accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import CloudStackCloud, cloudstack
from orchestra.clouds.families.cloudstack.faults import read_fault
from orchestra.clouds.families.cloudstack.rest import RefusalError
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Status, Update
from orchestra.errors import (
    ChoiceError,
    CloudError,
    ConflictError,
    CredentialsError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    TransientError,
)
from tests.clouds.families.cloudstack import KEY, SECRET, CloudStack
from tests.clouds.families.scenery import KEYS
from tests.clouds.families.test_cloudstack_contract import BALANCING, ZONE, Made, cloud_at, owner, provider

ENVIRONMENT = ("CLOUDSTACK_ENDPOINT", "CLOUDSTACK_KEY", "CLOUDSTACK_SECRET", "CLOUDSTACK_ZONE", "CLOUDSTACK_PROJECT")
NEVER = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[CloudStack]:
    server = CloudStack()
    with server.running():
        yield server


@pytest.fixture
def cloud(server: CloudStack) -> CloudStackCloud:
    return cloud_at(server)


@pytest.fixture
def made(cloud: CloudStackCloud) -> Made:
    return Made(cloud)


def observed(cloud: CloudStackCloud, kind: str, identity: str) -> Observation:
    return provider(cloud, kind).observe([identity]).found[identity]


def change(cloud: CloudStackCloud, kind: str, identity: str, **changes: Any) -> Observation:
    before = dict(observed(cloud, kind, identity).inputs)
    after = {**before, **changes}
    update = Update(before=Inputs(before), after=Inputs(after), changed=frozenset(changes))
    return provider(cloud, kind).update(identity, update)


# -- refusals


@pytest.mark.parametrize(
    ("number", "text", "cls"),
    [
        (401, "unable to verify user credentials and/or request signature", CredentialsError),
        (429, "The given user has reached his/her account api limit", ThrottledError),
        (430, "Malformed", InvalidRequestError),
        (431, "Unable to execute API command listvms. Invalid parameter id value=7 due to …", NotFoundError),
        (431, "Unable to execute API command x. Invalid parameter zoneid value=7 due to …", InvalidRequestError),
        (431, "Unable to find service offering: 104", InvalidRequestError),
        (431, "A key pair with name 'key' already exists.", ConflictError),
        (431, "Network cidr 10.0.0.0/24 crosses with another", ConflictError),
        (431, "Can't delete VPC [x] as its used by 1 networks", InUseError),
        (432, "The given command does not exist", InvalidRequestError),
        (503, "Shutting down", TransientError),
        (530, "Internal error executing command", TransientError),
        (531, "Acct does not have permission to operate", CredentialsError),
        (532, "Maximum number of resources", QuotaError),
        (533, "Insufficient capacity", TransientError),
        (534, "Resource unavailable", TransientError),
        (535, "Maximum number of resources of type 'volume' for account has been exceeded", QuotaError),
        (536, "Cannot delete group when there's virtual machines in it", InUseError),
        (537, "The range conflicts with rule", ConflictError),
    ],
)
def test_every_number_has_its_error(number: int, text: str, cls: type[CloudError]) -> None:
    fault = read_fault({"uuidList": [], "errorcode": number, "cserrorcode": 9999, "errortext": text})
    assert fault is not None
    told = translate(RefusalError(f"{fault.code}: {fault.message}"))
    assert type(told) is cls
    assert text in told.message
    assert f"({number})" in told.message


def test_an_answer_with_no_error_in_it_is_no_fault() -> None:
    assert read_fault({"count": 0}) is None
    assert read_fault(None) is None


def test_what_never_was_and_what_was_are_both_gone(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    volume = made.volume(0)
    server.volumes.clear()
    server.past.add(volume)
    assert provider(cloud, "compute.Volume").observe([volume, NEVER]).gone == {volume, NEVER}
    provider(cloud, "compute.Volume").delete(NEVER)


def test_another_api_behind_the_endpoint_is_not_believed(server: CloudStack) -> None:
    cloud = cloudstack(zone=ZONE, key=KEY, secret=SECRET, endpoint=f"{server.endpoint}/elsewhere")
    reading = provider(cloud, "compute.Volume").observe([NEVER])
    assert isinstance(reading.unread[NEVER], TransientError)
    assert server.faults
    server.faults.clear()


# -- lists


def test_lists_are_read_to_their_last_page(server: CloudStack, made: Made) -> None:
    volumes = {made.volume(number) for number in range(5)}
    server.page = 2
    cloud = cloud_at(server, page_size=2)
    assert {one.external_id for one in provider(cloud, "compute.Volume").list()} == volumes
    assert [one.query["page"] for one in server.sent("GET", "/listVolumes")][-3:] == ["1", "2", "3"]
    assert set(provider(cloud, "compute.Volume").observe(sorted(volumes)).found) == volumes


def test_a_list_that_is_cut_short_leaves_the_rest_unread(
    server: CloudStack, cloud: CloudStackCloud, made: Made
) -> None:
    volumes = [made.volume(number) for number in range(3)]
    server.short = "listVolumes"
    reading = provider(cloud, "compute.Volume").observe(volumes)
    assert len(reading.found) == 2
    assert not reading.gone
    (error,) = reading.unread.values()
    assert "3 things are there and 2 were told" in error.message
    with pytest.raises(TransientError):
        list(provider(cloud, "compute.Volume").list())


def test_a_page_that_fails_leaves_everything_unread(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    volumes = [made.volume(number) for number in range(3)]
    server.failing.append(("GET", "/listVolumes", 530))
    assert set(provider(cloud, "compute.Volume").observe(volumes).unread) == set(volumes)


# -- jobs


def test_a_job_is_asked_only_when_it_counts(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    server.slow = 3
    machine = made.server(made.subnet())
    asked = len(server.sent("GET", "/queryAsyncJobResult"))
    assert observed(cloud, "compute.Server", machine).status is Status.PENDING
    assert len(server.sent("GET", "/queryAsyncJobResult")) == asked
    while observed(cloud, "compute.Server", machine).status is Status.PENDING:
        pass
    told = observed(cloud, "compute.Server", machine)
    assert (told.status, told.detail) == (Status.READY, "Running")


def test_a_server_that_failed_tells_why(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    server.breaking["deployVirtualMachine"] = (533, "Unable to create a deployment")
    machine = made.server(made.subnet())
    told = observed(cloud, "compute.Server", machine)
    assert (told.status, told.detail) == (Status.FAILED, "Unable to create a deployment (533)")
    assert observed(cloud_at(server), "compute.Server", machine).detail == "Error"


def test_a_volume_that_can_not_grow_tells_why(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    volume = made.volume(0)
    server.breaking["resizeVolume"] = (535, "Maximum number of resources of type 'primary_storage' exceeded")
    with pytest.raises(QuotaError, match="primary_storage"):
        change(cloud, "compute.Volume", volume, size_gib=20)
    server.slow = 2
    with pytest.raises(TransientError, match="under way"):
        change(cloud, "compute.Volume", volume, size_gib=20)


# -- servers


def test_another_size_goes_on_where_it_broke_off(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    machine = made.server(made.subnet())
    assert observed(cloud, "compute.Server", machine).status is Status.READY
    server.slow = 3
    size = {"id": "Compute Small PRD"}
    with pytest.raises(TransientError, match="when it has stopped"):
        change(cloud, "compute.Server", machine, size=size)
    other = cloud_at(server)  # the first has died
    told = observed(other, "compute.Server", machine)
    while told.detail == "Stopping":
        told = observed(other, "compute.Server", machine)
    assert told.status is Status.PENDING
    assert "size" not in told.inputs
    server.slow = 0
    change(other, "compute.Server", machine, size=size)
    told = observed(other, "compute.Server", machine)
    assert (told.status, told.inputs["size"]) == (Status.READY, size)
    assert server.machines[machine]["state"] == "Running"
    assert server.machines[machine]["tags"] == []


def test_a_server_that_was_stopped_on_purpose_stays_so(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    machine = made.server(made.subnet())
    observed(cloud, "compute.Server", machine)
    server.machines[machine]["state"] = "Stopped"
    change(cloud, "compute.Server", machine, size={"id": "Compute Small PRD"})
    assert server.machines[machine]["state"] == "Stopped"


def test_a_size_that_can_not_be_had_leaves_it_running(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    machine = made.server(made.subnet())
    observed(cloud, "compute.Server", machine)
    with pytest.raises(InvalidRequestError, match="serviceofferingid"):
        change(cloud, "compute.Server", machine, size={"id": "nothing of the kind"})
    assert observed(cloud, "compute.Server", machine).status is Status.READY
    assert server.machines[machine]["state"] == "Running"


def test_a_server_that_is_not_expunged_keeps_its_subnet(server: CloudStack, made: Made) -> None:
    server.may_expunge = False
    cloud = cloud_at(server)
    subnet = made.subnet()
    assert subnet is not None
    machine = made.server(subnet)
    with pytest.raises(InUseError, match="1 servers in it"):
        provider(cloud, "network.Subnet").delete(subnet)
    provider(cloud, "compute.Server").delete(machine)
    assert provider(cloud, "compute.Server").observe([machine]).gone == {machine}
    assert server.machines[machine]["state"] == "Destroyed"
    with pytest.raises(InUseError, match="Destroyed"):
        provider(cloud, "network.Subnet").delete(subnet)


def test_what_is_used_is_not_deleted(cloud: CloudStackCloud, made: Made) -> None:
    subnet = made.subnet()
    assert subnet is not None
    network = str(observed(cloud, "network.Subnet", subnet).inputs["network"])
    with pytest.raises(InUseError, match="1 subnets"):
        provider(cloud, "network.Network").delete(network)
    machine, volume = made.server(subnet), made.volume(0)
    provider(cloud, "compute.VolumeAttachment").create(Inputs({"volume": volume, "server": machine}), owner("x"))
    observed(cloud, "compute.VolumeAttachment", f"{volume}:{machine}")
    with pytest.raises(InUseError, match="attached"):
        provider(cloud, "compute.Volume").delete(volume)


def test_images_and_sizes_are_chosen_alike(cloud: CloudStackCloud) -> None:
    choose = provider(cloud, "compute.Server").choose
    assert choose("image", {"os": "ubuntu", "version": "10.04"}) == "576"
    assert choose("image", {"os": "centos", "version": "5.4"}) == "481"
    assert choose("size", {"cpus": 2, "memory_gib": 3}) == "Compute Medium PRD"
    assert choose("size", {"id": "mine"}) == "mine"
    for name, wanted in (("image", {"os": "debian", "version": "12"}), ("size", {"cpus": 99, "memory_gib": 1})):
        with pytest.raises(ChoiceError):
            choose(name, wanted)
    arm = {"os": "ubuntu", "version": "10.04", "architecture": "arm64"}
    with pytest.raises(ChoiceError):
        choose("image", arm)


def test_another_zone_is_refused_before_anything_is_sent(server: CloudStack, made: Made) -> None:
    inputs = {"size_gib": 1, "zone": "elsewhere", "encrypted": True, "snapshot": None, "labels": {}, "type": None}
    with pytest.raises(InvalidRequestError, match="elsewhere") as refused:
        provider(made.cloud, "compute.Volume").create(Inputs(inputs), owner("volume"))
    assert not refused.value.sent
    assert not server.sent("POST")


def test_a_volume_from_a_snapshot_has_its_size(cloud: CloudStackCloud, made: Made) -> None:
    volume = made.volume(0)
    snapshot = made.make("compute.Snapshot", "copy", volume=volume, description="")
    plain = {"zone": ZONE, "encrypted": True, "snapshot": snapshot, "type": None}
    with pytest.raises(InvalidRequestError, match="10 GiB"):
        made.make("compute.Volume", "second", size_gib=20, **plain)
    second = made.make("compute.Volume", "second", size_gib=10, **plain)
    assert observed(cloud, "compute.Volume", second).inputs["size_gib"] == 10


def test_a_key_of_the_same_name_with_another_content_is_not_ours(cloud: CloudStackCloud, made: Made) -> None:
    made.make("compute.KeyPair", "key", name="key", public_key=KEYS[0])
    with pytest.raises(ConflictError, match="already exists"):
        made.make("compute.KeyPair", "other", name="key", public_key=KEYS[1])
    assert made.make("compute.KeyPair", "key", name="key", public_key=KEYS[0]) == "key"


# -- addresses


def floating(cloud: CloudStackCloud, machine: str, address: str = "address") -> Observation:
    inputs = Inputs({"server": machine, "labels": {}})
    return provider(cloud, "compute.FloatingIp").create(inputs, owner(address))


def test_an_address_whose_answer_is_lost_is_found(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    machine = made.server(made.subnet())
    observed(cloud, "compute.Server", machine)
    server.lost.append(("POST", "/associateIpAddress"))
    with pytest.raises(TransientError):
        floating(cloud, machine)
    other = cloud_at(server)  # the first has died
    found = provider(other, "compute.FloatingIp").find(owner("address"), Inputs({"server": machine, "labels": {}}))
    assert found is not None
    assert (found.status, found.ownership) == (Status.PENDING, owner("address"))
    again = floating(other, machine)
    assert (again.external_id, again.inputs["server"]) == (found.external_id, machine)
    (vpc,) = server.vpcs.values()
    assert vpc["tags"] == []


def test_two_that_choose_one_address_do_not_share_it(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    machine = made.server(made.subnet())
    observed(cloud, "compute.Server", machine)
    (vpc,) = server.vpcs.values()
    wanted = int(owner("address").token, 16)
    free = sorted(one["ipaddress"] for one in server.addresses.values() if one["state"] == "Free")
    chosen = free[wanted % len(free)]
    theirs = {"key": f"orchestra:address:{owner('other').token}", "value": chosen}
    create = server.create_tags

    def both(fields: Any) -> Any:
        """The other's choice is written down at the same moment."""
        server.create_tags = create  # type: ignore[method-assign]
        vpc["tags"].append(theirs)
        return create(fields)

    server.create_tags = both  # type: ignore[method-assign]
    assert floating(cloud, machine).outputs["address"] != chosen
    observed(cloud, "network.Network", vpc["id"])
    assert vpc["tags"] == [theirs]


def test_a_job_that_cloudstack_has_forgotten_is_over(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    volume = made.volume(0)
    observed(cloud_at(server), "compute.Volume", volume)
    server.jobs.clear()
    assert observed(cloud, "compute.Volume", volume).status is Status.READY


# -- balancers


def balanced(cloud: CloudStackCloud, subnet: str, members: list[str]) -> Observation:
    inputs = {"port": 80, "member_port": None, "members": members, "subnets": [subnet], "labels": {}}
    return provider(cloud, "balancing.LoadBalancer").create(Inputs(inputs), owner("balancer"))


@pytest.mark.parametrize("command", ["associateIpAddress", "createLoadBalancerRule", "assignToLoadBalancerRule"])
def test_a_balancer_is_finished_from_wherever_it_broke_off(server: CloudStack, command: str) -> None:
    made = Made(cloud_at(server, subnet_offering=BALANCING))
    subnet = made.subnet()
    assert subnet is not None
    machine = made.server(subnet)
    observed(made.cloud, "compute.Server", machine)
    server.lost.append(("POST", f"/{command}"))
    with pytest.raises(TransientError):
        balanced(made.cloud, subnet, [machine])
    other = cloud_at(server)  # the first has died
    wanted = {"members": [machine], "subnets": [subnet], "labels": {}}
    half = provider(other, "balancing.LoadBalancer").find(owner("balancer"), Inputs(wanted))
    assert half is not None
    assert half.ownership == owner("balancer")
    told = observed(other, "balancing.LoadBalancer", balanced(other, subnet, [machine]).external_id)
    assert (told.status, told.inputs["members"]) == (Status.READY, [machine])
    assert len(server.balancers) == 1
    taken = [one for one in server.addresses.values() if one["state"] == "Allocated" and not one["issourcenat"]]
    assert [one["ipaddress"] for one in taken] == [told.outputs["address"]]
    (address,) = (one for one in provider(other, "compute.FloatingIp").list() if one.comes_with == "a balancer")
    assert address.ownership is None
    provider(other, "balancing.LoadBalancer").delete(told.external_id)
    assert provider(other, "balancing.LoadBalancer").observe([told.external_id]).gone
    assert not [one for one in server.addresses.values() if one["state"] != "Free" and not one["issourcenat"]]


def test_a_half_made_balancer_can_be_taken_away(server: CloudStack) -> None:
    made = Made(cloud_at(server))  # its subnets have no balancers, so the rule is refused
    subnet = made.subnet()
    assert subnet is not None
    with pytest.raises(InvalidRequestError, match="Lb"):
        balanced(made.cloud, subnet, [])
    balancing = provider(made.cloud, "balancing.LoadBalancer")
    (half,) = balancing.list()
    assert (half.status, half.ownership) == (Status.FAILED, owner("balancer"))
    assert balancing.observe([half.external_id]).found[half.external_id].status is Status.FAILED
    balancing.delete(half.external_id)
    assert balancing.observe([half.external_id]).gone == {half.external_id}


def test_the_address_of_a_network_is_not_taken_for_one_of_ours(cloud: CloudStackCloud, made: Made) -> None:
    subnet = made.subnet()
    assert subnet is not None
    network = observed(cloud, "network.Subnet", subnet).inputs["network"]
    (only,) = provider(cloud, "compute.FloatingIp").list()
    assert (only.comes_with, only.ownership) == (network, None)


def test_a_cloudstack_that_gives_any_address_is_refused(server: CloudStack, cloud: CloudStackCloud, made: Made) -> None:
    machine = made.server(made.subnet())
    server.version = "4.11.3.0"
    with pytest.raises(InvalidRequestError, match=r"4\.11\.3\.0") as refused:
        floating(cloud_at(server), machine)
    assert "adopt" in str(refused.value.remedy)
    assert not server.sent("POST", "/associateIpAddress")


# -- firewalls


def test_nothing_may_leave_can_not_be_said() -> None:
    server = CloudStack(security_groups=True)
    with server.running():
        inputs = {"network": "shared", "description": "x", "ingress": [], "egress": [], "labels": {}}
        with pytest.raises(InvalidRequestError, match="lets everything out"):
            provider(cloud_at(server), "network.Firewall").create(Inputs(inputs), owner("wall"))
        assert not server.sent("POST")


def test_groups_of_a_running_server_are_not_changed() -> None:
    server = CloudStack(security_groups=True)
    with server.running():
        cloud = cloud_at(server)
        machine = Made(cloud).server(None)
        with pytest.raises(InvalidRequestError, match="only while it is stopped"):
            change(cloud, "compute.Server", machine, firewalls=["another"])


# -- accounts


def test_the_account_may_come_from_the_environment(server: CloudStack, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidRequestError, match="no endpoint"):
        cloudstack()
    with pytest.raises(InvalidRequestError, match="no path"):
        cloudstack(endpoint=server.endpoint)
    with pytest.raises(InvalidRequestError, match="plain http"):
        cloudstack(endpoint="ftp://cloud.example/client/api")
    monkeypatch.setenv("CLOUDSTACK_ENDPOINT", f"{server.endpoint}/client/api")
    with pytest.raises(CredentialsError, match="the key is missing"):
        cloudstack()
    monkeypatch.setenv("CLOUDSTACK_KEY", KEY)
    with pytest.raises(CredentialsError, match="the secret is missing"):
        cloudstack()
    monkeypatch.setenv("CLOUDSTACK_SECRET", SECRET)
    with pytest.raises(InvalidRequestError, match="no zone") as missing:
        cloudstack()
    assert "CLOUDSTACK_ZONE" in str(missing.value.remedy)
    monkeypatch.setenv("CLOUDSTACK_ZONE", ZONE)
    cloud = cloudstack()
    cloud.verify()
    assert cloud.name == f"cloudstack:127.0.0.1:{ZONE}"
    assert repr(cloud) == f"CloudStackCloud({cloud.name})"


def test_no_secret_is_seen(server: CloudStack) -> None:
    cloud = cloud_at(server, "wrong-secret")
    with pytest.raises(CredentialsError) as refused:
        cloud.verify()
    told = f"{cloud!r} {refused.value} {vars(refused.value)} {refused.value.__cause__!r}"
    assert "wrong-secret" not in told
    assert KEY not in told


def test_a_zone_of_another_kind_or_name_is_told(server: CloudStack) -> None:
    server.zone["securitygroupsenabled"] = True
    with pytest.raises(InvalidRequestError, match="has security groups") as refused:
        cloud_at(server).verify()
    assert "security_groups=True" in str(refused.value.remedy)
    given = {"key": KEY, "secret": SECRET, "endpoint": f"{server.endpoint}/client/api"}
    with pytest.raises(InvalidRequestError, match="'nowhere' is no zone") as missing:
        cloudstack(zone="nowhere", **given).verify()
    assert ZONE in str(missing.value.remedy)


def test_a_plan_names_what_can_not_be_had(server: CloudStack) -> None:
    class Web(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16", internet=False)
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            self.firewall = oc.Firewall(network=self.network)
            self.server = oc.Server(image="1", size="x", firewalls=[self.firewall])
            self.address = oc.FloatingIp()
            self.disk = oc.Volume(size_gib=1, zone=ZONE, type="ssd")

    cloud = cloud_at(server)
    deployment = oc.Deployment(Web(), name="web", cloud=cloud, state="sqlite://:memory:", progress=False)
    with deployment, pytest.raises(oc.UnsupportedError) as refused:
        deployment.plan()
    told = str(refused.value)
    for word in ("internet", "public", "network.Firewall", "firewalls", "subnet", "server", "type"):
        assert word in told, word
    assert not server.sent("POST")
