"""The SSH keys of a project: https://www.scaleway.com/en/developers/api/iam/#path-ssh-keys.

Every server of a project gets all of its keys when it is made; one can't be given some of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from orchestra.clouds.base.compute.traits import Access, KeyPairs, Marks, Told
from orchestra.errors import InvalidRequestError


def _key(key: Mapping[str, Any]) -> Told:
    return Told(id=key["id"], name=key["name"], fingerprint=key["fingerprint"])


def _create(access: Access, name: str, public_key: str) -> Told:
    body = {"name": name, "public_key": public_key, "project_id": access.driver.project}
    return _key(access.driver.keys.send("POST", "ssh-keys", body))


def check(access: Access, identity: str) -> None:
    """Raise for a key that a server of the project won't get: there is none, or it is of another project."""
    key = access.driver.keys.send("GET", f"ssh-keys/{identity}")
    if key["project_id"] != access.driver.project:
        raise InvalidRequestError(
            f"the key {key['name']} is of another project, and a server gets those of its own",
            sent=False,
            remedy="name a key pair of the same project",
        )


KEY_PAIRS: Final = KeyPairs(
    marks=Marks(longest_name=1000),
    all=lambda access: map(_key, access.driver.keys.rows("ssh-keys", "ssh_keys")),
    one=lambda access, identity: _key(access.driver.keys.send("GET", f"ssh-keys/{identity}")),
    create=_create,
    destroy=lambda access, told: access.driver.keys.send("DELETE", f"ssh-keys/{told.id}"),
)
