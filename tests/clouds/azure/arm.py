"""Azure Resource Manager as far as the family speaks it, with who signs in beside it, on one server of loopback.

Things have the fields of the recorded ones. Creations and changes are under way until they are read once. As Azure's
own, lists of Compute spell the name of the resource group in capitals, and are told in pages.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

SUBSCRIPTION: Final = "99999999-9999-9999-9999-999999999999"
TENANT: Final = "77777777-7777-7777-7777-777777777777"
CLIENT: Final = "55555555-5555-5555-5555-555555555555"
SECRET: Final = "p4ssw0rd~made.up"
GROUP: Final = "shop-rg"
REGION: Final = "westeurope"
TOKEN: Final = recorded("azure", "oauth2_token")["access_token"]
ROOT: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"

VERSIONS: Final = {
    "virtualMachines": "2024-07-01",
    "sshPublicKeys": "2024-07-01",
    "disks": "2023-10-02",
    "snapshots": "2023-10-02",
    "galleries": "2023-07-03",
    "virtualNetworks": "2024-05-01",
    "subnets": "2024-05-01",
    "networkSecurityGroups": "2024-05-01",
    "applicationSecurityGroups": "2024-05-01",
    "networkInterfaces": "2024-05-01",
    "publicIPAddresses": "2024-05-01",
    "versions": "2024-07-01",
    "skus": "2021-07-01",
    "locations": "2022-12-01",
    "default": "2021-04-01",
    GROUP: "2021-04-01",
}
"""The version of the API that each type is asked for in, by the last word of its path that is no name."""

COMPUTE: Final = "Microsoft.Compute"
NETWORK: Final = "Microsoft.Network"


class AzureRefusal(RefusedError):
    """A refusal with Azure's code."""

    def __init__(self, status: int, code: str, message: str = "refused for a reason") -> None:
        super().__init__(status, message)
        self.code = code


def kind_in(path: str) -> str:
    """The word in ``path`` that tells a type, and its version; what is in galleries has theirs."""
    words = [part for part in path.split("/") if part in VERSIONS]
    return "galleries" if "galleries" in words else words[-1]


def _is_going(thing: Mapping[str, Any]) -> bool:
    return thing["properties"].get("provisioningState") == "Deleting"


Put = Callable[[Request, str, "dict[str, Any] | None"], "tuple[int, dict[str, Any]]"]


class Manager(Imitation):
    """What all types share: things by their id, pages, tags, tokens."""

    def __init__(self, page: int = 50) -> None:
        super().__init__()
        self.page = page
        self.things: dict[str, dict[str, Any]] = {}
        """By id, in lower case."""
        self.has_group = True
        self.tokens = {TOKEN}
        """The tokens that are taken."""
        self.refusing: list[tuple[str, str, AzureRefusal]] = []
        """Method and pattern of requests that are refused once with a code of Azure's, with nothing done."""
        self.elsewhere = ""
        """Where lists say that they go on, if not here."""
        self.deaths: list[tuple[str, str, bool]] = []
        """Method, pattern in the path, and whether it is still served, of requests at which whoever calls dies."""
        self.is_dead = False
        self.retry_after = 0
        """Seconds that every answer says to wait, 0 for none."""
        self.lasting: dict[str, int] = {}
        """For how many more reads things are under way, by a part of their id."""

    # -- for the tests

    def answer(self, request: Request) -> tuple[int, Any]:
        """See `Imitation.answer`. Once whoever calls has died, nothing is served."""
        for method, part, is_served in self.deaths:
            if request.method == method and re.search(part, request.path) and not self.is_dead:
                self.is_dead = True
                if is_served:
                    super().answer(request)
        return (503, None) if self.is_dead else super().answer(request)

    def loses(self, request: Request) -> bool:
        return self.is_dead or super().loses(request)

    def revive(self) -> None:
        """Somebody calls again."""
        self.deaths, self.is_dead = [], False

    def read(self, raw: bytes, content_type: str) -> Any:
        """See `Imitation.read`: whoever signs in sends a form."""
        if content_type.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(raw.decode()))
        return super().read(raw, content_type)

    def headers(self, request: Request) -> Mapping[str, str]:
        """See `Imitation.headers`."""
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}

    # -- for the types

    def puts(self) -> Mapping[str, Put]:
        """What makes one of a type."""
        raise NotImplementedError

    def settle(self, thing: dict[str, Any]) -> None:
        """What a read sees: what was under way has come to its end."""
        left = next((part for part, reads in self.lasting.items() if part in thing["id"] and reads), None)
        if left is not None:
            self.lasting[left] -= 1
        elif thing["properties"].get("provisioningState") in ("Creating", "Updating"):
            thing["properties"]["provisioningState"] = "Succeeded"

    def removed(self, thing: dict[str, Any]) -> bool:
        """Check that it may be deleted, and do what goes with that; whether it is gone at once."""
        raise NotImplementedError

    # -- routes

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        one = rf"({ROOT}/providers/[\w.]+/\w+/[^/]+(?:/subnets/[^/]+|/images/[^/]+(?:/versions/[^/]+)?)?)"
        many = rf"{ROOT}/providers/([\w.]+/\w+(?:/[^/]+/images(?:/[^/]+/versions)?)?)"
        return (
            ("POST", f"/{TENANT}/oauth2/token", self.sign_in),
            ("POST", "/[^/]+/oauth2/token", self.no_tenant),
            ("GET", ROOT, lambda request: self.versioned(request, (200, {"id": ROOT, "name": GROUP}))),
            ("GET", f"/subscriptions/{SUBSCRIPTION}/locations", self.locations),
            ("GET", many, self.listed),
            ("GET", one, self.one),
            ("PUT", one, self.put),
            ("DELETE", one, self.delete),
            ("PATCH", f"{one}/providers/Microsoft.Resources/tags/default", self.retag),
        )

    def authorize(self, request: Request) -> None:
        for one in self.refusing:
            if one[0] == request.method and one[1] in unquote(request.path):
                self.refusing.remove(one)
                raise one[2]
        if request.path.endswith("/oauth2/token"):
            return
        if request.headers.get("Authorization") not in {f"Bearer {one}" for one in self.tokens}:
            raise AzureRefusal(
                401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."
            )
        if not self.has_group and request.path.startswith(ROOT):
            raise AzureRefusal(404, "ResourceGroupNotFound", f"Resource group '{GROUP}' could not be found.")

    def refusal(self, error: RefusedError) -> Any:
        if isinstance(error, AzureRefusal) and error.code.startswith("invalid"):
            return {"error": error.code, "error_description": error.message}
        code = (
            error.code if isinstance(error, AzureRefusal) else {404: "ResourceNotFound"}.get(error.status, "BadRequest")
        )
        return {"error": {"code": code, "message": error.message}}

    # -- who signs in, and where

    def sign_in(self, request: Request) -> tuple[int, Any]:
        self.check_body(request, needed=("grant_type", "client_id", "client_secret", "resource"))
        if request.body["client_secret"] != SECRET:
            words = "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value."
            raise AzureRefusal(401, "invalid_client", f"{words}\r\nTrace ID: 1\r\nCorrelation ID: 2")
        assert request.body["client_id"] == CLIENT
        assert request.body["resource"] == "https://management.core.windows.net/"
        return 200, {**recorded("azure", "oauth2_token"), "access_token": sorted(self.tokens)[-1]}

    def no_tenant(self, request: Request) -> tuple[int, Any]:
        raise AzureRefusal(400, "invalid_request", "AADSTS90002: Tenant 'nobody' not found.\r\nTrace ID: 1")

    def locations(self, request: Request) -> tuple[int, Any]:
        zones = [{"logicalZone": str(n), "physicalZone": f"westeurope-az{n}"} for n in (3, 1, 2)]
        found = [{"name": REGION, "displayName": "West Europe", "availabilityZoneMappings": zones}, {"name": "westus"}]
        return self.versioned(request, (200, {"value": found}))

    # -- things

    def versioned(self, request: Request, answer: tuple[int, Any], *, word: str = "") -> tuple[int, Any]:
        if request.query.get("api-version") != VERSIONS[word or kind_in(unquote(request.path))]:
            self.faults.append(f"{request.method} {request.path}: version {request.query.get('api-version')}")
        return answer

    def known(self, identity: str) -> dict[str, Any]:
        if identity.lower() not in self.things:
            raise AzureRefusal(404, "ResourceNotFound", f"The Resource '{identity}' was not found.")
        return self.things[identity.lower()]

    def listed(self, request: Request, kind: str) -> tuple[int, Any]:
        prefix = f"{ROOT}/providers/{kind}/".lower()
        every = [
            one for key, one in self.things.items() if key.startswith(prefix) and "/" not in key.removeprefix(prefix)
        ]
        found = [one for one in every if not _is_going(one) or self.seen(one) is not None]
        start = int(request.query.get("$skiptoken", 0))
        part = [self.told(one) if _is_going(one) else self.seen(one) for one in found[start : start + self.page]]
        part = json.loads(json.dumps(part))  # of thousands that is much faster than to copy them
        if kind.startswith(COMPUTE):
            for one in part:
                one["id"] = one["id"].replace(GROUP, GROUP.upper())
        following = start + self.page
        link = f"{self.elsewhere or self.endpoint}{request.path}?api-version={request.query['api-version']}"
        more = {"nextLink": f"{link}&$skiptoken={following}"} if following < len(found) else {}
        return self.versioned(request, (200, {"value": part, **more}))

    def seen(self, thing: dict[str, Any]) -> dict[str, Any] | None:
        """A thing as a read finds it; None if it has gone meanwhile."""
        if _is_going(thing):
            thing["left"] = thing.get("left", 1) - 1
            if thing["left"] < 0:
                self.things.pop(thing["id"].lower(), None)
                self.gone(thing)
                return None
        self.settle(thing)
        return self.told(thing)

    def told(self, thing: dict[str, Any]) -> dict[str, Any]:
        """A thing as it is answered."""
        return {name: value for name, value in thing.items() if name not in ("left", "power")}

    def gone(self, thing: dict[str, Any]) -> None:
        """What goes with it."""

    def one(self, request: Request, identity: str) -> tuple[int, Any]:
        found = self.seen(self.known(unquote(identity)))
        if found is None:
            raise AzureRefusal(404, "ResourceNotFound", f"The Resource '{identity}' was not found.")
        return self.versioned(request, (200, found))

    def put(self, request: Request, identity: str) -> tuple[int, Any]:
        identity = unquote(identity)
        kind = kind_in(identity)
        there = self.things.get(identity.lower())
        if (etag := request.headers.get("If-Match")) is not None and (there is None or etag != there.get("etag")):
            raise AzureRefusal(412, "PreconditionFailed", "Etag provided in if-match header does not match.")
        status, thing = self.puts()[kind](request, identity, there)
        thing.update(id=identity, name=identity.rpartition("/")[2])
        self.things[identity.lower()] = thing
        return self.versioned(request, (status, self.told(thing)), word=kind)

    def delete(self, request: Request, identity: str) -> tuple[int, Any]:
        thing = self.things.get(unquote(identity).lower())
        if thing is None:
            return self.versioned(request, (204, None))
        if self.removed(thing):
            del self.things[thing["id"].lower()]
            self.gone(thing)
            return self.versioned(request, (200, None))
        return self.versioned(request, (202, None))

    def retag(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("operation", "properties"))
        assert body["operation"] == "Replace", body
        tags = self.check_tags(body["properties"]["tags"])
        self.known(unquote(identity))["tags"] = tags
        return self.versioned(request, (200, {"properties": {"tags": tags}}), word="default")

    def check_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/tag-resources#limitations"""
        names = {key.lower() for key in tags}
        fits = all(len(key) <= 512 and not set("<>%&\\?/") & set(key) and len(tags[key]) <= 256 for key in tags)
        if len(names) < len(tags) or len(tags) > 50 or not fits:
            raise AzureRefusal(400, "InvalidTagNameOrValue", f"{dict(tags)!r}")
        return dict(tags)

    def properties(self, request: Request, needed: Sequence[str], possible: Sequence[str] = ()) -> dict[str, Any]:
        """The properties of a body, which has just those."""
        found = request.body["properties"]
        if set(needed) - set(found) or set(found) - {*needed, *possible}:
            self.faults.append(f"{request.method} {request.path}: {found!r}")
            raise AzureRefusal(400, "InvalidRequestContent", "unknown properties")
        return copy.deepcopy(found)

    def resource(self, request: Request, *more: str) -> dict[str, Any]:
        """The body of something that is in the region and has tags."""
        body = self.check_body(request, needed=("location", "tags", "properties"), possible=more)
        assert body["location"] == REGION, body
        return {**body, "tags": self.check_tags(body["tags"])}
