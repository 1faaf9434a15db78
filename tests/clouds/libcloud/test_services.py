"""Which driver is meant, what it is given, and where its credentials go."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.clouds.base.driver import ConnectionsTo, Endpoint, connect
from orchestra.clouds.families.libcloud import libcloud
from orchestra.clouds.families.libcloud.services import SERVICES, make_driver, served
from orchestra.errors import InvalidRequestError
from tests.clouds.recorded.tape import Answer, Tape

SERVED = [(service, provider) for service in ("dns", "storage") for provider in served(service)]
CREDENTIALS = ("GOOG0123456789ABCXYZ", "bWFkZS11cA==")
"""The key has the form of Google's, the secret that of Azure's: their drivers look."""


def test_a_provider_is_named_by_its_constant_or_the_constants_name() -> None:
    for name in ("powerdns", "POWERDNS", "PowerDNS"):
        assert repr(libcloud(name)) == "LibcloudCloud(powerdns)"
    assert libcloud("azure_blobs").name == libcloud("AZURE_BLOBS").name == "azure_blobs"
    assert libcloud("powerdns", name="inner").name == "inner"


@pytest.mark.parametrize(
    ("given", "message", "remedy"),
    [
        ({"provider": "nonesuch"}, "has no provider 'nonesuch'", "readthedocs"),
        ({"provider": "digitalocean"}, "is there for", "service="),
        ({"provider": "powerdns", "service": "storage"}, "no provider 'powerdns' for storage", "azure_blobs"),
        ({"provider": "powerdns", "service": "names"}, "is no service", "dns"),
        ({"provider": "route53"}, "isn't served", "powerdns"),
        ({"provider": "openstack"}, "has a family of its own", "cloudscale"),
        ({"provider": "rancher"}, "taken out the API", "kubernetes"),
        ({"provider": "elb"}, "AWS has a family of its own", "brightbox"),
        ({"provider": "powerdns", "endpoint": "127.0.0.1:8081"}, "scheme, host and port", "http://"),
        ({"provider": "powerdns", "endpoint": "http://u:p@127.0.0.1"}, "scheme, host and port", "http://"),
        ({"provider": "powerdns", "endpoint": "http://127.0.0.1/api"}, "scheme, host and port", "http://"),
        ({"provider": "powerdns", "endpoint": "http://127.0.0.1:99999"}, "scheme, host and port", "http://"),
    ],
)
def test_what_is_named_wrongly_is_refused_with_what_is_right(given: Any, message: str, remedy: str) -> None:
    with pytest.raises(InvalidRequestError, match=message) as caught:
        libcloud(**given)
    assert remedy in str(caught.value.remedy)
    assert not caught.value.sent


def test_a_region_that_a_driver_does_not_take_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="takes no region"):
        libcloud("powerdns", region="eu", key="k").verify()


@pytest.mark.parametrize(("service", "provider"), SERVED, ids=[f"{one}-{two}" for one, two in SERVED])
def test_every_driver_goes_to_the_endpoint_that_is_given(
    service: str, provider: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some ignore host and port when they are made: what counts is where the connection goes."""
    if provider in ("google", "local", "openstack_swift"):
        pytest.skip("it goes through other servers first, or through none; it has a test of its own")
    place = Endpoint("127.0.0.1", 18081, False)
    terms = SERVICES[service].terms(provider)
    named = {"host": place.host, "port": place.port, "secure": place.secure} if terms.hosted else {}
    driver = make_driver(provider, service, CREDENTIALS, {**terms.defaults, **named})
    connections = ConnectionsTo(place)
    assert connect(driver, connections, place) is driver
    assert driver.connection.connection.host == "http://127.0.0.1:18081"
    assert driver.connection.connection.session is connections
    driver.connection.connect()
    assert driver.connection.connection.session is connections


def test_credentials_never_follow_a_server_to_another(tape: Tape) -> None:
    tape.play(Answer("GET", "/api/v1/servers/localhost/zones", "", 307, {"Location": "http://127.0.0.2:9/elsewhere"}))
    cloud = libcloud("powerdns", key="made-up-key", endpoint=tape.endpoint)
    with pytest.raises(InvalidRequestError, match=r"would call 127\.0\.0\.2, the endpoint is 127\.0\.0\.1") as caught:
        cloud.verify()
    assert not caught.value.sent
    assert tape.lines == ["GET /api/v1/servers/localhost/zones"]


def test_no_credential_is_shown(tape: Tape) -> None:
    tape.play(Answer("GET", "/v2/domains", {"message": "token made-up-token-1 is wrong"}, 403))
    cloud = libcloud("digitalocean", service="dns", key="made-up-token-1", endpoint=tape.endpoint)
    with pytest.raises(Exception, match="wrong") as caught:
        cloud.verify()
    assert "made-up-token-1" not in f"{caught.value}{caught.value.__cause__}{cloud!r}"


def test_a_folder_is_no_secret(tmp_path: Any) -> None:
    missing = tmp_path / "none-such"
    with pytest.raises(Exception, match="not a directory"):
        libcloud("local", key=str(missing)).verify()
