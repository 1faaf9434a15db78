"""What each error of Libcloud, requests and the drivers becomes."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError, exception_from_message
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError, ServiceUnavailableError
from libcloud.compute.drivers.ec2 import IdempotentParamError
from libcloud.dns.drivers.route53 import InvalidChangeBatch
from libcloud.dns.types import RecordAlreadyExistsError, ZoneDoesNotExistError
from libcloud.loadbalancer.types import LibcloudLBImmutableError
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from orchestra.clouds.error_codes import CODES
from orchestra.clouds.translate import RETRY_AFTER_LIMIT, redact, translate
from orchestra.errors import (
    CloudError,
    ConflictError,
    CredentialsError,
    InProgressError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    TransientError,
)

BY_CODE = {
    NotFoundError: [
        "InvalidVpcID.NotFound",
        "InvalidInstanceID.NotFound",
        "InvalidAMIID.NotFound",
        "InvalidKeyPair.NotFound",
        "InvalidPermission.NotFound",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchTagSet",
        "NoSuchHostedZone",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "LoadBalancerNotFound",
    ],
    ConflictError: [
        "InvalidGroup.Duplicate",
        "InvalidKeyPair.Duplicate",
        "InvalidPermission.Duplicate",
        "RouteAlreadyExists",
        "InvalidSubnet.Conflict",
        "Resource.AlreadyAssociated",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "HostedZoneAlreadyExists",
        "DuplicateLoadBalancerName",
        "IdempotentParameterMismatch",
        "PreconditionFailed",
    ],
    InUseError: [
        "DependencyViolation",
        "VolumeInUse",
        "InvalidGroup.InUse",
        "InvalidSnapshot.InUse",
        "BucketNotEmpty",
        "HostedZoneNotEmpty",
    ],
    QuotaError: [
        "InstanceLimitExceeded",
        "VpcLimitExceeded",
        "AddressLimitExceeded",
        "RulesPerSecurityGroupLimitExceeded",
        "TooManyBuckets",
        "LimitsExceeded",
        "VolumeModificationRateExceeded",
    ],
    CredentialsError: [
        "AuthFailure",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "AccessDenied",
        "ExpiredToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "OptInRequired",
    ],
    InvalidRequestError: [
        "InvalidParameterValue",
        "InvalidVpc.Range",
        "InvalidSubnet.Range",
        "InvalidInstanceID.Malformed",
        "MissingParameter",
        "MalformedXML",
        "UnsupportedOperation",
        "OperationNotPermitted",
        "IllegalWhatever",  # unknown, with HTTP status 400
    ],
    ThrottledError: [
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "SlowDown",
        "PriorRequestNotComplete",
        "DependencyThrottle",
    ],
    TransientError: [
        "InternalError",
        "Unavailable",
        "ServiceUnavailable",
        "OperationAborted",
        "IncorrectState",
        "IncorrectInstanceState",
        "InsufficientInstanceCapacity",
    ],
}


@pytest.mark.parametrize(("cls", "code"), [(cls, code) for cls, codes in BY_CODE.items() for code in codes])
@pytest.mark.parametrize("form", ["EC2", "S3", "credentials", "prefixed"])
def test_the_code_decides_in_whatever_form_libcloud_leaves_it(cls: type[CloudError], code: str, form: str) -> None:
    document = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>What happened.</Message></Error>"
    error = {
        "EC2": BaseHTTPError(400, f"{code}: What happened."),
        "S3": BaseHTTPError(400, document),
        "credentials": InvalidCredsError(document) if code != "IllegalWhatever" else BaseHTTPError(400, document),
        "prefixed": BaseHTTPError(400, f"Client.{code}: What happened."),
    }[form]
    told = translate(error)
    assert type(told) is cls
    assert told.code == code
    assert told.message == f"{code}: What happened."
    assert told.sent


@pytest.mark.parametrize(
    ("error", "cls"),
    [
        (ContainerDoesNotExistError("gone", None, "box"), NotFoundError),
        (ObjectDoesNotExistError("gone", None, "thing"), NotFoundError),
        (ZoneDoesNotExistError("gone", None, "Z1"), NotFoundError),
        (ContainerAlreadyExistsError("taken", None, "box"), ConflictError),
        (RecordAlreadyExistsError("taken", None, "A:www"), ConflictError),
        (ContainerIsNotEmptyError("full", None, "box"), InUseError),
        (InvalidContainerNameError("name", None, "BOX"), InvalidRequestError),
        (ObjectHashMismatchError("hash", None, "thing"), TransientError),
        (InvalidChangeBatch("[Tried to create resource record set but it already exists]"), ConflictError),
        (InvalidChangeBatch("[Tried to delete resource record set but it was not found]"), NotFoundError),
        (InvalidChangeBatch("[RRSet with DNS name a. is not permitted in zone b.]"), InvalidRequestError),
        (IdempotentParamError("IdempotentParameterMismatch: Arguments on this request differ."), ConflictError),
        (LibcloudLBImmutableError("busy"), InProgressError),
        (MalformedResponseError("Failed to parse XML", body="<html>502</html>"), TransientError),
        (ServiceUnavailableError(), TransientError),
        (LibcloudError("Unknown error. Status code: 503"), TransientError),
        (LibcloudError("Unexpected status code: 404"), NotFoundError),
        (LibcloudError("status_code=503"), TransientError),
        (LibcloudError("ContainerBeingDeleted: The container is being deleted. Status code: 409."), InProgressError),
        (BaseHTTPError(404, ""), NotFoundError),
        (BaseHTTPError(403, ""), CredentialsError),
        (BaseHTTPError(409, "busy"), ConflictError),
        (BaseHTTPError(418, "teapot"), CloudError),
        (BaseHTTPError(502, "Bad Gateway"), TransientError),
        (RateLimitReachedError(), ThrottledError),
        (NotImplementedError("create_balancer not implemented"), InvalidRequestError),
        (KeyError("Invalid"), CloudError),
        (IndexError("list index out of range"), CloudError),
        (ValueError("Invalid: a driver's own fault"), CloudError),
        (Exception("HTTP 1: plain"), CloudError),
        (FileNotFoundError(2, "No such file", "/x"), CloudError),
    ],
)
def test_errors_without_a_code(error: Exception, cls: type[CloudError]) -> None:
    told = translate(error)
    assert type(told) is cls
    assert told.sent
    assert told.message


class _PlainWithStatus(Exception):
    """As Linode's, Vultr's and OVH's: no base in common, a status somewhere."""

    def __init__(self, status: int) -> None:
        super().__init__("no such thing")
        self.code = status


@pytest.mark.parametrize(
    ("status", "cls"), [(404, NotFoundError), (429, ThrottledError), (500, TransientError), (422, InvalidRequestError)]
)
def test_plain_exceptions_with_a_status(status: int, cls: type[CloudError]) -> None:
    assert type(translate(_PlainWithStatus(status))) is cls


def test_an_answer_that_requests_refused_counts_by_its_status() -> None:
    response = requests.Response()
    response.status_code = 404
    assert type(translate(requests.exceptions.HTTPError("404 Not Found", response=response))) is NotFoundError


def _refused(url: str, reason: Exception) -> requests.exceptions.ConnectionError:
    request = requests.Request("GET", url).prepare()
    return requests.exceptions.ConnectionError(MaxRetryError(None, url, reason), request=request)  # type: ignore[arg-type]


SIGNED = "http://cloud.example:81/?Action=X&AWSAccessKeyId=AKIAABCDEFGHIJKLMNOP&Signature=abc%3D"


@pytest.mark.parametrize(
    ("error", "cls", "sent"),
    [
        (_refused(SIGNED, NewConnectionError(None, "refused")), TransientError, False),  # type: ignore[arg-type]
        (_refused(SIGNED, NameResolutionError("h", None, socket.gaierror(-2, "x"))), TransientError, False),  # type: ignore[arg-type]
        (requests.exceptions.ConnectTimeout("timed out"), TransientError, False),
        (ConnectionRefusedError(111, "refused"), TransientError, False),
        (socket.gaierror(-2, "Name or service not known"), TransientError, False),
        (requests.exceptions.ReadTimeout("read timed out"), TransientError, True),
        (requests.exceptions.ConnectionError(ProtocolError("Connection aborted.")), TransientError, True),
        (requests.exceptions.ChunkedEncodingError("broken"), TransientError, True),
        (ConnectionResetError(104, "reset"), TransientError, True),
        (TimeoutError("late"), TransientError, True),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed")), CloudError, False),
        (ssl.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] verify failed"), CloudError, False),
        (requests.exceptions.SSLError(ssl.SSLError("EOF occurred")), TransientError, True),
        (requests.exceptions.InvalidURL("bad"), InvalidRequestError, False),
        (requests.exceptions.JSONDecodeError("bad", "{", 0), TransientError, True),
    ],
)
def test_network(error: Exception, cls: type[CloudError], sent: bool) -> None:
    told = translate(error)
    assert type(told) is cls
    assert told.sent is sent
    assert "AKIA" not in str(told)
    assert "Signature" not in str(told)


def test_an_earlier_failure_does_not_make_a_later_request_unsent() -> None:
    late = requests.exceptions.ReadTimeout("read timed out")
    late.__context__ = _refused(SIGNED, NewConnectionError(None, "refused"))  # type: ignore[arg-type]
    assert translate(late).sent


def test_a_refused_connection_names_the_host_alone() -> None:
    told = translate(_refused(SIGNED, NewConnectionError(None, "refused")))  # type: ignore[arg-type]
    assert told.message == "no connection to cloud.example:81 could be made"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("1.5", 1.5), ("0", None), ("-3", None), ("9999999", RETRY_AFTER_LIMIT)],
)
def test_retry_after_is_bounded(header: str, seconds: float | None) -> None:
    error = exception_from_message(429, "slow", {"retry-after": header})
    assert translate(error).retry_after == seconds


def test_retry_after_as_a_date_in_the_far_future_is_bounded() -> None:
    error = exception_from_message(503, "SlowDown: x", {"retry-after": "Fri, 31 Dec 2099 23:59:59 GMT"})
    told = translate(error)
    assert type(told) is ThrottledError
    assert told.retry_after == RETRY_AFTER_LIMIT


def test_a_cloud_error_stays_itself() -> None:
    error = NotFoundError("gone")
    assert translate(error) is error


def test_several_errors_in_one_answer_are_judged_by_the_first() -> None:
    told = translate(BaseHTTPError(400, "InvalidVpcID.NotFound: gone\nDependencyViolation: used"))
    assert type(told) is NotFoundError
    assert "DependencyViolation: used" in told.message


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "Max retries exceeded with url: /?Action=X&Signature=abc (Caused by Y)",
            "exceeded with url: /?… (Caused by Y)",
        ),
        ("see https://s3.example/box/key?X-Amz-Signature=abc now", "see https://s3.example/box/key?… now"),
        ("via http://user:pass@proxy.example:1 now", "via http://…@proxy.example:1 now"),
        ("Credential=AKIAABCDEFGHIJKLMNOP/20200101/us-east-1, Signature=abc", "Credential=…, Signature=…"),
        ("the key ASIAABCDEFGHIJKLMNOP is unknown", "the key … is unknown"),
        ("X-Amz-Security-Token: FwoGZXIv", "X-Amz-Security-Token: …"),
    ],
)
def test_redact(text: str, left: str) -> None:
    assert redact(text).endswith(left)


def test_a_long_text_is_cut() -> None:
    assert len(redact("word " * 1000)) < 700


def test_what_a_wrong_signature_is_answered_with_leaks_nothing() -> None:
    told = translate(
        InvalidCredsError(
            "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature we calculated does not match.</Message>"
            "<AWSAccessKeyId>AKIAABCDEFGHIJKLMNOP</AWSAccessKeyId><SignatureProvided>abcdef</SignatureProvided></Error>"
        )
    )
    assert told.message == "SignatureDoesNotMatch: The signature we calculated does not match."
    assert "check the access key" in str(told)


def test_every_refusal_says_what_to_do_next() -> None:
    for code, cls in CODES.items():
        if cls in (ConflictError, InUseError, QuotaError, CredentialsError, InvalidRequestError):
            assert translate(BaseHTTPError(400, f"{code}: x")).remedy, code
