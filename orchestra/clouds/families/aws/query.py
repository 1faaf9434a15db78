"""EC2's and Elastic Load Balancing's Query APIs, through the connections of Libcloud's drivers.

Libcloud's own methods read the first page only, tag in a second request, and take a foreign document for an empty
list. The calls here send tags and token with the creation, read every page, and refuse a document that isn't the
answer. Parameters go in the body of a POST: no user data in a URL, and no limit of a URL's length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from orchestra.errors import TransientError

_EC2_SPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15"
_ELB_SPACE: Final = "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01"
_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
_ELB_PATH: Final = "/2012-06-01/"
_ELBV2_SPACE: Final = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01"
_ELBV2_PATH: Final = "/2015-12-01/"

FILTER_VALUES: Final = 200
"""How many values EC2 takes in one filter."""

Parameters = Mapping[str, str]


def ec2(driver: Any, action: str, *parameters: Parameters) -> Element:
    """The answer of EC2 to ``action``, its tags without namespace."""
    return _ask(driver, "/", _EC2_SPACE, action, parameters)


def elb(driver: Any, action: str, *parameters: Parameters) -> Element:
    """The result of a classic load balancer's ``action``, its tags without namespace."""
    return child(_ask(driver, _ELB_PATH, _ELB_SPACE, action, parameters), f"{action}Result")


def elbv2(driver: Any, action: str, *parameters: Parameters) -> Element:
    """The result of an application or network load balancer's ``action``, its tags without namespace."""
    return child(_ask(driver, _ELBV2_PATH, _ELBV2_SPACE, action, parameters), f"{action}Result")


def elbv2_items(driver: Any, action: str, container: str, *parameters: Parameters, size: int) -> Iterator[Element]:
    """The members of all pages of such a list; ``size``: how many a page may hold."""
    marker = ""
    while True:
        page = {"PageSize": str(size), **({"Marker": marker} if marker else {})}
        answer = elbv2(driver, action, *parameters, page)
        yield from child(answer, container).findall("member")
        before, marker = marker, text(answer, "NextMarker")
        if not marker:
            return
        refuse_same_page(action, before, marker)


def ec2_items(driver: Any, action: str, container: str, *parameters: Parameters, size: int = 0) -> Iterator[Element]:
    """The items of all pages of a list. ``size``: how many a page may hold; 0 for calls that know no pages."""
    token = ""
    while True:
        page: dict[str, str] = {"MaxResults": str(size)} if size else {}
        answer = ec2(driver, action, *parameters, page, {"NextToken": token} if token else {})
        yield from child(answer, container).findall("item")
        before, token = token, answer.findtext("nextToken") or ""
        if not token:
            return
        refuse_same_page(action, before, token)


def refuse_same_page(action: str, before: str, after: str) -> None:
    """Raise if the next page is the one just read: such a list would never end."""
    if before == after:
        raise TransientError(f"{action}: the same page was told twice, so the list can't be trusted")


def _ask(driver: Any, path: str, space: str, action: str, parameters: Iterable[Parameters]) -> Element:
    fields = {"Action": action, "Version": driver.connection.version}
    for some in parameters:
        fields.update(some)
    answer = driver.connection.request(
        path, method="POST", data=urlencode(fields), headers={"Content-Type": _FORM}, retry_failed=False
    ).object
    if not isinstance(answer, Element) or not _is_answer(answer, space, action):
        raise TransientError(
            f"{action}: what came back isn't AWS's answer",
            remedy="check that the endpoint speaks AWS's API",
        )
    return without_namespace(answer)


def _is_answer(answer: Element, space: str, action: str) -> bool:
    """Whether the document is the one asked for: in any other, every list would look empty."""
    namespace, _, name = answer.tag.removeprefix("{").partition("}")
    return namespace.rstrip("/") == space and name == f"{action}Response"


def without_namespace(answer: Element) -> Element:
    """``answer`` with plain tags."""
    for element in answer.iter():
        element.tag = element.tag.rpartition("}")[2]
    return answer


def child(parent: Element, path: str) -> Element:
    """What stands at ``path`` below ``parent``; an answer without it isn't taken for an empty one."""
    found = parent.find(path)
    if found is None:
        raise TransientError(f"{parent.tag}: {path} is missing in AWS's answer")
    return found


def text(parent: Element, path: str) -> str:
    """The text at ``path`` below ``parent``; '' where there is none."""
    return parent.findtext(path) or ""


def numbered(name: str, values: Iterable[str]) -> dict[str, str]:
    """A list: ``name.1``, ``name.2`` and so on."""
    return {f"{name}.{index}": value for index, value in enumerate(values, start=1)}


def filters(wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Filters that must all hold; each is any of its values."""
    fields: dict[str, str] = {}
    for index, (name, values) in enumerate(wanted.items(), start=1):
        fields[f"Filter.{index}.Name"] = name
        fields.update(numbered(f"Filter.{index}.Value", values))
    return fields


def pairs(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Keys and values: ``name.1.Key``, ``name.1.Value`` and so on."""
    fields: dict[str, str] = {}
    for index, (key, value) in enumerate(values.items(), start=1):
        fields[f"{name}.{index}.Key"] = key
        fields[f"{name}.{index}.Value"] = value
    return fields


def tagged(resource: str, tags: Mapping[str, str], number: int = 1) -> dict[str, str]:
    """Tags that a ``resource`` gets in the request that creates it; ``number`` counts what that creates."""
    stem = f"TagSpecification.{number}"
    return {f"{stem}.ResourceType": resource, **pairs(f"{stem}.Tag", tags)}


def numbered_keys(name: str, keys: Iterable[str]) -> dict[str, str]:
    """Keys alone: ``name.1.Key``, ``name.2.Key`` and so on."""
    return {f"{name}.{index}.Key": key for index, key in enumerate(keys, start=1)}
