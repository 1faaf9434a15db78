"""Wrong keys, wrong places, broken answers: each a typed error that says what to do, and nothing secret."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from orchestra.clouds.connections import Connections, Timeouts
from orchestra.clouds.families.aws import AwsCloud, aws, query
from orchestra.clouds.families.aws.connecting import Account, Drivers, Pools
from orchestra.clouds.families.aws.regions import hosts, known_regions
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs
from orchestra.errors import CloudError, CredentialsError, InvalidRequestError, ThrottledError, TransientError
from tests.clouds.aws.scenery import CASES, REGION, Scene, census, owner
from tests.moto_server import MotoServer

SECRET = "a-secret-that-nobody-may-see"
OF_EACH_SERVICE = ["compute.Server", "balancing.LoadBalancer", "dns.Zone", "storage.Bucket"]


def cloud_of(server: MotoServer, **other: Any) -> AwsCloud:
    given = {"access_key": server.access_key, "secret_key": server.secret_key, "endpoint": server.endpoint, **other}
    return aws(region=REGION, **given)


def test_a_cloud_tells_its_name_and_nothing_secret() -> None:
    cloud = aws(region="eu-west-1", access_key="AKIDEXAMPLE", secret_key=SECRET, session_token=SECRET)
    assert cloud.name == "aws:eu-west-1"
    assert repr(cloud) == "AwsCloud(aws:eu-west-1)"
    assert SECRET not in repr(vars(cloud))
    assert aws(region="eu-west-1", access_key="a", secret_key="b", name="other account").name == "other account"


def test_right_keys_are_verified_with_one_call(server: MotoServer) -> None:
    cloud_of(server).verify()
    assert server.stats() == {"DescribeRegions": 1}


@pytest.mark.parametrize("wrong", [{"access_key": "another"}, {"secret_key": SECRET}])
def test_wrong_keys_are_refused_by_every_service(server: MotoServer, wrong: dict[str, str]) -> None:
    cloud = cloud_of(server, **wrong)
    with pytest.raises(CredentialsError, match="access key") as refused:
        cloud.verify()
    told = [refused.value]
    for kind in OF_EACH_SERVICE:
        provider = cloud.provider(kind)
        assert provider is not None
        with pytest.raises(CredentialsError) as refused:
            list(provider.list())
        told.append(refused.value)
    for error in told:
        assert error.code in ("AuthFailure", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch")
        assert error.remedy
        assert SECRET not in "".join(traceback.format_exception(error))


def test_refused_reads_are_unread_and_never_gone(server: MotoServer) -> None:
    cloud = cloud_of(server, secret_key=SECRET)
    for kind, external_id in zip(OF_EACH_SERVICE, ["i-1", "one", "Z1", "one-bucket"], strict=True):
        provider = cloud.provider(kind)
        assert provider is not None
        reading = provider.observe([external_id])
        assert (reading.found, reading.gone) == ({}, frozenset())
        assert isinstance(reading.unread[external_id], CredentialsError)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_dead_endpoint_is_told_as_not_sent(scene: Scene, case: Any) -> None:
    inputs = Inputs(case.inputs(scene))
    provider = cloud_of(scene.server, endpoint="http://127.0.0.1:1").provider(case.kind)
    assert provider is not None
    with pytest.raises(TransientError, match=r"no connection to 127\.0\.0\.1:1 could be made") as dead:
        provider.create(inputs, owner("subject"))
    assert dead.value.sent is False
    reading = provider.observe(["vpc-1/A/b"])
    assert (list(reading.unread), reading.gone) == (["vpc-1/A/b"], frozenset())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"secret_key": "b"}, "the access key is missing"),
        ({"access_key": "a"}, "the secret key is missing"),
        ({}, "the access key is missing"),
    ],
)
def test_missing_keys_are_asked_for(given: dict[str, str], message: str) -> None:
    with pytest.raises(CredentialsError, match=message) as missing:
        aws(region="eu-west-1", **given)
    assert "AWS_ACCESS_KEY_ID" in str(missing.value)
    assert missing.value.sent is False


def test_keys_and_region_come_from_the_environment(server: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    cloud = aws(endpoint=server.endpoint)
    cloud.verify()
    assert cloud.name == "aws:eu-central-1"
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert aws().name == "aws:eu-north-1"
    with pytest.raises(CredentialsError, match="secret key"):  # given and found keys are never mixed
        aws(access_key="another")


def test_a_session_token_goes_in_no_url(server: MotoServer) -> None:
    cloud = cloud_of(server, session_token=SECRET)
    server.fault(query=SECRET, mode="answer", status=400, count=9)
    server.fault(query="ecurity-.oken", mode="answer", status=400, count=9)
    for kind in OF_EACH_SERVICE:
        provider = cloud.provider(kind)
        assert provider is not None
        list(provider.list())
    assert SECRET not in repr(Account(REGION, hosts(REGION, server.endpoint), "a", "b", SECRET))


def test_no_region() -> None:
    with pytest.raises(InvalidRequestError, match="no region is given") as missing:
        aws(access_key="a", secret_key="b")
    assert "eu-west-1" in str(missing.value)


@pytest.mark.parametrize(
    ("region", "near"), [("eu-west-9", "eu-west-"), ("us-east", "us-east-1"), ("frankfurt", "ap-northeast-1")]
)
def test_an_unknown_region_is_refused_with_near_ones(region: str, near: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"'{region}' is no region") as unknown:
        aws(region=region, access_key="a", secret_key="b")
    assert near in str(unknown.value)


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:5000", "ftp://127.0.0.1", "http://", "http://host/path", "http://user:pw@host", "http://host:x"],
)
def test_a_wrong_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidRequestError, match="a URL of scheme, host and port") as wrong:
        aws(region="eu-west-1", access_key="a", secret_key="b", endpoint=endpoint)
    assert "pw" not in str(wrong.value)


def test_every_region_has_hosts_of_its_own() -> None:
    for region in known_regions():
        found = hosts(region, None)
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        assert found.ec2.name == f"ec2.{region}.{suffix}"
        assert found.elb.name == f"elasticloadbalancing.{region}.{suffix}"
        assert found.s3.name == f"s3.{region}.{suffix}"
        assert found.route53.name.endswith(suffix)
        assert {(one.port, one.secure) for one in (found.ec2, found.elb, found.s3, found.route53)} == {(443, True)}
    assert hosts("us-gov-west-1", None).route53.name == "route53.us-gov.amazonaws.com"
    assert hosts("eu-west-1", "https://aws.example").s3 == hosts("eu-west-1", "https://aws.example:443").ec2


def test_drivers_of_every_region_call_their_hosts() -> None:
    for region in known_regions():
        drivers = Drivers(Account(region, hosts(region, None), "a", "b"), Pools())
        for driver, service in ((drivers.ec2, "ec2"), (drivers.elb, "elb"), (drivers.s3, "s3")):
            assert driver.connection.connection.host == f"https://{getattr(hosts(region, None), service).name}"
            assert driver.region_name == region


def test_connections_are_shared_bounded_in_time_and_never_repeat(server: MotoServer) -> None:
    pools = Pools()
    account = Account(REGION, hosts(REGION, server.endpoint), server.access_key, server.secret_key)
    one, other = Drivers(account, pools), Drivers(account, pools)
    for name in ("ec2", "elb", "route53", "s3"):
        connections = getattr(one, name).connection.connection.session
        assert connections is getattr(other, name).connection.connection.session is getattr(pools, name)
        assert connections.timeout == (5.0, 60.0)
        assert connections.get_adapter(server.endpoint).max_retries.total == 0
        assert getattr(one, name).connection is not getattr(other, name).connection


@pytest.mark.parametrize("value", ["1", "0", "false"])
def test_libclouds_own_retry_stays_off(server: MotoServer, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """It repeats mutations, and takes any text in the environment for yes."""
    monkeypatch.setenv("LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS", value)
    cloud = cloud_of(server)
    for kind in OF_EACH_SERVICE:
        server.fault(mode="drop_after", count=9)
        provider = cloud.provider(kind)
        assert provider is not None
        before = sum(server.stats().values())
        with pytest.raises(TransientError):
            list(provider.list())
        assert sum(server.stats().values()) == before + 1
        server.reset()


def test_no_answer_in_time_is_told_as_unknown(server: MotoServer) -> None:
    pools = Pools(ec2=Connections(timeouts=Timeouts(silence=0.2)))
    account = Account(REGION, hosts(REGION, server.endpoint), server.access_key, server.secret_key)
    drivers = Drivers(account, pools)
    server.fault(action="CreateVpc", mode="delay", seconds=1.0)
    with pytest.raises(Exception, match="timed out") as late:
        query.ec2(drivers.ec2, "CreateVpc", {"CidrBlock": "10.0.0.0/16"})
    told = translate(late.value)
    assert isinstance(told, TransientError)
    assert told.sent


ERROR = "<Response><Errors><Error><Code>{}</Code><Message>Request limit exceeded.</Message></Error></Errors></Response>"
ELB_ERROR = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
S3_ERROR = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("compute.Server", 503, ERROR.format("RequestLimitExceeded")),
        ("balancing.LoadBalancer", 400, ELB_ERROR),
        ("dns.Zone", 400, ELB_ERROR),
        ("storage.Bucket", 503, S3_ERROR),
    ],
)
def test_throttling_is_told_with_the_wait_that_was_asked_for(scene: Scene, kind: str, status: int, body: str) -> None:
    scene.server.fault(mode="answer", status=status, body=body, headers={"Retry-After": "7"}, count=2)
    with pytest.raises(ThrottledError) as slow:
        list(scene.provider(kind).list())
    assert slow.value.retry_after == 7.0
    reading = scene.provider(kind).observe(["one"])
    assert isinstance(reading.unread["one"], ThrottledError)


@pytest.mark.parametrize("kind", OF_EACH_SERVICE)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, "<html><body>Bad Gateway</body></html>"),
        (502, "Bad Gateway"),
        (200, "<html/>"),
        (200, ""),
        (200, "{}"),
        (200, '<DescribeInstancesResponse xmlns="http://ec2.example/"><reservationSet/></DescribeInstancesResponse>'),
        (200, '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"/>'),
        (200, "<ListAllMyBucketsResult/>"),
        (200, "<ListHostedZonesResponse/>"),
    ],
)
def test_an_answer_of_another_is_never_an_empty_list(scene: Scene, kind: str, status: int, body: str) -> None:
    scene.server.fault(mode="answer", status=status, body=body)
    with pytest.raises(TransientError):
        list(scene.provider(kind).list())
    scene.server.fault(mode="answer", status=status, body=body)
    reading = scene.provider(kind).observe(["one"])
    assert (reading.found, reading.gone) == ({}, frozenset())


ELB_SPACE = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "network.Network",
            '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcSet/>'
            "<nextToken>again</nextToken></DescribeVpcsResponse>",
        ),
        (
            "balancing.LoadBalancer",
            f"<DescribeLoadBalancersResponse {ELB_SPACE}><DescribeLoadBalancersResult><LoadBalancerDescriptions/>"
            "<NextMarker>again</NextMarker></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>",
        ),
        (
            "dns.Zone",
            "<ListHostedZonesResponse><HostedZones/><IsTruncated>true</IsTruncated>"
            "<NextMarker>again</NextMarker></ListHostedZonesResponse>",
        ),
        (
            "storage.Bucket",
            "<ListAllMyBucketsResult><Buckets/><ContinuationToken>again</ContinuationToken></ListAllMyBucketsResult>",
        ),
    ],
)
def test_a_list_that_never_ends_is_refused(scene: Scene, kind: str, body: str) -> None:
    scene.server.fault(mode="answer", status=200, body=body, count=20)
    with pytest.raises(TransientError, match="the same page"):
        list(scene.provider(kind).list())
    assert sum(scene.server.stats().values()) == 2


def test_no_call_is_made_before_it_is_needed(server: MotoServer) -> None:
    cloud_of(server)
    assert server.stats() == {}


def test_a_secret_in_user_data_is_in_no_url_and_no_traceback(scene: Scene) -> None:
    inputs = scene.server_inputs(user_data=f"PASSWORD={SECRET}")
    scene.server.fault(action="RunInstances", mode="drop_before")
    with pytest.raises(TransientError) as cut:
        scene.provider("compute.Server").create(Inputs(inputs), owner("server"))
    assert SECRET not in "".join(traceback.format_exception(cut.value))
    assert census(scene.server)["instances"] == 0


def test_a_quota_is_told_as_such(scene: Scene) -> None:
    scene.server.fault(action="CreateVpc", mode="answer", status=400, body=ERROR.format("VpcLimitExceeded"))
    with pytest.raises(CloudError, match="VpcLimitExceeded") as full:
        _ = scene.network
    assert "higher limit" in str(full.value)
