"""Servers that speak S3's API: Libcloud's own requests rely on a namespace that not every server's answers have."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from xml.etree.ElementTree import Element

from libcloud.common.aws import AWSBaseResponse

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.keepers import AT_ONCE, MD5, Keeper, NewBlob, ToldBlob, marked, marks, path_of
from orchestra.contracts import Ownership
from orchestra.errors import TransientError


class _S3Answer(AWSBaseResponse):
    """S3's answer, without namespaces: servers differ in them, and Libcloud finds nothing where they aren't S3's.

    Libcloud's own class takes 400, 404 and 409 for success and drops most codes.
    """

    def success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= int(self.status) <= 299

    def parse_body(self) -> Any:
        """The document, its tags without namespace; whatever else there is as it is."""
        parse: Any = super().parse_body
        document = parse()
        if isinstance(document, Element):
            for one in document.iter():
                one.tag = one.tag.rpartition("}")[2]
        return document

    def parse_error(self) -> str:
        """``Code: message``; '' for an answer without a document, as HEAD gets."""
        document = self.parse_body()
        if not isinstance(document, Element) or not document.findtext("Code"):
            return ""
        return f"{document.findtext('Code')}: {document.findtext('Message') or ''}"


class S3Compatible(Keeper):
    """Servers that speak S3's API. A blob is put in one request, with its checksum; huge ones in parts.

    Where a server minds conditions, one that is there already refuses a fresh one of its key.
    """

    answers = _S3Answer
    condition: ClassVar[Mapping[str, str]] = MappingProxyType({"If-None-Match": "*"})

    def speak(self, driver: LibcloudDriver) -> Any:
        """See `Keeper.speak`."""
        driver.driver.namespace = ""
        return super().speak(driver)

    def buckets(self, driver: LibcloudDriver) -> Iterator[tuple[str, Ownership | None]]:
        """See `Keeper.buckets`."""
        document = self._document(driver, "/", {}, "ListAllMyBucketsResult")
        return ((_text(one, "Name"), None) for one in document.findall("Buckets/Bucket"))

    def bucket(self, driver: LibcloudDriver, name: str) -> Ownership | None:
        """See `Keeper.bucket`."""
        self.speak(driver).connection.request(f"/{name}", method="HEAD")
        return None

    def blobs(self, driver: LibcloudDriver, bucket: str, prefix: str = "") -> Iterator[ToldBlob]:
        """See `Keeper.blobs`."""
        marker, asked = "", {"prefix": prefix} if prefix else {}
        while True:
            page = {**asked, **({"marker": marker} if marker else {})}
            document = self._document(driver, f"/{bucket}", page, "ListBucketResult")
            items = document.findall("Contents")
            yield from (_told(_text(one, "Key"), _text(one, "Size"), _text(one, "ETag")) for one in items)
            if _text(document, "IsTruncated").lower() != "true":
                return
            before, marker = marker, _text(document, "NextMarker") or _text(items[-1], "Key") if items else ""
            if marker <= before:
                raise TransientError(f"the list of bucket {bucket} doesn't go on after {before!r}")

    def blob(self, driver: LibcloudDriver, bucket: str, key: str) -> ToldBlob:
        """See `Keeper.blob`."""
        api = self.speak(driver)
        headers = api.connection.request(path_of(bucket, key), method="HEAD").headers
        stem = f"{api.http_vendor_prefix}-meta-"
        metadata = {name[len(stem) :]: value for name, value in headers.items() if name.lower().startswith(stem)}
        return _told(key, headers["content-length"], headers["etag"], marked(metadata))

    def put(self, driver: LibcloudDriver, new: NewBlob) -> str:
        """See `Keeper.put`."""
        if len(new.content) > AT_ONCE:
            return super().put(driver, new)
        api = self.speak(driver)
        prefix = api.http_vendor_prefix
        headers = {
            "Content-Type": new.type,
            "Content-MD5": base64.b64encode(new.md5).decode(),
            **{f"{prefix}-meta-{key.replace('_', '-')}": value for key, value in marks(new.owner).items()},
            **(self.condition if new.fresh else {}),
        }
        request = api.connection.request
        answer = request(new.path, method="PUT", data=new.content, headers=headers, retry_failed=False)
        return str(answer.headers["etag"]).strip('"')

    def delete_blob(self, driver: LibcloudDriver, bucket: str, key: str) -> None:
        """See `Keeper.delete_blob`."""
        self.blob(driver, bucket, key)
        self.speak(driver).connection.request(path_of(bucket, key), method="DELETE", retry_failed=False)

    def _document(self, driver: LibcloudDriver, path: str, asked: Mapping[str, str], expected: str) -> Element:
        """The document of an answer, whose root must be ``expected``."""
        answer = self.speak(driver).connection.request(path, params=dict(asked)).object
        if not isinstance(answer, Element) or answer.tag != expected:
            raise TransientError(
                f"{expected}: what came back isn't S3's answer", remedy="check that the endpoint speaks S3's API"
            )
        return answer


def _text(item: Element, path: str) -> str:
    return item.findtext(path) or ""


def _told(key: str, size: str, etag: str, owner: Ownership | None = None) -> ToldBlob:
    plain = etag.strip('"')
    return ToldBlob(key, int(size), plain if MD5.fullmatch(plain) else "", plain, None, owner)


class GoogleStorage(S3Compatible):
    """Google Cloud Storage by its XML API, which has a condition of its own."""

    condition = MappingProxyType({"x-goog-if-generation-match": "0"})
