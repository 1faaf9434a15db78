"""Blobs: objects in S3. Their external id is ``bucket/key``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import tolerating
from orchestra.clouds.families.aws.rest import s3, s3_document
from orchestra.clouds.families.aws.storage import buckets
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources.checks import content_digest

_META: Final = "x-amz-meta-"
_MD5: Final = re.compile(r"[0-9a-f]{32}")


class BlobCalls(Calls[Drivers]):
    """An object, put in one request that is refused if there is one of that key already.

    Lists tell content by its digest; content type and ownership only a call for each object tells, so the type isn't
    compared. Where a bucket encrypts with a key of its own, the digest isn't told either.
    """

    kind = "storage.Blob"
    found_by = FoundBy.TAG
    found_key = "metadata of the object at its bucket and key"
    page = None  # a list tells of all keys between

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        bucket, key = inputs.text("bucket"), inputs.text("key")
        try:
            answer = _put(driver, inputs, {"If-None-Match": "*", **_ownership_headers(owner)})
        except Exception as error:
            found = self.search(driver, owner, inputs) if isinstance(translate(error), ConflictError) else None
            if found is None:
                raise
            return found
        return _told(f"{bucket}/{key}", _digest(inputs), answer.headers["etag"].strip('"'), owner)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: lists of the keys that begin as those wanted do."""
        wanted: dict[str, set[str]] = {}
        for external_id in ids:
            bucket, _, key = external_id.partition("/")
            wanted.setdefault(bucket, set()).add(key)
        for bucket, keys in wanted.items():
            with tolerating(NotFoundError):
                yield from (found for key, found in _listed(driver, bucket, _common_beginning(keys)) if key in keys)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        bucket, _, key = external_id.partition("/")
        headers = s3(driver.s3, "HEAD", bucket, key).headers
        etag = headers["etag"].strip('"')
        return _told(external_id, _digest_of(int(headers["content-length"]), etag), etag, _owner(headers))

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by bucket and key, if its metadata has the token."""
        found = self.look_up(driver, f"{inputs.text('bucket')}/{inputs.text('key')}")
        return found if found.ownership and found.ownership.token == owner.token else None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: put anew, with whose it is as before."""
        now = self.look_up(driver, external_id)
        kept = _ownership_headers(now.ownership) if now.ownership else {}
        answer = _put(driver, update.after, kept)
        return _told(external_id, _digest(update.after), answer.headers["etag"].strip('"'), now.ownership)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. A bucket that keeps versions keeps the old ones."""
        bucket, _, key = external_id.partition("/")
        s3(driver.s3, "DELETE", bucket, key)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: of every bucket in the region; whose each is isn't told."""
        for bucket in buckets(driver):
            with tolerating(NotFoundError):
                yield from (found for _, found in _listed(driver, bucket, ""))


def _put(drivers: Drivers, inputs: Inputs, headers: Mapping[str, str]) -> Any:
    return s3(
        drivers.s3,
        "PUT",
        inputs.text("bucket"),
        inputs.text("key"),
        body=inputs.text("content").encode(),
        headers={"Content-Type": inputs.text("content_type"), **headers},
    )


def _listed(drivers: Drivers, bucket: str, prefix: str) -> Iterator[tuple[str, Observation]]:
    """The objects whose keys begin with ``prefix``, all pages, by key."""
    token = ""
    while True:
        page = {"list-type": "2", "max-keys": "1000", **({"prefix": prefix} if prefix else {})}
        if token:
            page["continuation-token"] = token
        answer = s3_document(s3(drivers.s3, "GET", bucket, query=page), "ListBucketResult")
        for item in answer.findall("Contents"):
            key, etag = query.text(item, "Key"), query.text(item, "ETag").strip('"')
            yield key, _told(f"{bucket}/{key}", _digest_of(int(query.text(item, "Size")), etag), etag, None)
        if query.text(answer, "IsTruncated") != "true":
            return
        before, token = token, query.text(answer, "NextContinuationToken")
        query.refuse_same_page("ListObjectsV2", before, token)


def _common_beginning(keys: Collection[str]) -> str:
    """The longest text that all ``keys`` begin with."""
    first, last = min(keys), max(keys)
    return first[: next((at for at, one in enumerate(first) if not last.startswith(one, at)), len(first))]


def _told(external_id: str, digest: str, etag: str, owner: Ownership | None) -> Observation:
    bucket, _, key = external_id.partition("/")
    inputs: dict[str, Plain] = {"bucket": bucket, "key": key}
    if digest:
        inputs["content"] = digest
    return Observation(external_id=external_id, inputs=inputs, outputs={"etag": etag}, ownership=owner)


def _digest(inputs: Inputs) -> str:
    return str(content_digest(inputs.text("content")))


def _digest_of(size: int, etag: str) -> str:
    """The digest of a content; '' where the ETag isn't an MD5, as after an upload in parts."""
    return f"{size} bytes, md5 {etag}" if _MD5.fullmatch(etag) else ""


def _ownership_headers(owner: Ownership) -> dict[str, str]:
    """Ownership as metadata, which holds plain ASCII only."""
    return {f"{_META}{key.replace(':', '-')}": quote(value, safe="") for key, value in owner.tags().items()}


def _owner(headers: Mapping[str, str]) -> Ownership | None:
    stem = f"{_META}orchestra-"
    tags = {
        f"orchestra:{name.removeprefix(stem)}": unquote(value)
        for name, value in headers.items()
        if name.startswith(stem)
    }
    return Ownership.from_tags(tags)
