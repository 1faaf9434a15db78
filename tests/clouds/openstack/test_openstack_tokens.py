"""The token: shared by all threads, renewed when it runs out or isn't taken any more, and never told."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import orchestra as oc
from tests.clouds.openstack.scenarios import cloud_at
from tests.clouds.openstack.tape import Exchange, load, playing

SIGN_IN = load("network")[0]
UNAUTHORIZED = {"error": {"code": 401, "title": "Unauthorized", "message": "The request needs a token"}}


def sign_in(hours: float = 1.0, token: str = "first-token") -> Exchange:
    """The recorded answer to signing in, good for ``hours`` from now."""
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    told = {**SIGN_IN.answer["token"], "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}
    return Exchange(
        **{
            **SIGN_IN.request(),
            "status": 201,
            "answer": {"token": told},
            "headers": {"Content-Type": "application/json", "X-Subject-Token": token},
        }
    )


def flavors(status: int = 200, answer: Any = None) -> Exchange:
    """What `OpenStackCloud.verify` asks for."""
    content = {"flavors": []} if answer is None else answer
    headers = {"Content-Type": "application/json"}
    return Exchange("GET", "/compute/v2.1/flavors?limit=1", None, "compute 2.60", status, content, headers)


def test_all_threads_share_one_token() -> None:
    with playing([sign_in(), *(flavors() for _ in range(8))]) as player:
        cloud = cloud_at(f"{player.endpoint}/identity/v3")
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda _: cloud.verify(), range(8)))


def test_a_token_that_is_about_to_run_out_is_renewed() -> None:
    with playing([sign_in(hours=0.01), sign_in(), flavors(), flavors()]) as player:
        cloud = cloud_at(f"{player.endpoint}/identity/v3")
        cloud.verify()
        cloud.verify()


def test_a_token_that_is_not_taken_any_more_is_renewed_once() -> None:
    exchanges = [sign_in(), flavors(401, UNAUTHORIZED), sign_in(token="second-token"), flavors()]
    with playing(exchanges) as player:
        cloud_at(f"{player.endpoint}/identity/v3").verify()


def test_a_token_that_is_never_taken_is_a_matter_of_credentials() -> None:
    exchanges = [sign_in(), flavors(401, UNAUTHORIZED), sign_in(token="second-token"), flavors(401, UNAUTHORIZED)]
    with playing(exchanges) as player, pytest.raises(oc.CredentialsError) as caught:
        cloud_at(f"{player.endpoint}/identity/v3").verify()
    assert "token" not in str(caught.value).replace("needs a token", "")


def refused(status: int, answer: Any) -> Exchange:
    headers = {"Content-Type": "application/json" if isinstance(answer, dict) else "text/html"}
    return Exchange(**{**SIGN_IN.request(), "status": status, "answer": answer, "headers": headers})


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (401, UNAUTHORIZED, oc.CredentialsError),
        (403, {"error": {"code": 403, "title": "Forbidden", "message": "no"}}, oc.CredentialsError),
        (404, {"error": {"code": 404, "title": "Not Found", "message": "no such project"}}, oc.InvalidRequestError),
        (404, "<html>not here</html>", oc.TransientError),
        (500, "<html>oops</html>", oc.TransientError),
        (503, "", oc.TransientError),
    ],
)
def test_what_keystone_refuses_is_never_taken_for_something_that_is_gone(
    status: int, answer: Any, expected: type[oc.CloudError]
) -> None:
    with playing([refused(status, answer) for _ in range(3)]) as player:
        cloud = cloud_at(f"{player.endpoint}/identity/v3")
        with pytest.raises(expected) as caught:
            cloud.verify()
        assert "secret" not in f"{caught.value} {caught.value.remedy}"
        server = cloud.provider("compute.Server")
        assert server is not None
        reading = server.observe(["some-id"])
        assert not reading.gone
        assert isinstance(reading.unread["some-id"], expected)
        with pytest.raises(oc.CloudError):
            server.delete("some-id")


def test_a_page_that_openstack_did_not_write_is_no_proof_that_something_is_gone() -> None:
    page = {"Content-Type": "text/html"}
    missing = Exchange("GET", "/compute/v2.1/servers/x", None, "compute 2.60", 404, "<html>", page)
    with playing([sign_in(), missing]) as player:
        server = cloud_at(f"{player.endpoint}/identity/v3").provider("compute.Server")
        assert server is not None
        assert set(server.observe(["x"]).unread) == {"x"}


@pytest.mark.parametrize(("region", "says"), [("south", "no region 'south'"), ("RegionOne", "")])
def test_the_region_must_be_in_the_catalogue(region: str, says: str) -> None:
    with playing([sign_in()] if says else [sign_in(), flavors()]) as player:
        cloud = cloud_at(f"{player.endpoint}/identity/v3", region=region)
        if says:
            with pytest.raises(oc.InvalidRequestError, match=says) as caught:
                cloud.verify()
            assert "RegionOne" in str(caught.value.remedy)
        else:
            cloud.verify()


def test_pages_are_followed_and_a_list_that_goes_in_circles_is_not_trusted() -> None:
    def page(marker: str, *ids: str, more: bool) -> Exchange:
        links = {"keypairs_links": [{"rel": "next", "href": "elsewhere"}]} if more else {}
        rows = [
            {"keypair": {"name": one, "public_key": "ssh-rsa AAAA", "fingerprint": "aa", "type": "ssh"}} for one in ids
        ]
        path = "/compute/v2.1/os-keypairs?limit=1000" + (f"&marker={marker}" if marker else "")
        answer = {"keypairs": rows, **links}
        return Exchange("GET", path, None, "compute 2.60", 200, answer, {"Content-Type": "application/json"})

    with playing([sign_in(), page("", "a", "b", more=True), page("b", "c", more=False)]) as player:
        keys = cloud_at(f"{player.endpoint}/identity/v3").provider("compute.KeyPair")
        assert keys is not None
        assert [one.external_id for one in keys.list()] == ["a", "b", "c"]
    with playing([sign_in(), page("", "a", more=True), page("a", "a", more=True)]) as player:
        keys = cloud_at(f"{player.endpoint}/identity/v3").provider("compute.KeyPair")
        assert keys is not None
        with pytest.raises(oc.TransientError, match="twice"):
            list(keys.list())
