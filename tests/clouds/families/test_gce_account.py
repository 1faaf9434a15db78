"""Who calls Google: credentials from arguments and the environment, tokens, other services, and nothing to be seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestra.clouds import gce
from orchestra.clouds.families.gce import identity
from orchestra.contracts import Inputs, Ownership, fresh_token
from orchestra.errors import CredentialsError, InvalidRequestError, TransientError
from tests.clouds.families.gce import PROJECT, REGION, Gce, credentials
from tests.clouds.families.gce_scenery import connect, provider
from tests.clouds.families.imitation import Answer, Request

PEM_BEGINS = "-----BEGIN PRIVATE" + " KEY-----"
OWNER = Ownership("prod", "zone", fresh_token("zone"))


@pytest.fixture
def server() -> Iterator[Gce]:
    server = Gce()
    with server.running():
        yield server


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def test_credentials_are_a_file_its_content_or_a_mapping(server: Gce, tmp_path: Path) -> None:
    key = credentials(server.endpoint)
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    for given in (path, str(path), path.read_text(), key):
        gce(region=REGION, credentials=given, endpoint=server.endpoint).verify()


def test_credentials_may_come_from_the_environment(
    server: Gce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CredentialsError, match="the credentials are missing") as missing:
        gce(region=REGION)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(missing.value)
    key = {**credentials(server.endpoint), "project_id": "another-one"}
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    assert gce(region=REGION).name == f"gce:another-one:{REGION}"
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    cloud = gce(zone=f"{REGION}-b", endpoint=server.endpoint)
    assert (cloud.name, repr(cloud)) == (f"gce:{PROJECT}:{REGION}", f"GceCloud(gce:{PROJECT}:{REGION})")
    cloud.verify()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"type": "external_account"}, "of type 'external_account' can't be signed in with"),
        ({"type": "service_account", "client_email": "x"}, "have no private_key"),
        ({}, "are missing"),
        ("{", "no JSON object"),
        ("[]", "can't be read"),
        (PEM_BEGINS, "can't be read"),
    ],
)
def test_credentials_that_cannot_be_used_are_told_and_not_shown(given: Any, message: str) -> None:
    with pytest.raises(CredentialsError, match=message) as refused:
        gce(project="p", region=REGION, credentials=given)
    assert "BEGIN" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no region is given"),
        ({"zone": "europe-west1-b", "region": REGION}, "isn't in region"),
        ({"region": REGION, "endpoint": "http://user@127.0.0.1/path"}, "scheme, host and port"),
        ({"region": REGION, "credentials": {**credentials("http://x"), "project_id": ""}}, "no project is given"),
    ],
)
def test_what_is_wrong_is_told_at_once(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        gce(**{"credentials": credentials("http://127.0.0.1:1"), **given})


def test_a_region_that_is_not_there_is_told(server: Gce) -> None:
    with pytest.raises(InvalidRequestError, match="'nowhere' is no region"):
        connect(server, region="nowhere").verify()


def test_a_project_that_is_not_there_loses_nothing(server: Gce) -> None:
    cloud = connect(server, project="mistyped")
    reading = provider(cloud, "network.Network").observe(["global/networks/x"])
    assert isinstance(reading.unread["global/networks/x"], InvalidRequestError)
    with pytest.raises(InvalidRequestError, match="'projects/mistyped' was not found"):
        cloud.verify()


def test_one_token_serves_all_and_is_renewed_when_it_is_refused(server: Gce) -> None:
    cloud = connect(server)
    networks, zones = provider(cloud, "network.Network"), provider(cloud, "compute.Volume")
    assert (list(networks.list()), list(zones.list())) == ([], [])
    assert len(server.sent("POST", "/token")) == 1
    server.tokens.clear()
    assert list(networks.list()) == []
    assert len(server.sent("POST", "/token")) == 2


def test_it_is_renewed_before_it_runs_out(server: Gce, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = connect(server)
    cloud.verify()
    now = time.monotonic()
    monkeypatch.setattr(identity.time, "monotonic", lambda: now + 3500.0)
    cloud.verify()
    assert len(server.sent("POST", "/token")) == 2


def test_no_file_is_written_and_no_secret_seen(server: Gce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    cloud = connect(server)
    cloud.verify()
    assert list(tmp_path.iterdir()) == []
    key = {**credentials(server.endpoint), "client_email": "stranger@example"}
    with pytest.raises(CredentialsError, match="invalid_grant") as refused:
        connect(server, credentials=key).verify()
    assert "PRIVATE" not in f"{cloud!r} {vars(cloud)} {refused.value} {vars(refused.value)}"


def test_a_key_that_is_none_is_told(server: Gce) -> None:
    key = {**credentials(server.endpoint), "private_key": f"{PEM_BEGINS}\nx\n{PEM_BEGINS}"}
    with pytest.raises(CredentialsError, match="no RSA key in PEM"):
        connect(server, credentials=key).verify()


def test_a_token_server_that_is_down_is_passing_trouble(server: Gce) -> None:
    server.failing += [("POST", "/token", 503)]
    cloud = connect(server)
    with pytest.raises(TransientError, match="token server"):
        cloud.verify()
    cloud.verify()


class GceWithMore(Gce):
    """With a user's credentials, Cloud DNS and Cloud Storage, as far as it takes to see who calls them."""

    def routes(self) -> Any:
        more: tuple[tuple[str, str, Answer], ...] = (
            ("POST", f"/dns/v1/projects/{PROJECT}/managedZones", self.make_zone),
            ("GET", f"/dns/v1/projects/{PROJECT}/managedZones/([^/]+)", lambda _, name: (200, self.zones[name])),
            ("PUT", "/([a-z0-9-]+)", self.make_bucket),
            ("HEAD", "/([a-z0-9-]+)", lambda _, name: (200 if name in self.buckets else 404, None)),
        )
        return (*more, *super().routes())

    def __init__(self) -> None:
        super().__init__()
        self.zones: dict[str, Any] = {}
        self.buckets: dict[str, Request] = {}

    def sign_in(self, request: Request) -> tuple[int, Any]:
        if request.body["grant_type"] != "refresh_token":
            return super().sign_in(request)
        body = self.check_body(request, needed=("grant_type", "client_id", "client_secret", "refresh_token"))
        assert (body["client_id"], body["client_secret"], body["refresh_token"]) == ("id", "made-up", "made-up-too")
        self.tokens.add("ya29.of-a-user")
        return 200, {"access_token": "ya29.of-a-user", "expires_in": 3599}

    def make_zone(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "dnsName", "description"))
        servers = ["ns-cloud-e1.googledomains.com."]
        self.zones[body["name"]] = {**body, "id": "1", "nameServers": servers, "creationTime": "2026-01-01T00:00:00Z"}
        return 200, self.zones[body["name"]]

    def make_bucket(self, request: Request, name: str) -> tuple[int, Any]:
        self.buckets[name] = request
        return 200, None


@pytest.fixture
def more() -> Iterator[GceWithMore]:
    server = GceWithMore()
    with server.running():
        yield server


def test_a_user_s_credentials_sign_in_too(more: GceWithMore) -> None:
    user = {
        "type": "authorized_user",
        "client_id": "id",
        "client_secret": "made-up",
        "refresh_token": "made-up-too",
        "token_uri": f"{more.endpoint}/token",
    }
    connect(more, credentials=user, project=PROJECT).verify()
    assert more.tokens == {"ya29.of-a-user"}


def test_zones_and_buckets_are_had_with_the_same_token(more: GceWithMore) -> None:
    cloud = connect(more)
    cloud.verify()
    zone = provider(cloud, "dns.Zone").create(Inputs({"domain": "shop.example"}), OWNER)
    assert zone.ownership == OWNER
    assert zone.outputs["name_servers"] == ["ns-cloud-e1.googledomains.com"]
    plain = {"name": "uploads", "encrypted": True, "public": False, "versioned": False, "labels": {}}
    provider(cloud, "storage.Bucket").create(Inputs(plain), OWNER)
    assert REGION in more.buckets["uploads"].body, "where the servers are"
    assert more.buckets["uploads"].headers["x-goog-project-id"] == PROJECT
    assert len(more.sent("POST", "/token")) == 1
