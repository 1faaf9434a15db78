"""How the cloud is made: from arguments, from the environment, and with no secret to be seen."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import AzureCloud, azure
from orchestra.errors import CredentialsError, InvalidRequestError, NotFoundError, TransientError
from tests.clouds.azure.arm import CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, TOKEN, AzureRefusal
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import KINDS, Scene, cloud_at

ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_DEFAULTS_GROUP": GROUP,
    "AZURE_DEFAULTS_LOCATION": "westeurope",
    "AZURE_TENANT_ID": TENANT,
    "AZURE_CLIENT_ID": CLIENT,
    "AZURE_CLIENT_SECRET": SECRET,
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_everything_may_come_from_the_environment(server: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    cloud = azure(endpoint=server.endpoint, login_endpoint=server.endpoint)
    cloud.verify()
    assert cloud.name == f"azure:{GROUP}:westeurope"
    assert repr(cloud) == f"AzureCloud({cloud.name})"


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, "" if name == missing else value)
    with pytest.raises((CredentialsError, InvalidRequestError)) as refused:
        azure()
    assert missing in str(refused.value.remedy)
    assert refused.value.sent is False


def test_an_application_that_is_given_is_not_mixed_with_one_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CredentialsError, match="the secret is missing"):
        azure(client_id="another")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"resource_group": "a/b"}, "can't be a resource group"),
        ({"subscription": "a?b"}, "can't be a subscription"),
        ({"tenant": "a/../b"}, "can't be a tenant"),
        ({"endpoint": "http://user@127.0.0.1/path"}, "scheme, host and port"),
        ({"login_endpoint": "ftp://127.0.0.1"}, "scheme, host and port"),
        ({"storage_account": "a.b/c", "storage_key": "a2V5"}, "can't be a storage account"),
    ],
)
def test_what_can_not_be_right_is_refused(server: Azure, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        cloud_at(server, **given)


def test_making_it_calls_nothing_and_verifying_calls_little(server: Azure) -> None:
    cloud = cloud_at(server)
    assert server.requests == []
    cloud.verify()
    assert [(one.method, one.path.rpartition("/")[2]) for one in server.requests] == [
        ("POST", "token"),
        ("GET", GROUP),
        ("GET", "locations"),
    ]


def test_a_group_that_is_not_there_is_told_with_what_makes_it(server: Azure, cloud: AzureCloud) -> None:
    server.has_group = False
    with pytest.raises(InvalidRequestError, match="'shop-rg' could not be found") as refused:
        cloud.verify()
    assert "az group create" in str(refused.value.remedy)
    assert not server.sent("PUT"), "it isn't made"


def test_a_region_that_is_not_there_is_told(server: Azure) -> None:
    with pytest.raises(InvalidRequestError, match="'westeurop' is no region") as refused:
        cloud_at(server, region="westeurop").verify()
    assert "westeurope" in str(refused.value.remedy)


def test_no_secret_is_seen(server: Azure) -> None:
    wrong = "wrong~secret"
    cloud = cloud_at(server, secret=wrong)
    with pytest.raises(CredentialsError, match="AADSTS7000215: Invalid client secret") as refused:
        cloud.verify()
    assert wrong not in f"{cloud!r} {refused.value} {vars(refused.value)}"
    assert "Trace ID" not in str(refused.value)
    server.refusing += [("GET", "/locations", AzureRefusal(403, "AuthorizationFailed", f"no, {TOKEN}"))]
    with pytest.raises(CredentialsError) as forbidden:
        cloud_at(server).verify()
    assert TOKEN not in f"{forbidden.value} {vars(forbidden.value)}"


def test_a_wrong_tenant_is_no_sign_that_anything_is_gone(server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    wrong = cloud_at(server, tenant="nobody.example").provider("compute.Volume")
    assert wrong is not None
    assert set(wrong.observe([volume]).unread) == {volume}
    with pytest.raises(CredentialsError, match="AADSTS90002"):
        wrong.delete(volume)


def test_what_is_not_azure_is_told_as_such(server: Azure, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = scene.volume()
    monkeypatch.setattr(server, "refusal", lambda error: {"detail": "a proxy's page"})
    server.refusing += [("GET", "/disks/", AzureRefusal(404, "whatever"))]
    found = scene.cloud.provider("compute.Volume")
    assert found is not None
    (told,) = found.observe([volume]).unread.values()
    assert isinstance(told, TransientError)
    assert not isinstance(told, NotFoundError)


def test_the_secret_goes_to_the_login_endpoint_only(server: Azure, cloud: AzureCloud) -> None:
    other = Azure()
    with other.running():
        split = cloud_at(server, login_endpoint=other.endpoint)
        split.verify()
        assert [one.path for one in other.requests] == [f"/{TENANT}/oauth2/token"]
        assert not server.sent("POST")
        assert not [one for one in server.requests if SECRET in f"{one.body} {one.query} {dict(one.headers)}"]


def test_other_clouds_of_azures_are_known_by_where_they_are() -> None:
    given = {"subscription": "s", "resource_group": "g", "region": "r", "tenant": "t", "client_id": "c", "secret": "s"}
    cloud = azure(**given, endpoint="https://management.usgovcloudapi.net", name="government")
    assert cloud.name == "government"


def test_blobs_are_there_with_a_storage_account_only(server: Azure, cloud: AzureCloud) -> None:
    assert [kind for kind in KINDS if cloud.provider(kind) is None] == []
    assert cloud.provider("storage.Bucket") is None
    stored = cloud_at(server, storage_account="shopfiles", storage_key="a2V5")
    assert stored.provider("storage.Bucket") is not None
    assert stored.provider("storage.Blob") is not None
    with pytest.raises(oc.CredentialsError, match="key of the storage account 'shopfiles' is missing"):
        cloud_at(server, storage_account="shopfiles")
