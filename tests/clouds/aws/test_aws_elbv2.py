"""Application and network load balancers: what they are made of, what becomes of half of one, and changing over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.clouds.families.aws import AwsCloud, aws
from orchestra.clouds.families.aws.balancing import Balancers
from orchestra.contracts import FoundBy, Inputs, Ownership, Status
from orchestra.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    TransientError,
    UnsupportedError,
)
from orchestra.testing import ProviderCase, check_provider
from tests.clouds.aws.scenery import LABELS, REGION, Scene, census, checked, client, owner
from tests.moto_server import MotoServer

BALANCER = "balancing.LoadBalancer"
SPACE = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"'


def newer(server: MotoServer, balancers: Balancers = "elbv2", **other: Any) -> AwsCloud:
    keys: dict[str, Any] = {"access_key": server.access_key, "secret_key": server.secret_key}
    return aws(**{"region": REGION, "endpoint": server.endpoint, **keys, **other}, balancers=balancers)


@pytest.fixture
def scene(server: MotoServer) -> Scene:
    return Scene(newer(server), server)


def inputs_of(scene: Scene, **other: Any) -> dict[str, Any]:
    return {
        "port": 80,
        "protocol": "http",
        "member_port": 8080,
        "members": [scene.machine(1)],
        "subnets": [scene.subnet(), scene.subnet(2, "eu-west-1b")],
        "firewalls": [scene.firewall()],
        "health_check": None,
        "labels": LABELS,
        **other,
    }


def parts(scene: Scene, arn: str) -> tuple[Any, Any, Any]:
    """Balancer, listeners and target groups as boto3 tells."""
    elbv2 = client(scene.server, "elbv2")
    return (
        elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0],
        elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"],
        elbv2.describe_target_groups()["TargetGroups"],
    )


def test_http_is_an_application_load_balancer_that_forwards_to_its_members(scene: Scene) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene))
    balancer, listeners, groups = parts(scene, arn)
    assert (balancer["Type"], balancer["Scheme"]) == ("application", "internet-facing")
    assert balancer["SecurityGroups"] == [scene.firewall()]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {
        scene.subnet(),
        scene.subnet(2, "eu-west-1b"),
    }
    (listener,), (group,) = listeners, groups
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert [one["TargetGroupArn"] for one in listener["DefaultActions"]] == [group["TargetGroupArn"]]
    assert (group["Port"], group["Protocol"], group["TargetType"]) == (8080, "HTTP", "instance")
    assert group["TargetGroupName"] == balancer["LoadBalancerName"]
    elbv2 = client(scene.server, "elbv2")
    arns = [arn, listener["ListenerArn"], group["TargetGroupArn"]]
    for described in elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]:
        tags = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
        assert Ownership.from_tags(tags) == owner("balancer")
        assert tags.items() >= LABELS.items()
    health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    assert [one["Target"] for one in health] == [{"Id": scene.machine(1), "Port": 8080}]
    assert scene.observed(BALANCER, arn).outputs == {"address": balancer["DNSName"]}


@pytest.mark.parametrize(
    ("protocol", "asked", "sent"),
    [
        ("http", None, ("HTTP", "8080", "/", "200-499")),
        ("http", checked("tcp", 81), ("HTTP", "81", "/", "200-499")),
        ("http", checked("http", 81, "/well"), ("HTTP", "81", "/well", "200-299")),
        ("tcp", None, ("TCP", "8080", None, None)),
        ("tcp", checked("http", 81, "/well"), ("HTTP", "81", "/well", "200-299")),
    ],
)
def test_health_checks(scene: Scene, protocol: str, asked: Any, sent: tuple[Any, ...]) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene, protocol=protocol, health_check=asked))
    (group,) = parts(scene, arn)[2]
    told = tuple(group.get(f"HealthCheck{name}") for name in ("Protocol", "Port", "Path"))
    assert (*told, group.get("Matcher", {}).get("HttpCode")) == sent
    assert scene.observed(BALANCER, arn).inputs["health_check"] == (asked or checked("tcp", 8080))


def test_tcp_is_a_network_load_balancer_guarded_by_default_like_any_other(scene: Scene) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene, protocol="tcp", firewalls=[], subnets=[scene.subnet()]))
    balancer, (listener,), _ = parts(scene, arn)
    groups = client(scene.server, "ec2").describe_security_groups(GroupIds=balancer["SecurityGroups"])
    assert [one["GroupName"] for one in groups["SecurityGroups"]] == ["default"]
    assert (balancer["Type"], listener["Protocol"]) == ("network", "TCP")
    assert scene.observed(BALANCER, arn).inputs["firewalls"] == []


def test_providers_keep_the_contract(scene: Scene) -> None:
    both = [scene.subnet(), scene.subnet(2, "eu-west-1b")]
    machines, firewall = [scene.machine(1), scene.machine(2)], scene.firewall()

    def declared(number: int) -> oc.LoadBalancer:
        return oc.LoadBalancer(port=80 + number, protocol="http", members=machines[:1], subnets=both)

    checked = check_provider(
        lambda: newer(scene.server).provider(BALANCER),  # type: ignore[arg-type, return-value]
        [
            ProviderCase(
                make=declared,
                changes={
                    "members": machines,
                    "firewalls": [firewall],
                    "health_check": oc.HealthCheck(protocol="http", port=81, path="/well"),
                    "labels": LABELS,
                },
                copies=3,
            )
        ],
        unreachable=lambda: newer(scene.server, access_key="wrong").provider(BALANCER),  # type: ignore[arg-type, return-value]
        threads=2,
    )
    assert checked.left_out == ()


def test_a_name_that_aws_keeps_to_itself_is_not_used(scene: Scene) -> None:
    whose = attrs.evolve(owner("balancer"), deployment="internal")
    made = scene.provider(BALANCER).create(Inputs(inputs_of(scene)), whose)
    assert parts(scene, made.external_id)[0]["LoadBalancerName"].startswith("balancer-")
    found = scene.provider(BALANCER).find(whose, Inputs(inputs_of(scene)))
    assert found is not None
    assert found.external_id == made.external_id


@pytest.mark.parametrize("what", ["load balancer", "target group"])
def test_another_of_the_same_name_is_not_taken_over(scene: Scene, what: str) -> None:
    elbv2, name = client(scene.server, "elbv2"), owner("balancer").name(32)
    if what == "load balancer":
        subnets = [scene.subnet(), scene.subnet(2, "eu-west-1b")]
        elbv2.create_load_balancer(Name=name, Subnets=subnets)
    else:
        elbv2.create_target_group(Name=name, Protocol="HTTP", Port=1, VpcId=scene.network)
    with pytest.raises(ConflictError, match="Duplicate"):
        scene.make(BALANCER, "balancer", **inputs_of(scene))


def test_members_on_their_way_out_are_none(scene: Scene) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene))
    scene.server.fault(
        action="DescribeTargetHealth", mode="rewrite", find="<State>healthy<", replace="<State>draining<"
    )
    assert scene.observed(BALANCER, arn).inputs["members"] == []
    assert scene.observed(BALANCER, arn).inputs["members"] == [scene.machine(1)]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("provisioning", Status.PENDING),
        ("active", Status.READY),
        ("active_impaired", Status.READY),
        ("failed", Status.FAILED),
        ("none-such", Status.PENDING),
    ],
)
def test_how_far_it_is(scene: Scene, state: str, status: Status) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene))
    scene.server.fault(
        action="DescribeLoadBalancers", mode="rewrite", find="<Code>active<", replace=f"<Code>{state}<", count=2
    )
    told = scene.observed(BALANCER, arn)
    assert (told.status, told.detail) == (status, state)


def test_a_listener_that_somebody_adds_changes_nothing(scene: Scene) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene))
    before = scene.observed(BALANCER, arn)
    elbv2 = client(scene.server, "elbv2")
    other = elbv2.create_target_group(Name="other", Protocol="HTTP", Port=1, VpcId=scene.network)["TargetGroups"][0]
    for port, action in (
        (7, {"Type": "forward", "TargetGroupArn": other["TargetGroupArn"]}),
        (8, {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}),
    ):
        elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[action])
    assert scene.observed(BALANCER, arn) == before
    scene.provider(BALANCER).delete(arn)
    assert [one["TargetGroupName"] for one in elbv2.describe_target_groups()["TargetGroups"]] == ["other"]


def test_one_that_is_protected_stays_whole(scene: Scene) -> None:
    arn = scene.make(BALANCER, "balancer", **inputs_of(scene))
    before = census(scene.server)
    error = "<Error><Code>OperationNotPermitted</Code><Message>deletion protection is enabled</Message></Error>"
    body = f"<ErrorResponse {SPACE}>{error}</ErrorResponse>"
    scene.server.fault(action="DeleteLoadBalancer", mode="answer", status=400, body=body)
    with pytest.raises(InvalidRequestError, match="deletion protection"):
        scene.provider(BALANCER).delete(arn)
    assert census(scene.server) == before


def test_what_was_made_elsewhere_is_read_and_deleted_without_what_it_shares(scene: Scene) -> None:
    elbv2 = client(scene.server, "elbv2")
    subnets = [scene.subnet(), scene.subnet(2, "eu-west-1b")]
    made = elbv2.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    inputs = inputs_of(scene)
    provider = scene.provider(BALANCER)
    assert scene.observed(BALANCER, made).inputs["members"] is None
    with pytest.raises(InvalidRequestError, match="wasn't made here"):
        scene.update(BALANCER, made, inputs, labels={})
    group = elbv2.create_target_group(Name="shop", Protocol="HTTP", Port=8080, VpcId=scene.network)["TargetGroups"][0]
    action = {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}
    elbv2.create_listener(LoadBalancerArn=made, Protocol="HTTP", Port=80, DefaultActions=[action])
    scene.update(BALANCER, made, inputs, members=[scene.machine(2)])
    told = scene.observed(BALANCER, made)
    assert (told.inputs["members"], told.ownership) == ([scene.machine(2)], None)
    assert made in [one.external_id for one in provider.list()]
    provider.delete(made)
    assert provider.observe([made]).gone == {made}
    assert [one["TargetGroupName"] for one in elbv2.describe_target_groups()["TargetGroups"]] == ["shop"]


def test_more_than_a_page_and_one_that_goes_while_it_is_read(scene: Scene) -> None:
    elbv2 = client(scene.server, "elbv2")
    subnets = [scene.subnet(), scene.subnet(2, "eu-west-1b")]
    made = [
        elbv2.create_load_balancer(Name=f"b{n}", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        for n in range(45)
    ]
    reading = scene.provider(BALANCER).observe(made)
    assert (set(reading.found), reading.gone, reading.unread) == (set(made), frozenset(), {})
    error = "<Error><Code>LoadBalancerNotFound</Code><Message>one is gone</Message></Error>"
    for action, count in (("DescribeTags", 2), ("DescribeListeners", 1)):
        body = f"<ErrorResponse {SPACE}>{error}</ErrorResponse>"
        scene.server.fault(action=action, mode="answer", status=400, body=body, count=count)
        listed = [one.external_id for one in scene.provider(BALANCER).list()]
        assert listed == [arn for arn in made if arn != made[0]], action


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("TooManyTargetGroups", QuotaError),
        ("TooManyRegistrationsForTargetId", QuotaError),
        ("TargetGroupAssociationLimit", QuotaError),
        ("InvalidConfigurationRequest", InvalidRequestError),
        ("HealthUnavailable", TransientError),
    ],
)
def test_its_own_refusals(scene: Scene, code: str, error: type[Exception]) -> None:
    inputs = inputs_of(scene)
    status = 500 if code == "HealthUnavailable" else 400
    text = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    body = f"<ErrorResponse {SPACE}>{text}</ErrorResponse>"
    scene.server.fault(action="CreateTargetGroup", mode="answer", status=status, body=body)
    with pytest.raises(error, match=code):
        scene.make(BALANCER, "balancer", **inputs)


# -- in a deployment


class Site(oc.Stack):
    """Two servers behind a balancer in two zones."""

    protocol: str = "http"
    zones: tuple[str, ...] = ("eu-west-1a", "eu-west-1b")

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnets = [
            oc.Subnet(network=self.network, cidr=f"10.0.{n}.0/24", zone=zone) for n, zone in enumerate(self.zones)
        ]
        self.web = [
            oc.Server(
                image=oc.Image(os="debian", version="12"),
                size=oc.Size(cpus=1, memory_gib=1),
                subnet=self.subnets[0],
            )
            for _ in range(2)
        ]
        self.balancer = oc.LoadBalancer(
            port=80,
            protocol=self.protocol,  # type: ignore[arg-type]
            members=self.web,
            subnets=self.subnets,
        )


@pytest.fixture
def site(server: MotoServer, tmp_path: Path) -> Iterator[Any]:
    made: list[oc.Deployment] = []

    def deployment(balancers: Balancers = "elbv2", **parameters: Any) -> oc.Deployment:
        cloud = newer(server, balancers, consistency_seconds=0)
        path = tmp_path / "state.db"
        made.append(oc.Deployment(Site(**parameters), name="site", cloud=cloud, state=path, progress=False))
        return made[-1]

    yield deployment
    for one in made:
        one.close()


def actions(plan: oc.Plan) -> dict[str, oc.Action]:
    return {str(change.address): change.action for change in plan.changes}


def counted(server: MotoServer) -> tuple[int, ...]:
    """Classic balancers, newer ones, listeners, target groups, targets."""
    found = census(server)
    return tuple(found[one] for one in ("balancers", "newer balancers", "listeners", "target groups", "targets"))


def test_one_subnet_is_refused_by_the_plan(site: Any, server: MotoServer) -> None:
    with pytest.raises(UnsupportedError) as refused:
        site(zones=("eu-west-1a",)).plan()
    assert refused.value.address == "balancer"
    assert "an application load balancer, which is what AWS has for http, needs subnets in two zones" in str(
        refused.value
    )
    assert "a second subnet, in another zone" in str(refused.value)
    site(zones=("eu-west-1a",), protocol="tcp").apply()
    assert counted(server) == (0, 1, 1, 1, 2)


def test_classic_ones_stay_until_their_replacement_is_asked_for(site: Any, server: MotoServer) -> None:
    site("elb").apply()
    assert counted(server)[:4] == (1, 0, 0, 0)
    changed = site("elbv2")
    assert changed.plan().is_empty
    assert changed.drift().is_empty
    changed.apply(changed.plan(replace=["balancer"]))
    assert counted(server) == (0, 1, 1, 1, 2)
    back = site("elb")
    assert back.plan().is_empty
    assert back.drift().is_empty
    back.destroy()
    assert counted(server) == (0, 0, 0, 0, 0)


def test_a_creation_cut_off_is_found_whatever_makes_new_ones_since(site: Any, server: MotoServer) -> None:
    error = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    server.fault(
        action="CreateTargetGroup", mode="answer", status=403, body=f"<ErrorResponse {SPACE}>{error}</ErrorResponse>"
    )
    with pytest.raises(oc.ApplyError):
        site("elbv2").apply()
    assert counted(server) == (0, 1, 0, 0, 0)
    later = site("elb")
    later.apply()
    assert counted(server) == (0, 1, 1, 1, 2)
    assert later.plan().is_empty


def test_half_of_one_is_made_whole(site: Any, server: MotoServer) -> None:
    deployment = site()
    deployment.apply()
    elbv2 = client(server, "elbv2")
    arn = deployment.value(deployment.stack.balancer.id)
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    elbv2.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=[answer])
    assert actions(deployment.plan()) == {"balancer": oc.Action.UPDATE}
    deployment.apply()
    assert deployment.plan().is_empty
    assert counted(server) == (0, 1, 1, 1, 2)

    (listener,) = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    assert actions(deployment.plan()) == {"balancer": oc.Action.UPDATE}
    deployment.apply()
    assert deployment.plan().is_empty
    assert counted(server) == (0, 1, 1, 1, 2)


@pytest.mark.parametrize("then", ["apply", "destroy"])
def test_what_is_left_when_the_balancer_alone_was_deleted_goes_too(site: Any, server: MotoServer, then: str) -> None:
    deployment = site()
    deployment.apply()
    arn = deployment.value(deployment.stack.balancer.id)
    client(server, "elbv2").delete_load_balancer(LoadBalancerArn=arn)
    assert actions(deployment.plan()) == {"balancer": oc.Action.REPLACE}
    assert "its load balancer is gone, the target group is still there" in str(
        deployment.cloud.provider(BALANCER).observe([arn]).found[arn].detail
    )
    if then == "apply":
        deployment.apply()
        assert deployment.plan().is_empty
    else:
        deployment.destroy()
    assert counted(server) == ((0, 1, 1, 1, 2) if then == "apply" else (0, 0, 0, 0, 0))


def test_what_cannot_be_made_is_refused_before_anything_is_called() -> None:
    with pytest.raises(InvalidRequestError, match="balancers='alb'") as refused:
        aws(region=REGION, access_key="key", secret_key="secret", balancers="alb")  # type: ignore[arg-type]
    assert "'elb', 'elbv2'" in refused.value.remedy


def test_what_it_is_found_by_is_told(scene: Scene) -> None:
    can = scene.provider(BALANCER).capabilities
    assert (can.found_by, can.found_key) == (FoundBy.NAME, "Name, with the tag orchestra:token")
    with pytest.raises(NotFoundError):
        scene.update(BALANCER, "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/x/1", inputs_of(scene))
