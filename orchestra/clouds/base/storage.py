"""Buckets and blobs over Libcloud's base API for storage.

A bucket is found by its name, a blob by bucket and key; metadata tells whose it is where a cloud keeps that. Where it
doesn't, a bucket is taken for one's own only if its name was made from the token, and a blob only if it holds what it
should.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from orchestra.clouds.base.azure_keeper import Azure
from orchestra.clouds.base.b2_connection import B2Driver
from orchestra.clouds.base.b2_keeper import B2
from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.base.keepers import Keeper, Local, NewBlob, ToldBlob
from orchestra.clouds.base.s3_keepers import GoogleStorage, S3Compatible
from orchestra.clouds.base.swift_keeper import Swift
from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, InternalError, InvalidRequestError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources.checks import content_digest

_PLAIN: Final = MappingProxyType(
    {
        "public": "access is left as the cloud has it, which is private",
        "versioned": "Libcloud's drivers don't set that",
        "labels": "Libcloud's drivers don't set any",
    }
)
_ENCRYPTED: Final = MappingProxyType({"encrypted": (True, "everything in it is encrypted at rest")})
_UNSURE: Final = MappingProxyType({"encrypted": (False, "whether anything is encrypted is the server's affair")})
_FOLDER: Final = MappingProxyType({"encrypted": (False, "files are as the file system keeps them")})

KEEPERS: Final[Mapping[str, Keeper]] = MappingProxyType(
    {
        "azure_blobs": Azure(_PLAIN, _ENCRYPTED, Terms(hosted=True)),
        "backblaze_b2": B2(
            MappingProxyType({**_PLAIN, "versioned": "a rule of the bucket takes old versions away after a day"}),
            _ENCRYPTED,
        ),
        "google_storage": GoogleStorage(_PLAIN, _ENCRYPTED),
        "local": Local(_PLAIN, _FOLDER, Terms(defaults=MappingProxyType({"ex_use_locking": False}))),
        "minio": S3Compatible(_PLAIN, _UNSURE, Terms(hosted=True)),
        "openstack_swift": Swift(_PLAIN, _UNSURE),
        "s3": S3Compatible(_PLAIN, _UNSURE),
    }
)
"""How the drivers that are served are spoken to, by Libcloud's constant."""

STORAGE_DRIVERS: Final[Mapping[str, type]] = MappingProxyType({"backblaze_b2": B2Driver})
"""Classes to be used in place of Libcloud's own."""

_NO_PART: Final = ("", ".", "..")


def storage_calls(provider: str) -> tuple[Calls[LibcloudDriver], ...]:
    """The calls of each kind that the driver ``provider`` of Libcloud can serve."""
    keeper = KEEPERS.get(provider)
    return (BucketCalls(keeper), BlobCalls(keeper)) if keeper else ()


def storage_terms(provider: str) -> Terms:
    """What the calls for ``provider`` take beside its driver."""
    return KEEPERS[provider].terms if provider in KEEPERS else Terms()


class BucketCalls(Calls[LibcloudDriver]):
    """A bucket. Its external id is its name."""

    kind = "storage.Bucket"
    page = None

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.unsupported = keeper.unsupported
        self.fixed = keeper.fixed
        self.found_by = FoundBy.TAG if keeper.marks_buckets else FoundBy.NAME
        self.found_key = "metadata of the bucket" if keeper.marks_buckets else "name, unless one was given"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused as a conflict if there is one of that name that isn't from the token."""
        name = _bucket_name(inputs, owner)
        there = self._there(driver, name)
        if there is None:
            self._keeper.create_bucket(driver, name, owner)
            return _bucket(name, owner if self._keeper.marks_buckets else None)
        if not self._is_ours(there, owner):
            raise ConflictError(
                f"bucket {name} is there already, and not from here", remedy="choose another name, or adopt it"
            )
        return there

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        if self._keeper.marks_buckets and not self._keeper.lists_marks:
            for name in ids:
                with tolerating(NotFoundError):
                    yield self.look_up(driver, name)
        else:
            yield from (_bucket(name, owner) for name, owner in self._keeper.buckets(driver) if name in ids)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return _bucket(external_id, self._keeper.bucket(driver, external_id))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name, if it is marked with the token or its name was made from it."""
        found = self.look_up(driver, _bucket_name(inputs, owner))
        return found if self._is_ours(found, owner) else None

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a bucket can be changed in place through these drivers."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`: refused while there is a blob in it, which some clouds would delete with it."""
        self._keeper.bucket(driver, external_id)
        self._keeper.delete_bucket(driver, external_id)

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`."""
        for name, owner in self._keeper.buckets(driver):
            if self._keeper.lists_marks or not self._keeper.marks_buckets:
                yield _bucket(name, owner)
                continue
            with tolerating(NotFoundError):
                yield self.look_up(driver, name)

    def _there(self, driver: LibcloudDriver, name: str) -> Observation | None:
        try:
            return self.look_up(driver, name)
        except Exception as error:
            if isinstance(translate(error), NotFoundError):
                return None
            raise

    def _is_ours(self, found: Observation, owner: Ownership) -> bool:
        if self._keeper.marks_buckets:
            return found.ownership is not None and found.ownership.token == owner.token
        return found.external_id == owner.name()


def _bucket_name(inputs: Inputs, owner: Ownership) -> str:
    return inputs.optional_text("name") or owner.name()


def _bucket(name: str, owner: Ownership | None) -> Observation:
    return Observation(external_id=name, inputs={"name": name}, ownership=owner)


class BlobCalls(Calls[LibcloudDriver]):
    """A blob. Its external id is ``bucket/key``."""

    kind = "storage.Blob"
    page = None

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.found_by = FoundBy.TAG if keeper.marks_blobs else FoundBy.NATURAL_KEY
        self.found_key = "metadata of the blob" if keeper.marks_blobs else "bucket and key, with the content asked for"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused as a conflict if there is one of that key, unless the token made it."""
        bucket, key = inputs.text("bucket"), _sound(inputs.text("key"))
        there = self._there(driver, bucket, key)
        if there is not None and not _is_from(there, owner):
            raise ConflictError(
                f"bucket {bucket} has a blob {key} already", remedy="choose another key, or adopt what is there"
            )
        return self._put(driver, _new(inputs, owner, fresh=there is None))

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: lists of the keys that begin as those wanted do."""
        wanted: dict[str, set[str]] = {}
        for external_id in ids:
            bucket, _, key = external_id.partition("/")
            wanted.setdefault(bucket, set()).add(key)
        for bucket, keys in wanted.items():
            with tolerating(NotFoundError):
                for found in self._keeper.blobs(driver, bucket, _common_beginning(keys)):
                    if found.key in keys:
                        yield _blob(bucket, found)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        bucket, _, key = external_id.partition("/")
        return _blob(bucket, self._keeper.blob(driver, bucket, _sound(key)))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by bucket and key, if it is marked with the token, or has the content where none is."""
        bucket = inputs.text("bucket")
        there = self._keeper.blob(driver, bucket, _sound(inputs.text("key")))
        if self._keeper.marks_blobs:
            return _blob(bucket, there) if _is_from(there, owner) else None
        try:
            wanted = inputs.text("content")
        except InternalError:  # a content that is a secret isn't kept, so it can't be compared
            return _blob(bucket, there)
        return _blob(bucket, there) if there.digest in (wanted, content_digest(wanted)) else None

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: put anew, with whose it is as before."""
        bucket, _, key = external_id.partition("/")
        now = self._keeper.blob(driver, bucket, _sound(key))
        return self._put(driver, _new(update.after, now.owner, fresh=False))

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        bucket, _, key = external_id.partition("/")
        self._keeper.delete_blob(driver, bucket, _sound(key))

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`: of every bucket; whose each is takes a call for each where lists don't tell."""
        for bucket, _ in self._keeper.buckets(driver):
            with tolerating(NotFoundError):
                for found in self._keeper.blobs(driver, bucket):
                    if self._keeper.lists_marks or not self._keeper.marks_blobs:
                        yield _blob(bucket, found)
                        continue
                    with tolerating(NotFoundError):
                        yield self.look_up(driver, f"{bucket}/{found.key}")

    def _put(self, driver: LibcloudDriver, new: NewBlob) -> Observation:
        etag = self._keeper.put(driver, new)
        kind = new.type if self._keeper.tells_types else None
        owner = new.owner if self._keeper.marks_blobs else None
        return _blob(new.bucket, ToldBlob(new.key, len(new.content), new.md5.hex(), etag, kind, owner))

    def _there(self, driver: LibcloudDriver, bucket: str, key: str) -> ToldBlob | None:
        try:
            return self._keeper.blob(driver, bucket, key)
        except Exception as error:
            if isinstance(translate(error), NotFoundError):
                return None
            raise


def _sound(key: str) -> str:
    """``key``; raises `InvalidRequestError` for a path with parts that HTTP clients and file systems rewrite."""
    if set(_NO_PART).intersection(key.rstrip("/").split("/")):
        raise InvalidRequestError(f"key {key!r}: parts that are empty, '.' or '..' can't be used", sent=False)
    return key


def _new(inputs: Inputs, owner: Ownership | None, *, fresh: bool) -> NewBlob:
    return NewBlob(
        inputs.text("bucket"),
        inputs.text("key"),
        inputs.text("content").encode(),
        inputs.text("content_type"),
        owner,
        fresh,
    )


def _is_from(there: ToldBlob, owner: Ownership) -> bool:
    return there.owner is not None and there.owner.token == owner.token


def _blob(bucket: str, told: ToldBlob) -> Observation:
    inputs: dict[str, Plain] = {"bucket": bucket, "key": told.key}
    if told.digest:
        inputs["content"] = told.digest
    if told.type is not None:
        inputs["content_type"] = told.type
    return Observation(
        external_id=f"{bucket}/{told.key}", inputs=inputs, outputs={"etag": told.etag}, ownership=told.owner
    )


def _common_beginning(keys: Collection[str]) -> str:
    """The longest text that all ``keys`` begin with."""
    first, last = min(keys), max(keys)
    return first[: next((at for at, one in enumerate(first) if not last.startswith(one, at)), len(first))]
