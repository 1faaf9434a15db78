"""The SSH keys of a project of Scaleway's: https://www.scaleway.com/en/developers/api/iam/#path-ssh-keys.

Nobody recorded them. A server gets all keys of its project when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request

PROJECT: Final = "000a115d-2852-4b0a-9ce8-47f1134ba95a"
_PATH: Final = "/iam/v1alpha1/ssh-keys"
_TIME: Final = "2025-05-22T12:57:22.514299Z"


class Keys(Imitation):
    """Keys of one project. ``page`` is the most that one page of any list tells."""

    def __init__(self, page: int = 100) -> None:
        super().__init__()
        self.page = page
        self.keys: dict[str, dict[str, Any]] = {}

    def key_routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", _PATH, self.listed_keys),
            ("POST", _PATH, self.make_key),
            ("GET", f"{_PATH}/([^/]+)", lambda _, identity: (200, self.key(identity))),
            ("DELETE", f"{_PATH}/([^/]+)", self.drop_key),
        )

    def key(self, identity: str) -> dict[str, Any]:
        if identity not in self.keys:
            raise RefusedError(404, "resource is not found")
        return self.keys[identity]

    def listed_keys(self, request: Request) -> tuple[int, Any]:
        if set(request.query) != {"project_id", "page_size", "page"}:
            self.faults.append(f"{request.path}: {request.query}")
        found = [one for one in self.keys.values() if one["project_id"] == request.query["project_id"]]
        start, size = int(request.query["page"]) - 1, min(self.page, int(request.query["page_size"]))
        return 200, {"ssh_keys": found[start * size : (start + 1) * size], "total_count": len(found)}

    def make_key(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "public_key", "project_id"))
        if body["project_id"] != PROJECT:
            raise RefusedError(403, "no such project")
        if not 1 <= len(body["name"]) <= 1000 or not body["public_key"].startswith("ssh-"):
            raise RefusedError(400, "invalid argument(s)")
        identity = f"6ecdc8a4-1e1c-4a38-9f2b-{self.number():012}"
        self.keys[identity] = {
            "id": identity,
            **body,
            "fingerprint": f"256 MD5:{self.number():032x} {body['name']} (ssh-ed25519)",
            "created_at": _TIME,
            "updated_at": _TIME,
            "organization_id": "ecc1c86a-eabb-43a7-9c0a-77e371753c0a",
            "disabled": False,
        }
        return 200, dict(self.keys[identity])

    def drop_key(self, _: Request, identity: str) -> tuple[int, Any]:
        del self.keys[self.key(identity)["id"]]
        return 204, None
