"""Compute Engine's API over networks, compute and target pools, in the recorded form, with Google's token server.

What is asked for is there at once, as an operation that isn't done; waiting for that brings it to its end.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.clouds.families.gce_fields import ACTIONS, COLLECTIONS, Collection, Refused
from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

PROJECT: Final = "project_name"
REGION: Final = "us-central1"
ZONES: Final = ("us-central1-a", "us-central1-b")
ACCOUNT: Final = "robot@project_name.iam.gserviceaccount.com"
_API: Final = "https://www.googleapis.com/compute/v1/"
_BASE: Final = f"/compute/v1/projects/{PROJECT}/"
_SCOPE: Final = r"(zones/[a-z0-9-]+|regions/[a-z0-9-]+|global)"
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL: Final = re.compile(r"[a-z0-9_-]{0,63}")


@functools.lru_cache(maxsize=1)
def private_key() -> rsa.RSAPrivateKey:
    """The key of the account, made once for all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def credentials(endpoint: str) -> dict[str, str]:
    """A service account's key file, whose token server is at ``endpoint``."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "key-1",
        "private_key": pem.decode(),
        "client_email": ACCOUNT,
        "token_uri": f"{endpoint}/token",
    }


class Gce(Imitation):
    """Things by their place below the project. ``troubles`` are how the next insertions into a collection end."""

    def __init__(self) -> None:
        super().__init__()
        self.things: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        self.known: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.troubles: dict[str, list[tuple[str, int, str]]] = {}
        self.unreachable: set[str] = set()
        self.metadata: dict[str, Any] = recorded("gce", "project")["commonInstanceMetadata"]
        self.page = 500
        self.slow = False
        """Whether waiting for an operation ends before the operation does."""

    # -- serving

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        names = "|".join(COLLECTIONS)
        return (
            ("POST", "/token", self.sign_in),
            ("GET", f"/dns/v1/projects/{PROJECT}/managedZones", lambda *_: (200, {"managedZones": []})),
            ("GET", "/", lambda *_: (200, b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")),
            (
                "GET",
                _BASE[:-1],
                lambda _: (200, {**recorded("gce", "project"), "commonInstanceMetadata": self.metadata}),
            ),
            ("POST", f"{_BASE}setCommonInstanceMetadata", self.set_metadata),
            ("GET", f"{_BASE}regions/([a-z0-9-]+)", lambda _, name: (200, self.region(name))),
            ("GET", f"{_BASE}zones/([a-z0-9-]+)/machineTypes", lambda _, zone: (200, self.machine_types(zone))),
            ("GET", "/compute/v1/projects/([a-z-]+)/global/images/family/([a-z0-9-]+)", self.family),
            ("GET", f"{_BASE}aggregated/({names})", self.aggregated),
            ("POST", f"{_BASE}{_SCOPE}/operations/([a-z0-9-]+)/wait", self.wait),
            ("GET", f"{_BASE}{_SCOPE}/({names})", self.listed),
            ("POST", f"{_BASE}{_SCOPE}/({names})", self.insert),
            ("GET", f"{_BASE}({_SCOPE}/({names})/[a-z0-9-]+)", lambda _, place, *__: (200, self.told(place))),
            ("PATCH", f"{_BASE}({_SCOPE}/({names})/[a-z0-9-]+)", self.patch),
            ("DELETE", f"{_BASE}({_SCOPE}/({names})/[a-z0-9-]+)", self.drop),
            ("POST", f"{_BASE}({_SCOPE}/({names})/[a-z0-9-]+)/([A-Za-z]+)", self.act),
        )

    def read(self, raw: bytes, content_type: str) -> Any:
        if content_type.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(raw.decode()))
        return raw.decode() if raw.startswith(b"<") else super().read(raw, content_type)

    def written(self, answer: Any) -> bytes:
        return answer if isinstance(answer, bytes) else super().written(answer)

    def authorize(self, request: Request) -> None:
        if request.path != "/token" and request.headers.get("Authorization", "")[7:] not in self.tokens:
            raise Refused(401, "authError", "Invalid Credentials")
        project = re.match(r"/compute/v1/projects/([^/]+)(?!/global/images/family/)(?:/|$)", request.path)
        if project and project[1] != PROJECT:
            raise Refused(404, "notFound", f"The resource 'projects/{project[1]}' was not found")

    def refusal(self, error: RefusedError) -> Any:
        if isinstance(error, Refused) and error.reason == "invalid_grant":
            return {"error": error.reason, "error_description": error.message}
        told = recorded("gce", "not_found")
        reason = error.reason if isinstance(error, Refused) else "badRequest"
        told["error"].update(code=error.status, message=error.message)
        told["error"]["errors"][0].update(reason=reason, message=error.message)
        return told

    def sign_in(self, request: Request) -> tuple[int, Any]:
        """A token for an assertion that the account's key has signed; see RFC 7523."""
        body = self.check_body(request, needed=("grant_type", "assertion"))
        signed, _, signature = body["assertion"].rpartition(".")
        claims = json.loads(_decoded(signed.partition(".")[2]))
        try:
            private_key().public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise Refused(400, "invalid_grant", "Invalid JWT Signature.") from None
        if (
            claims["iss"] != ACCOUNT
            or claims["aud"] != f"{self.endpoint}/token"
            or claims["exp"] - claims["iat"] > 3600
        ):
            raise Refused(400, "invalid_grant", "Invalid grant: account not found")
        token = f"ya29.made-up-{self.number()}"
        self.tokens.add(token)
        return 200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    # -- what there is to choose

    def project(self, _: Request) -> tuple[int, Any]:
        return 200, {**recorded("gce", "project"), "commonInstanceMetadata": self.metadata}

    def region(self, name: str) -> Any:
        if name != REGION:
            raise self.missing(f"regions/{name}")
        return recorded("gce", "region")

    def machine_types(self, zone: str) -> Any:
        assert zone in ZONES
        told = recorded("gce", "machine_types")
        first = told["items"][0]
        more = [{**first, "name": name, "guestCpus": cpus, "memoryMb": memory} for name, cpus, memory in _SIZES]
        told["items"] = more + told["items"]
        return told

    def family(self, _: Request, project: str, family: str) -> tuple[int, Any]:
        if f"{project}/{family}" not in _FAMILIES:
            raise Refused(
                404, "notFound", f"The resource 'projects/{project}/global/images/family/{family}' was not found"
            )
        place = f"projects/{project}/global/images/{family}-v20260101"
        return 200, {"kind": "compute#image", "name": family, "family": family, "selfLink": _API + place}

    # -- things

    def missing(self, place: str) -> Refused:
        return Refused(404, "notFound", f"The resource 'projects/{PROJECT}/{place}' was not found")

    def thing(self, place: str) -> dict[str, Any]:
        if place not in self.things:
            raise self.missing(place)
        return self.things[place]

    def told(self, place: str) -> dict[str, Any]:
        """One thing; an instance that is shutting down, and a snapshot that is being taken, are told so once."""
        thing = self.thing(place)
        told = {field: value for field, value in thing.items() if not field.startswith("_")}
        if place.startswith("global/networks/"):
            users = [one["selfLink"] for one in self.things.values() if one.get("network") == thing["selfLink"]]
            told["subnetworks"] = [one for one in users if "/subnetworks/" in one]
        if thing.get("status") == "STOPPING":
            del self.things[place]
        elif "/snapshots/" in place or "/images/" in place:
            thing["status"] = "READY"
        return told

    def place(self, url: str) -> str:
        """The place of a thing of the project that is given by its URL, in full or in part."""
        return url.removeprefix(_API).removeprefix(f"projects/{PROJECT}/")

    def needed(self, url: str, field: str) -> str:
        """The full URL of a thing that a body names."""
        if self.place(url) not in self.things:
            raise Refused(
                400, "invalid", f"Invalid value for field '{field}': '{url}'. The referenced resource is missing."
            )
        return f"{_API}projects/{PROJECT}/{self.place(url)}"

    def below(self, scope: str, collection: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The things of a list, those only whose name the filter wants."""
        start = f"{scope}/{collection}/"
        wanted = re.fullmatch(r"name = ([a-z0-9-]+)", query.get("filter", ""))
        assert wanted or "filter" not in query, query
        places = [place for place in self.things if place.startswith(start)]
        return [self.told(one) for one in places if wanted is None or one.removeprefix(start) == wanted[1]]

    def paged(self, rows: list[Any], query: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
        start, size = int(query.get("pageToken", 0)), min(int(query["maxResults"]), self.page)
        more = {"nextPageToken": str(start + size)} if start + size < len(rows) else {}
        return rows[start : start + size], more

    def listed(self, request: Request, scope: str, collection: str) -> tuple[int, Any]:
        rows, more = self.paged(self.below(scope, collection, request.query), request.query)
        warned = {"warning": {"code": "UNREACHABLE", "message": "made up"}} if scope in self.unreachable else {}
        return 200, {"kind": f"compute#{collection}List", **({"items": rows} if rows else {}), **more, **warned}

    def aggregated(self, request: Request, collection: str) -> tuple[int, Any]:
        scopes = [f"zones/{zone}" for zone in (*ZONES, "europe-west1-b")]
        found = [(scope, one) for scope in scopes for one in self.below(scope, collection, request.query)]
        rows, more = self.paged(found, request.query)
        items: dict[str, Any] = {}
        for scope in scopes:
            some = [one for at, one in rows if at == scope]
            empty = recorded("gce", "aggregated")["items"]["regions/us-central2"]
            items[scope] = {collection: some} if some else empty
            if scope in self.unreachable:
                items[scope] = {"warning": {"code": "UNREACHABLE", "message": "made up", "data": []}}
        return 200, {"kind": f"compute#{collection}AggregatedList", "items": items, **more}

    # -- operations

    def started(self, place: str, action: str) -> tuple[int, Any]:
        """An operation that isn't done yet."""
        scope = place.partition("/")[0] if place.startswith("global") else "/".join(place.split("/")[:2])
        name = f"operation-{self.number()}"
        operation = recorded("gce", "operation")
        operation.update(
            name=name,
            operationType=action,
            selfLink=f"{_API}projects/{PROJECT}/{scope}/operations/{name}",
            targetLink=f"{_API}projects/{PROJECT}/{place}",
        )
        self.operations[name] = operation
        return 200, dict(operation)

    def wait(self, _: Request, scope: str, name: str) -> tuple[int, Any]:
        operation = self.operations[name]
        assert f"/{scope}/" in operation["selfLink"], operation
        if not self.slow:
            operation.update(status="DONE", progress=100)
            thing = self.things.get(self.place(operation["targetLink"]), {})
            thing["status"] = _ENDS.get(thing.get("status"), thing.get("status"))
        return 200, dict(operation)

    def insert(self, request: Request, scope: str, collection: str) -> tuple[int, Any]:
        identity = request.query.get("requestId")
        if identity in self.known:
            return 200, dict(self.operations[self.known[identity]])
        kind = COLLECTIONS[collection]
        body = self.check_body(request, needed=("name", *kind.needed), possible=kind.possible)
        if not _NAME.fullmatch(body["name"]):
            raise Refused(400, "invalid", f"Invalid value for field 'resource.name': '{body['name']}'.")
        place = f"{scope}/{collection}/{body['name']}"
        if place in self.things:
            raise Refused(409, "alreadyExists", f"The resource 'projects/{PROJECT}/{place}' already exists")
        self.check_labels(body.get("labels") or {})
        status, operation = self.started(place, "insert")
        if identity is not None:
            self.known[identity] = operation["name"]
        if not self.fails(collection, operation):
            self.things[place] = self.made(place, kind, body)
            kind.then(self, self.things[place])
        return status, operation

    def fails(self, what: str, operation: Mapping[str, Any]) -> bool:
        """Whether an operation is to end with a trouble."""
        if not self.troubles.get(what):
            return False
        code, told, message = self.troubles[what].pop(0)
        failed = recorded("gce", "operation_failed")
        failed.update({key: operation[key] for key in ("name", "selfLink", "targetLink")}, httpErrorStatusCode=told)
        failed["error"]["errors"][0].update(code=code, message=message)
        self.operations[operation["name"]] = failed
        return True

    def set_metadata(self, request: Request) -> tuple[int, Any]:
        """All entries of the project at once, if they were made of those that there are."""
        body = self.check_body(request, needed=("fingerprint", "items", "kind"))
        if body["fingerprint"] != self.metadata["fingerprint"]:
            raise Refused(412, "conditionNotMet", "Supplied fingerprint does not match current metadata fingerprint.")
        keys = [one["key"] for one in body["items"]]
        sizes = [len((one["key"] + one["value"]).encode()) for one in body["items"]]
        if len(set(keys)) < len(keys) or not all(re.fullmatch(r"[a-zA-Z0-9-_]{1,127}", one) for one in keys):
            raise Refused(400, "invalid", "Invalid value for field 'metadata.items'")
        if sum(sizes) >= 512 * 1024:
            raise Refused(413, "uploadTooLarge", "Metadata is too large")
        status, operation = self.started("global", "setMetadata")
        if not self.fails("metadata", operation):
            self.metadata = {**body, "fingerprint": base64.b64encode(f"made-up-{self.number()}".encode()).decode()}
        return status, operation

    def made(self, place: str, kind: Collection, body: Mapping[str, Any]) -> dict[str, Any]:
        thing = {**recorded("gce", kind.recorded), **body} if kind.recorded else dict(body)
        thing = {key: value for key, value in thing.items() if key in body or key not in kind.left_out}
        for field in kind.references:
            if isinstance(thing.get(field), str):
                thing[field] = self.needed(thing[field], field)
            elif thing.get(field):
                thing[field] = [self.needed(one, field) for one in thing[field]]
        thing.update(
            kind=f"compute#{kind.recorded}", id=str(self.number()), selfLink=f"{_API}projects/{PROJECT}/{place}"
        )
        if kind.has_labels:
            thing["labelFingerprint"] = f"labels-{self.number()}"
        return thing

    def check_labels(self, labels: Mapping[str, str]) -> None:
        if not all(
            _LABEL.fullmatch(key) and key[:1].isalpha() and _LABEL.fullmatch(one) for key, one in labels.items()
        ):
            raise Refused(400, "invalid", f"Invalid value for field 'labels': '{labels}'")

    def patch(self, request: Request, place: str, _: str, collection: str) -> tuple[int, Any]:
        kind = COLLECTIONS[collection]
        self.thing(place).update(self.check_body(request, needed=(), possible=("name", *kind.needed, *kind.possible)))
        return self.started(place, "patch")

    def drop(self, _: Request, place: str, __: str, collection: str) -> tuple[int, Any]:
        thing = self.thing(place)
        for other in self.things.values():
            if other is not thing and COLLECTIONS[collection].is_in_use_by(other, thing["selfLink"]):
                message = f"The {collection} resource '{place}' is already being used by '{other['selfLink']}'"
                raise Refused(400, "resourceInUseByAnotherResource", message)
        COLLECTIONS[collection].before_delete(self, thing)
        if collection == "instances":
            thing["status"] = "STOPPING"
        else:
            del self.things[place]
        return self.started(place, "delete")

    def act(self, request: Request, place: str, _: str, collection: str, name: str) -> tuple[int, Any]:
        action = ACTIONS.get(f"{collection}.{name}")
        if action is None:
            self.faults.append(f"{request.path} is no request that the cloud knows")
            raise RefusedError(404, "no such method")
        action(self, self.thing(place), request)
        return self.started(place, name)


_ENDS: Final = MappingProxyType({"PROVISIONING": "RUNNING", "CREATING": "READY", "RESERVING": "RESERVED"})
_SIZES: Final = (
    ("e2-standard-2", 2, 8192),
    ("e2-small", 2, 2048),
    ("e2-medium", 2, 4096),
    ("t2a-standard-1", 1, 1024),
)
_FAMILIES: Final = (
    "debian-cloud/debian-12",
    "debian-cloud/debian-12-arm64",
    "ubuntu-os-cloud/ubuntu-2204-lts",
    "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
