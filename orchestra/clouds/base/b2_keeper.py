"""Backblaze B2 by its native API: whose a bucket or a blob is, old versions, and contents in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

from orchestra.clouds.base.b2_connection import list_buckets
from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.keepers import AT_ONCE, Keeper, NewBlob, ToldBlob, marked, marks
from orchestra.clouds.base.paging import Page, rows_in, rows_of
from orchestra.clouds.base.tolerance import if_there, tolerating
from orchestra.clouds.translate import translate
from orchestra.contracts import Ownership
from orchestra.errors import InUseError, NotFoundError, TransientError

_PAGE: Final = 1000
"""How many files one request tells of, and is paid for as one."""
_SHA1: Final = "large_file_sha1"
"""The note under which B2 wants the checksum of a content that was sent in parts, of which it makes none itself."""
_MD5: Final = "orchestra-md5"
_STARTED: Final = "start"
"""What B2 calls a version whose parts aren't all there."""

Item = Mapping[str, Any]
T = TypeVar("T")


class B2(Keeper):
    """Backblaze B2. Each upload makes another version; a rule of the bucket takes old ones away after a day."""

    marks_buckets = True
    lists_marks = True
    tells_types = True
    sums_are_md5 = False

    # -- buckets

    def buckets(self, driver: LibcloudDriver) -> Iterator[tuple[str, Ownership | None]]:
        """See `Keeper.buckets`: B2 tells all of them at once."""
        return ((one["bucketName"], marked(one.get("bucketInfo"))) for one in list_buckets(driver.driver.connection))

    def bucket(self, driver: LibcloudDriver, name: str) -> Ownership | None:
        """See `Keeper.bucket`."""
        return marked(self._bucket(driver, name).get("bucketInfo"))

    def create_bucket(self, driver: LibcloudDriver, name: str, owner: Ownership) -> None:
        """See `Keeper.create_bucket`: private, encrypted, with whose it is in the same request."""
        connection = driver.driver.connection
        made = connection.call(
            "b2_create_bucket",
            accountId=connection.account().id,
            bucketName=name,
            bucketType="allPrivate",
            bucketInfo=_notes(owner),
            defaultServerSideEncryption={"mode": "SSE-B2", "algorithm": "AES256"},
            lifecycleRules=[{"fileNamePrefix": "", "daysFromUploadingToHiding": None, "daysFromHidingToDeleting": 1}],
        )
        connection.bucket_ids[name] = made["bucketId"]

    def delete_bucket(self, driver: LibcloudDriver, name: str) -> None:
        """See `Keeper.delete_bucket`: one with any version of anything in it stays."""
        connection = driver.driver.connection
        found = self._bucket(driver, name)
        try:
            connection.call("b2_delete_bucket", accountId=connection.account().id, bucketId=found["bucketId"])
        except Exception as error:
            if not isinstance(translate(error), InUseError):
                raise
            raise InUseError(
                f"bucket {name} still holds something",
                remedy="delete the blobs in it first, and old versions and unfinished uploads of others' there",
            ) from error
        del connection.bucket_ids[name]

    def _bucket(self, driver: LibcloudDriver, name: str) -> Item:
        for found in list_buckets(driver.driver.connection, name):
            if found["bucketName"] == name:
                return found
        raise NotFoundError(f"there is no bucket {name}")

    def _in(self, driver: LibcloudDriver, name: str, do: Callable[[str], T]) -> T:
        """What ``do`` does with the id of a bucket: the one known, and if there is none of that, the one it has now."""
        ids = driver.driver.connection.bucket_ids
        if name in ids:
            with tolerating(NotFoundError):
                return do(ids[name])
        return do(self._bucket(driver, name)["bucketId"])

    # -- blobs

    def blobs(self, driver: LibcloudDriver, bucket: str, prefix: str = "") -> Iterator[ToldBlob]:
        """See `Keeper.blobs`: all pages; what is hidden isn't told."""
        identity = self._bucket(driver, bucket)["bucketId"]
        asked = {"bucketId": identity, "prefix": prefix, "maxFileCount": _PAGE}

        def page(after: str | None) -> Page:
            more = {"startFileName": after} if after is not None else {}
            return _page(driver.driver.connection.call("b2_list_file_names", **asked, **more), "nextFileName")

        return (self.told(one) for one in rows_of(page, f"the list of bucket {bucket}"))

    def blob(self, driver: LibcloudDriver, bucket: str, key: str) -> ToldBlob:
        """See `Keeper.blob`."""

        def look(identity: str) -> list[ToldBlob]:
            asked = {"bucketId": identity, "startFileName": key, "prefix": key, "maxFileCount": 1}
            rows = rows_in(driver.driver.connection.call("b2_list_file_names", **asked), "files")
            return [self.told(one) for one in rows if one["fileName"] == key]

        for found in self._in(driver, bucket, look):
            return found
        raise NotFoundError(f"there is no blob {key} in {bucket}")

    def put(self, driver: LibcloudDriver, new: NewBlob) -> str:
        """See `Keeper.put`. The checksum goes along, and B2 refuses what doesn't arrive so."""
        send = _send_at_once if len(new.content) <= AT_ONCE else _send_in_parts
        return self._in(driver, new.bucket, lambda identity: send(driver.driver.connection, identity, new))

    def delete_blob(self, driver: LibcloudDriver, bucket: str, key: str) -> None:
        """See `Keeper.delete_blob`: every version, the newest last, so that no older one comes to light."""
        connection = driver.driver.connection
        found = self._in(driver, bucket, lambda identity: list(_versions(connection, identity, key)))
        for one in reversed(found):
            with tolerating(NotFoundError):
                _drop(connection, one)

    def told(self, one: Any) -> ToldBlob:
        """See `Keeper.told`: B2 keeps no checksum of what came in parts, so that is told by our own notes."""
        notes = one.get("fileInfo") or {}
        sha1 = str(one.get("contentSha1") or "").removeprefix("unverified:")
        return ToldBlob(
            one["fileName"],
            int(one["contentLength"]),
            str(one.get("contentMd5") or notes.get(_MD5) or ""),
            notes.get(_SHA1, "") if sha1 in ("", "none") else sha1,
            one.get("contentType"),
            marked(notes),
        )


def _page(answer: Any, following: str) -> Page:
    """A page of a list; one that doesn't say whether it is the last isn't taken for that."""
    rows = rows_in(answer, "files")
    if following not in answer:
        raise TransientError(f"{following} is missing in B2's answer: the list can't be trusted")
    return Page(rows, answer[following])


def _versions(connection: Any, bucket: str, key: str) -> Iterator[Item]:
    """All versions of one file, the newest first, with unfinished ones and those that hide it."""
    asked = {"bucketId": bucket, "prefix": key, "maxFileCount": _PAGE}

    def page(after: tuple[str, str] | None) -> Page:
        name, identity = after or (key, None)
        start = {"startFileName": name, **({"startFileId": identity} if identity else {})}
        answer = connection.call("b2_list_file_versions", **asked, **start)
        told = _page(answer, "nextFileName")
        after = (told.after, answer["nextFileId"]) if told.after == key else None
        return Page([one for one in told.rows if one["fileName"] == key], after)

    return rows_of(page, f"the versions of {key}")


def _drop(connection: Any, version: Item) -> None:
    if version["action"] == _STARTED:
        connection.call("b2_cancel_large_file", fileId=version["fileId"])
    else:
        connection.call("b2_delete_file_version", fileName=version["fileName"], fileId=version["fileId"])


def _notes(owner: Ownership | None) -> dict[str, str]:
    """Ownership as B2 takes it with buckets and files: names of letters and '-'."""
    return {key.replace("_", "-"): value for key, value in marks(owner).items()}


def _notes_of(new: NewBlob) -> dict[str, str]:
    return {**_notes(new.owner), _MD5: new.md5.hex()}


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _send_at_once(connection: Any, bucket: str, new: NewBlob) -> str:
    sha1 = _sha1(new.content)
    place = connection.call("b2_get_upload_url", bucketId=bucket)
    headers = {
        "X-Bz-File-Name": quote(new.key, safe="/"),
        "Content-Type": new.type,
        "X-Bz-Content-Sha1": sha1,
        **{f"X-Bz-Info-{key}": quote(value, safe="") for key, value in _notes_of(new).items()},
    }
    _assert_arrived(connection.upload(place, headers, new.content), sha1, new)
    return sha1


def _send_in_parts(connection: Any, bucket: str, new: NewBlob) -> str:
    """Send a large content in parts. What an earlier call with the same token left unfinished is taken away."""
    for one in _versions(connection, bucket, new.key):
        owner = marked(one.get("fileInfo"))
        if one["action"] == _STARTED and owner is not None and owner == new.owner:
            if_there(lambda left=one: _drop(connection, left))  # type: ignore[misc]
    sha1 = _sha1(new.content)
    started = connection.call(
        "b2_start_large_file",
        bucketId=bucket,
        fileName=new.key,
        contentType=new.type,
        fileInfo={**_notes_of(new), _SHA1: sha1},
    )
    place = connection.call("b2_get_upload_part_url", fileId=started["fileId"])
    size, sums = max(AT_ONCE, connection.account().smallest_part), []
    for start in range(0, len(new.content), size):
        part = new.content[start : start + size]
        sums.append(_sha1(part))
        headers = {"X-Bz-Part-Number": str(len(sums)), "X-Bz-Content-Sha1": sums[-1]}
        _assert_arrived(connection.upload(place, headers, part), sums[-1], new)
    connection.call("b2_finish_large_file", fileId=started["fileId"], partSha1Array=sums)
    return sha1


def _assert_arrived(told: Item, sha1: str, new: NewBlob) -> None:
    if told["contentSha1"] != sha1:
        raise TransientError(f"blob {new.key} in {new.bucket} didn't arrive as it was sent")
