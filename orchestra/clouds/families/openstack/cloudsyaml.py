"""``clouds.yaml``, in which OpenStack's own client keeps how to reach clouds, and ``secure.yaml`` beside it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from orchestra.errors import InvalidRequestError

_TOP: Final = MappingProxyType({"region_name": "region", "interface": "interface", "cacert": "ca_file"})
_AUTH: Final = MappingProxyType(
    {
        "auth_url": "endpoint",
        "username": "username",
        "user_id": "user_id",
        "password": "password",
        "user_domain_name": "user_domain",
        "user_domain_id": "user_domain_id",
        "project_name": "project",
        "project_id": "project_id",
        "project_domain_name": "project_domain",
        "project_domain_id": "project_domain_id",
        "application_credential_id": "application_credential_id",
        "application_credential_secret": "application_credential_secret",
    }
)
"""What its keys are called here."""


def read_cloud(name: str) -> dict[str, str]:
    """The settings of the cloud ``name``.

    The file is the first that is there of ``OS_CLIENT_CONFIG_FILE``, ``clouds.yaml`` in the working directory, in
    ``~/.config/openstack`` and in ``/etc/openstack``. Raises `InvalidRequestError` if there is none, or no such cloud
    in it, or if PyYAML is absent.
    """
    path = next((one for one in _places() if one.is_file()), None)
    if path is None:
        raise InvalidRequestError(
            f"openstack(): there is no clouds.yaml to find the cloud {name!r} in",
            sent=False,
            remedy="put it into ~/.config/openstack, or set OS_CLIENT_CONFIG_FILE",
        )
    clouds = _clouds(path)
    if name not in clouds:
        raise InvalidRequestError(
            f"openstack(): {path} has no cloud {name!r}",
            sent=False,
            remedy=f"use one of {', '.join(sorted(clouds)) or 'none'}, or add it",
        )
    secure = path.with_name("secure.yaml")
    hidden = _clouds(secure).get(name, {}) if secure.is_file() else {}
    found: dict[str, str] = {}
    for part in (clouds[name], hidden):
        found.update(_texts(part, _TOP))
        found.update(_texts(part.get("auth") or {}, _AUTH))
    return found


def _places() -> Iterator[Path]:
    if told := os.environ.get("OS_CLIENT_CONFIG_FILE"):
        yield Path(told)
    yield Path("clouds.yaml")
    yield Path.home() / ".config" / "openstack" / "clouds.yaml"
    yield Path("/etc/openstack/clouds.yaml")


def _clouds(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError as error:
        raise InvalidRequestError(
            f"openstack(): PyYAML is needed to read {path}",
            sent=False,
            remedy="install PyYAML, or set OS_AUTH_URL, OS_USERNAME and the others in place of OS_CLOUD",
        ) from error
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidRequestError(
            f"openstack(): {path} can't be read ({type(error).__name__})", sent=False, remedy="correct the file"
        ) from None  # what is wrong in it may be a password
    clouds = content.get("clouds") if isinstance(content, Mapping) else None
    return {str(name): one for name, one in (clouds or {}).items() if isinstance(one, Mapping)}


def _texts(part: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    return {ours: str(part[theirs]) for theirs, ours in names.items() if part.get(theirs) is not None}
