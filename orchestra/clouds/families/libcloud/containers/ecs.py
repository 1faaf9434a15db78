"""Amazon ECS, through Libcloud's driver: requests and answers that tasks and clusters share.

Its API: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/. Libcloud's methods read one page, ask for no tags,
and run every task in the cluster ``default``, so the calls are single requests through its connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.contracts import Ownership, is_ownership_tag

DESCRIBED: Final = 100
"""How many tasks or clusters one request tells of."""
_TAGS: Final = "TAGS"

Item = Mapping[str, Any]


def ask(access: LibcloudDriver, action: str, **asked: Any) -> Any:
    """The answer to one action."""
    driver = access.driver
    answer = driver.connection.request(
        "/", method="POST", data=json.dumps(asked), headers=driver._get_headers(action), retry_failed=False
    )
    return answer.object


def listed(access: LibcloudDriver, action: str, field: str, **asked: Any) -> Iterator[str]:
    """The ARNs of a list, all pages."""
    following: dict[str, str] = {}
    while True:
        answer = ask(access, action, **asked, **following)
        yield from answer[field]
        if not answer.get("nextToken"):
            return
        following = {"nextToken": answer["nextToken"]}


def described(access: LibcloudDriver, action: str, field: str, ids: Sequence[str], **asked: Any) -> Iterator[Item]:
    """What is told of each of ``ids`` that is there, with its tags."""
    for start in range(0, len(ids), DESCRIBED):
        part = list(ids[start : start + DESCRIBED])
        yield from ask(access, action, **{field: part}, include=[_TAGS], **asked)[field]


def tags_for(owner: Ownership, labels: Mapping[str, str]) -> list[dict[str, str]]:
    """The tags of what is made for ``owner``."""
    return [{"key": key, "value": value} for key, value in {**labels, **owner.tags()}.items()]


def tags_of(item: Item) -> dict[str, str]:
    """What it is tagged with."""
    return {one["key"]: one.get("value") or "" for one in item.get("tags") or ()}


def labels_of(item: Item) -> dict[str, str]:
    """The labels among its tags."""
    return {key: value for key, value in sorted(tags_of(item).items()) if not is_ownership_tag(key)}
