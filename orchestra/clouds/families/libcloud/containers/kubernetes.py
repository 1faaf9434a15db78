"""Kubernetes, through Libcloud's driver: a container is a pod with one, a cluster is a namespace.

Its API: https://kubernetes.io/docs/reference/kubernetes-api/. Libcloud's own methods send no labels and read one page,
so the calls are single requests through its connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from libcloud.common.kubernetes import KubernetesResponse
from libcloud.container.drivers.kubernetes import KubernetesContainerDriver

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.translate import translate
from orchestra.contracts import Ownership
from orchestra.errors import ConflictError, InProgressError

_PAGE: Final = 500
_MARK: Final = "orchestra.internal/"
TOKEN: Final = f"{_MARK}token"
"""The label by which something is found again; whose it is stands in annotations, which may hold any text."""
ONCE: Final = f"{_MARK}once"
_THEIRS: Final = ("kubernetes.io", "k8s.io", "orchestra.internal")
"""The ends of prefixes of labels that nobody gave."""

Item = Mapping[str, Any]


class _Answer(KubernetesResponse):
    """An answer of which an error is told by its reason, as the API has it, and its message."""

    def parse_error(self) -> Any:
        """Such as ``NotFound: pods "web" not found``."""
        parse: Any = super().parse_error
        told = parse()
        try:
            status = json.loads(told)
            return f"{status['reason']}: {status['message']}"
        except (ValueError, KeyError, TypeError):
            return told


class KubernetesDriver(KubernetesContainerDriver):
    """Libcloud's driver with such answers. A key without a secret is a token.

    Without certificates of an authority it would trust any server. Its connection is made anew before a request is
    sent, and checks them: against those that are given, else those that this machine trusts.
    """

    def __init__(self, key: str | None = None, secret: str | None = None, **named: Any) -> None:
        make: Any = super().__init__
        is_token = bool(key and not secret)
        make(key, secret, **{"ex_token_bearer_auth": is_token, "ca_cert": True, **named})
        self.connection.responseCls = _Answer


def ask(
    access: LibcloudDriver,
    method: str,
    path: str,
    body: Item | None = None,
    *,
    kind: str = "application/json",
    query: Mapping[str, str] | None = None,
) -> Any:
    """The answer to one request."""
    answer = access.driver.connection.request(
        path,
        method=method,
        params=dict(query) if query else None,
        data=None if body is None else json.dumps(body),
        headers={"Content-Type": kind},
        retry_failed=False,
    )
    return answer.object


def pages(access: LibcloudDriver, path: str, selector: str = "") -> Iterator[Item]:
    """Every item of a list. One that changes while it is read fails, and so tells nothing."""
    query = {"limit": str(_PAGE), **({"labelSelector": selector} if selector else {})}
    while True:
        answer = ask(access, "GET", path, query=query)
        yield from answer["items"]
        following = (answer.get("metadata") or {}).get("continue")
        if not following:
            return
        query["continue"] = following


def created(access: LibcloudDriver, within: str, body: Item, owner: Ownership, *, going: float) -> Item:
    """Make what ``body`` describes, in the list at ``within``; a second one of a name is refused.

    So one of the name that is ``owner``'s is what an earlier call made. While one is being deleted, `InProgressError`
    says to try again in ``going`` seconds.
    """
    try:
        made: Item = ask(access, "POST", within, body)
        return made
    except Exception as error:
        told = translate(error)
        if not isinstance(told, ConflictError):
            raise
        there: Item = ask(access, "GET", f"{within}/{quote(body['metadata']['name'], safe='')}")
        if is_going(there):
            raise InProgressError(
                f"a {body['kind'].lower()} of the name is still being deleted: {told.message}", retry_after=going
            ) from error
        if owner_of(there) != owner:
            raise
        return there


def pods_in(namespace: str) -> str:
    """Where the pods of a namespace are."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"


def a_pod(namespace: str, name: str) -> str:
    """Where a pod is."""
    return f"{pods_in(namespace)}/{quote(name, safe='')}"


NAMESPACES: Final = "/api/v1/namespaces"


def a_namespace(name: str) -> str:
    """Where a namespace is."""
    return f"{NAMESPACES}/{quote(name, safe='')}"


# -- whose something is


def marked(name: str, owner: Ownership, labels: Mapping[str, str], **notes: str) -> dict[str, Any]:
    """The metadata of what is made for ``owner``."""
    notes = {"deployment": owner.deployment, "address": owner.address, "token": owner.token, **notes}
    return {
        "name": name,
        "labels": {**labels, TOKEN: owner.token},
        "annotations": {f"{_MARK}{key}": value for key, value in notes.items()},
    }


def owner_of(item: Item) -> Ownership | None:
    """Whose it is."""
    notes = item["metadata"].get("annotations") or {}
    if f"{_MARK}token" not in notes:
        return None
    return Ownership(notes.get(f"{_MARK}deployment", ""), notes.get(f"{_MARK}address", ""), notes[f"{_MARK}token"])


def labels_of(item: Item) -> dict[str, str]:
    """The labels that somebody gave it."""
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    return {key: value for key, value in sorted(labels.items()) if not _is_theirs(key)}


def _is_theirs(key: str) -> bool:
    prefix, slash, _ = key.partition("/")
    return bool(slash) and prefix.endswith(_THEIRS)


def is_going(item: Item) -> bool:
    """Whether it is being deleted: it is there as long as that takes, and can't be kept."""
    return bool(item["metadata"].get("deletionTimestamp"))
