"""Route 53's and S3's REST APIs, through the connections of Libcloud's drivers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from libcloud.common.aws import AWSBaseResponse

from orchestra.clouds.families.aws.query import without_namespace
from orchestra.errors import InvalidRequestError, TransientError

ROUTE53_SPACE: Final = "https://route53.amazonaws.com/doc/2012-02-29/"
S3_SPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_ROUTE53_ROOT: Final = "/2012-02-29/"


class S3Answer(AWSBaseResponse):
    """S3's answer, with the error code kept: Libcloud's own class takes 404 for success and drops most codes."""

    def success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= int(self.status) <= 299

    def parse_error(self) -> str:
        """``Code: message``; '' for an answer without a body, as HEAD gets."""
        parse: Any = self.parse_body
        document = parse()
        if not isinstance(document, Element):
            return ""
        without_namespace(document)
        code, message = document.findtext("Code"), document.findtext("Message")
        return f"{code}: {message}" if code else ""


def route53(
    driver: Any,
    method: str,
    path: str,
    expected: str,
    *,
    body: Element | None = None,
    query: Mapping[str, str] | None = None,
) -> Element:
    """Route 53's answer, whose root must be ``expected``, its tags without namespace."""
    headers = {"Content-Type": "text/xml; charset=utf-8"} if body is not None else {}
    if driver.session_token:
        headers["x-amz-security-token"] = driver.session_token
    driver.connection.set_context({"zone_id": path})  # Libcloud can't raise its error for a missing zone without
    answer = driver.connection.request(
        f"{_ROUTE53_ROOT}{path}",
        method=method,
        params=dict(query or {}),
        data=_document(body, ROUTE53_SPACE),
        headers=headers,
        retry_failed=False,
    ).object
    return _expected(answer, expected)


def s3(
    driver: Any,
    method: str,
    bucket: str,
    key: str = "",
    *,
    query: Mapping[str, str] | None = None,
    body: Element | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """S3's answer, as Libcloud's response object."""
    content = body if isinstance(body, bytes) else _document(body, S3_SPACE)
    sent = dict(headers or {})
    if content:
        # S3 wants the checksum with every document, and checks it where it is given
        sent["Content-MD5"] = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return driver.connection.request(
        s3_path(bucket, key), method=method, params=dict(query or {}), data=content, headers=sent, retry_failed=False
    )


def s3_document(answer: Any, expected: str) -> Element:
    """The XML document of an answer of `s3`, whose root must be ``expected``, its tags without namespace."""
    return _expected(answer.object, expected)


def s3_path(bucket: str, key: str) -> str:
    """The path of a bucket or a blob.

    Raises `InvalidRequestError` for a key that is a path with empty, '.' or '..' parts: HTTP clients rewrite those.
    """
    if key and {"", ".", ".."}.intersection(key.rstrip("/").split("/")):
        raise InvalidRequestError(f"key {key!r}: parts that are empty, '.' or '..' can't be sent", sent=False)
    return quote(f"/{bucket}/{key}" if key else f"/{bucket}" if bucket else "/", safe="/~-._")


def element(name: str, *children: Element, text: str | None = None) -> Element:
    """An XML element."""
    made = Element(name)
    made.text = text
    made.extend(children)
    return made


def texts(name: str, **children: str) -> Element:
    """An XML element whose children hold texts only."""
    made = Element(name)
    for key, value in children.items():
        SubElement(made, key).text = value
    return made


def _document(body: Element | None, space: str) -> bytes | None:
    if body is None:
        return None
    body.set("xmlns", space)
    document: bytes = tostring(body, encoding="utf-8", xml_declaration=True)
    return document


def _expected(answer: object, expected: str) -> Element:
    if not isinstance(answer, Element) or answer.tag.rpartition("}")[2] != expected:
        raise TransientError(
            f"{expected}: what came back isn't AWS's answer", remedy="check that the endpoint speaks AWS's API"
        )
    return without_namespace(answer)
