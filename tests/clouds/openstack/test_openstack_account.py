"""Who calls: from arguments, the environment, clouds.yaml; never a mixture, never a secret in what is shown."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

import orchestra as oc
from orchestra.clouds.families.openstack.account import Account, account_of

ENDPOINT = "https://cloud.example:5000/v3"
GIVEN = {"endpoint": ENDPOINT, "username": "ann", "password": "hush", "project": "shop"}

YAML = """
clouds:
  home:
    region_name: north
    cacert: /etc/ca.pem
    interface: internal
    auth:
      auth_url: https://home.example/identity
      username: ann
      project_name: shop
      project_domain_id: default
      user_domain_name: People
  robot:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://home.example/identity/v3
      application_credential_id: abc
      application_credential_secret: hush
"""
SECURE = "clouds: {home: {auth: {password: hush}}}"


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those that a test makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def clouds_yaml(tmp_path: Path) -> Path:
    (tmp_path / "clouds.yaml").write_text(YAML)
    (tmp_path / "secure.yaml").write_text(SECURE)
    return tmp_path / "clouds.yaml"


def user(account: Account) -> dict[str, object]:
    found: dict[str, object] = account.identity["password"]["user"]
    return found


def test_arguments() -> None:
    account = account_of({**GIVEN, "region": "north"}, None)
    assert account.endpoint == "https://cloud.example:5000"
    assert account.region == "north"
    assert user(account) == {"name": "ann", "domain": {"name": "Default"}, "password": "hush"}
    assert account.scope == {"project": {"name": "shop", "domain": {"name": "Default"}}}


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OS_AUTH_URL": ENDPOINT,
        "OS_USERNAME": "ann",
        "OS_PASSWORD": "hush",
        "OS_PROJECT_ID": "4711",
        "OS_USER_DOMAIN_NAME": "People",
        "OS_REGION_NAME": "north",
    }.items():
        monkeypatch.setenv(name, value)
    account = account_of({}, None)
    assert account.place == "cloud.example:north"
    assert user(account)["domain"] == {"name": "People"}
    assert account.scope == {"project": {"id": "4711"}}


def test_credentials_given_are_not_mixed_with_those_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_PASSWORD", "somebody else's")
    monkeypatch.setenv("OS_APPLICATION_CREDENTIAL_ID", "somebody else's")
    with pytest.raises(oc.CredentialsError, match="password is missing"):
        account_of({**GIVEN, "password": None}, None)
    assert "password" in account_of(GIVEN, None).identity["methods"]


def test_an_application_credential_fixes_the_project() -> None:
    given = {"endpoint": ENDPOINT, "application_credential_id": "abc", "application_credential_secret": "hush"}
    account = account_of(given, None)
    assert account.identity["application_credential"] == {"id": "abc", "secret": "hush"}
    assert account.scope is None


def test_clouds_yaml(clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("yaml")
    monkeypatch.setenv("OS_CLOUD", "home")
    account = account_of({}, None)
    assert account.endpoint == "https://home.example/identity"
    assert (account.region, account.interface, account.ca_file) == ("north", "internal", "/etc/ca.pem")
    assert user(account) == {"name": "ann", "domain": {"name": "People"}, "password": "hush"}
    assert account.scope == {"project": {"name": "shop", "domain": {"id": "default"}}}
    robot = account_of({"region": "south"}, "robot")
    assert robot.endpoint == "https://home.example/identity"
    assert robot.region == "south"
    assert robot.identity["methods"] == ["application_credential"]


def test_clouds_yaml_elsewhere(clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("yaml")
    moved = clouds_yaml.with_name("mine.yaml")
    clouds_yaml.rename(moved)
    with pytest.raises(oc.InvalidRequestError, match=r"no clouds\.yaml"):
        account_of({}, "home")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(moved))
    assert account_of({}, "home").region == "north"
    with pytest.raises(oc.InvalidRequestError, match="no cloud 'away'") as caught:
        account_of({}, "away")
    assert "home, robot" in str(caught.value.remedy)


def test_a_broken_clouds_yaml_is_not_shown(clouds_yaml: Path) -> None:
    pytest.importorskip("yaml")
    clouds_yaml.write_text("clouds: {home: {auth: {password: 'hush}}}")
    with pytest.raises(oc.InvalidRequestError, match="can't be read") as caught:
        account_of({}, "home")
    assert "hush" not in f"{caught.value} {caught.value.remedy} {caught.value.__cause__}"


def test_without_pyyaml(clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.import_module

    def absent(name: str, package: str | None = None) -> ModuleType:
        if name == "yaml":
            raise ImportError(name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(oc.InvalidRequestError, match="PyYAML is needed") as caught:
        account_of({}, "home")
    assert "OS_AUTH_URL" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("missing", "says"),
    [("endpoint", "no endpoint"), ("username", "username"), ("password", "password"), ("project", "project")],
)
def test_what_is_missing_is_named(missing: str, says: str) -> None:
    with pytest.raises((oc.CredentialsError, oc.InvalidRequestError), match=says) as caught:
        oc.clouds.openstack(**{name: value for name, value in GIVEN.items() if name != missing})
    assert caught.value.sent is False
    assert caught.value.remedy


@pytest.mark.parametrize("wrong", ["cloud.example", "ftp://cloud.example", "https://ann:hush@cloud.example/v3"])
def test_a_wrong_endpoint_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(oc.InvalidRequestError) as caught:
        oc.clouds.openstack(**{**GIVEN, "endpoint": wrong})
    assert "hush" not in str(caught.value)


def test_no_secret_is_shown() -> None:
    cloud = oc.clouds.openstack(**GIVEN)
    assert cloud.name == "openstack:cloud.example"
    for shown in (repr(cloud), str(cloud), repr(account_of(GIVEN, None)), repr(vars(cloud))):
        assert "hush" not in shown
