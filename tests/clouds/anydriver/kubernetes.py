"""Kubernetes' API as far as namespaces and pods go.

The recorded answers are of an old version; metadata, conditions and errors are as the API reference has them.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

TOKEN: Final = "made-up-bearer-token"
_CLOUD: Final = "kubernetes"
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_REASONS: Final = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "AlreadyExists",
    422: "Invalid",
    410: "Expired",
}

Things = dict[str, dict[str, Any]]


class Kubernetes(Imitation):
    """Pods are ``Pending`` until they are read once. What is deleted is going until it is read once more."""

    def __init__(self, page: int = 500) -> None:
        super().__init__()
        self.page = page
        self.namespaces: Things = {}
        self.pods: Things = {}
        self.claims: dict[str, list[str]] = {}
        self.make_namespace({"metadata": {"name": "default"}})

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        space = "/api/v1/namespaces/([^/]+)"
        return (
            ("GET", "/api/v1/namespaces", lambda request: self.listed(request, "Namespace", self.namespaces)),
            ("POST", "/api/v1/namespaces", self.create_namespace),
            ("GET", space, lambda _, name: self.one("namespaces", self.namespaces, name)),
            ("PATCH", space, self.patch_namespace),
            ("DELETE", space, lambda _, name: self.drop(self.namespaces, "namespaces", name)),
            ("GET", f"{space}/persistentvolumeclaims", self.list_claims),
            ("GET", "/api/v1/pods", lambda request: self.listed(request, "Pod", self.pods)),
            ("GET", f"{space}/pods", lambda request, name: self.listed(request, "Pod", self.pods, name)),
            ("POST", f"{space}/pods", self.create_pod),
            ("GET", f"{space}/pods/([^/]+)", lambda _, space, name: self.one("pods", self.pods, f"{space}/{name}")),
            ("DELETE", f"{space}/pods/([^/]+)", self.drop_pod),
        )

    def authorize(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusedError(401, "Unauthorized")

    def refusal(self, error: RefusedError) -> Any:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": error.message,
            "reason": _REASONS.get(error.status, "InternalError"),
            "code": error.status,
        }

    # -- shared

    def listed(self, request: Request, kind: str, things: Things, namespace: str = "") -> tuple[int, Any]:
        """A page; its token is where the next one starts."""
        unknown = set(request.query) - {"limit", "continue", "labelSelector"}
        if unknown:
            self.faults.append(f"{request.path}: {unknown}")
        for one in list(things.values()):
            self.settle(one)
        key, _, value = request.query.get("labelSelector", "").partition("=")
        found = [
            one
            for one in things.values()
            if (not namespace or one["metadata"]["namespace"] == namespace)
            and (not key or one["metadata"]["labels"].get(key) is not None)
            and (not value or one["metadata"]["labels"].get(key) == value)
        ]
        start, size = int(request.query.get("continue", 0)), min(self.page, int(request.query["limit"]))
        metadata = {"resourceVersion": "1"}
        if start + size < len(found):
            metadata["continue"] = str(start + size)
        return 200, {
            "kind": f"{kind}List",
            "apiVersion": "v1",
            "metadata": metadata,
            "items": found[start : start + size],
        }

    def one(self, kind: str, things: Things, name: str) -> tuple[int, Any]:
        return 200, self.settle(self.known(kind, things, name))

    def known(self, kind: str, things: Things, name: str) -> dict[str, Any]:
        if name not in things:
            raise RefusedError(404, f'{kind} "{name.rpartition("/")[2]}" not found')
        return things[name]

    def settle(self, thing: dict[str, Any]) -> dict[str, Any]:
        """What a read sees: a pod runs; what is going is seen going once, and then is gone."""
        metadata, status = thing["metadata"], thing["status"]
        if "deletionTimestamp" in metadata:
            for things in (self.pods, self.namespaces):
                for key in [key for key, one in things.items() if one is thing]:
                    del things[key]
        elif status["phase"] == "Pending":
            running = {"running": {"startedAt": "2016-01-13T04:37:07Z"}}
            name = thing["spec"]["containers"][0]["name"]
            status.update(
                phase="Running",
                podIP="172.17.0.2",
                containerStatuses=[{"name": name, "ready": True, "restartCount": 0, "state": running}],
            )
        return thing

    def drop(self, things: Things, kind: str, name: str) -> tuple[int, Any]:
        thing = self.known(kind, things, name)
        thing["metadata"]["deletionTimestamp"] = "2016-01-13T03:38:05Z"
        return 200, thing

    def metadata(self, given: dict[str, Any], namespace: str = "") -> dict[str, Any]:
        if not _NAME.fullmatch(given["name"]):
            raise RefusedError(422, f"metadata.name: Invalid value: {given['name']!r}")
        labels = given.get("labels", {})
        if not all(_LABEL.fullmatch(value) for value in labels.values()):
            raise RefusedError(422, "metadata.labels: Invalid value")
        return {
            "name": given["name"],
            **({"namespace": namespace} if namespace else {}),
            "uid": str(uuid.UUID(int=self.number())),
            "creationTimestamp": "2016-01-13T04:35:50Z",
            "resourceVersion": "32",
            "labels": dict(labels),
            "annotations": dict(given.get("annotations", {})),
        }

    # -- namespaces

    def make_namespace(self, body: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = recorded(_CLOUD, "_api_v1_namespaces_test")
        made["metadata"] = self.metadata(body["metadata"])
        made["metadata"]["labels"]["kubernetes.io/metadata.name"] = body["metadata"]["name"]
        self.namespaces[body["metadata"]["name"]] = made
        return made

    def create_namespace(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("apiVersion", "kind", "metadata"))
        if body["metadata"]["name"] in self.namespaces:
            raise RefusedError(409, f'namespaces "{body["metadata"]["name"]}" already exists')
        return 201, self.make_namespace(body)

    def patch_namespace(self, request: Request, name: str) -> tuple[int, Any]:
        if request.headers["Content-Type"] != "application/merge-patch+json":
            self.faults.append("a patch must say of what sort it is")
        body = self.check_body(request, needed=("metadata",))
        namespace = self.known("namespaces", self.namespaces, name)
        labels = namespace["metadata"]["labels"]
        labels.update(body["metadata"]["labels"])
        for key in [key for key, value in labels.items() if value is None]:
            del labels[key]
        return 200, namespace

    def list_claims(self, request: Request, name: str) -> tuple[int, Any]:
        items = [{"metadata": {"name": one}} for one in self.claims.get(name, [])]
        return 200, {"kind": "PersistentVolumeClaimList", "apiVersion": "v1", "metadata": {}, "items": items}

    # -- pods

    def create_pod(self, request: Request, namespace: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("apiVersion", "kind", "metadata", "spec"))
        self.known("namespaces", self.namespaces, namespace)
        spec = body["spec"]
        known = {"containers", "restartPolicy", "terminationGracePeriodSeconds"}
        fields = {"name", "image", "args", "env", "ports", "resources"}
        if set(spec) != known or not all(set(one) <= fields for one in spec["containers"]):
            self.faults.append(f"{request.path}: {spec!r}")
        key = f"{namespace}/{body['metadata']['name']}"
        if key in self.pods:
            raise RefusedError(409, f'pods "{body["metadata"]["name"]}" already exists')
        made: dict[str, Any] = recorded(_CLOUD, "_api_v1_namespaces_default_pods_POST")
        defaults = made["spec"]["containers"][0]
        made["metadata"] = self.metadata(body["metadata"], namespace)
        made["spec"].update(spec, containers=[{**defaults, **one} for one in spec["containers"]])
        made["status"] = {"phase": "Pending"}
        self.pods[key] = made
        return 201, made

    def drop_pod(self, request: Request, namespace: str, name: str) -> tuple[int, Any]:
        pod = self.known("pods", self.pods, f"{namespace}/{name}")
        wanted = ((request.body or {}).get("preconditions") or {}).get("uid")
        if wanted not in (None, pod["metadata"]["uid"]):
            raise RefusedError(409, "Precondition failed: UID in precondition differs")
        return self.drop(self.pods, "pods", f"{namespace}/{name}")
