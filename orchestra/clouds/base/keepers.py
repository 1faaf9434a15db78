"""How Libcloud's storage drivers are spoken to: what each tells of buckets and blobs, and how they are put."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote, unquote

import attrs
from libcloud.storage.base import Container
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError

from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.contracts import Ownership
from orchestra.errors import NotFoundError, TransientError
from orchestra.model.values import Plain

AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes of a content that are sent in one request; larger ones are sent in parts."""

MD5: Final = re.compile(r"[0-9a-f]{32}")
_STEM: Final = "orchestra_"
_LISTS: Final = 20
"""How often a folder is listed at most while things in it vanish."""


@attrs.frozen
class ToldBlob:
    """A blob as a driver tells it. ``md5`` is '' and ``type`` None where it doesn't tell."""

    key: str
    size: int
    md5: str
    etag: str
    type: str | None = None
    owner: Ownership | None = None

    @property
    def digest(self) -> str:
        """Its content in the form that plans and state keep; '' where that isn't told."""
        return f"{self.size} bytes, md5 {self.md5}" if self.md5 else ""


@attrs.frozen
class NewBlob:
    """A blob to be put: at ``key`` in ``bucket``. ``fresh``: there must be none yet, as far as the cloud can tell."""

    bucket: str
    key: str
    content: bytes = attrs.field(repr=False)
    type: str
    owner: Ownership | None
    fresh: bool

    @property
    def md5(self) -> bytes:
        """The checksum of the content."""
        return hashlib.md5(self.content, usedforsecurity=False).digest()

    @property
    def path(self) -> str:
        """Bucket and key as the path of a URL."""
        return path_of(self.bucket, self.key)

    @property
    def extra(self) -> dict[str, Any]:
        """What Libcloud takes beside the content."""
        return {"content_type": self.type, "meta_data": marks(self.owner)}


def path_of(bucket: str, key: str) -> str:
    """Bucket and key as the path of a URL."""
    return quote(f"/{bucket}/{key}", safe="/~-._")


def marks(owner: Ownership | None) -> dict[str, str]:
    """Ownership as metadata: names that are identifiers, as Azure wants them, and values of plain ASCII."""
    tags = owner.tags() if owner else {}
    return {key.replace(":", "_"): quote(value, safe="") for key, value in tags.items()}


def marked(metadata: Mapping[str, str] | None) -> Ownership | None:
    """The ownership that metadata tells of. Clouds may spell its names with '-' for '_', and in any case."""
    named = {key.lower().replace("-", "_"): value for key, value in (metadata or {}).items()}
    tags = {
        f"orchestra:{key.removeprefix(_STEM)}": unquote(value) for key, value in named.items() if key.startswith(_STEM)
    }
    return Ownership.from_tags(tags)


@attrs.frozen
class Keeper:
    """A driver that is spoken to as Libcloud's base API has it; what others do differently, they say themselves."""

    unsupported: Mapping[str, str]
    """Inputs of a bucket that can't be had, as in `Capabilities`."""
    fixed: Mapping[str, tuple[Plain, str]]
    """Those that have one value only."""
    terms: Terms = attrs.field(factory=Terms)

    marks_buckets: ClassVar[bool] = False
    marks_blobs: ClassVar[bool] = True
    """Whether a blob tells whose it is."""
    tells_types: ClassVar[bool] = False
    """Whether it tells a blob's MIME type, in lists too."""
    lists_marks: ClassVar[bool] = False
    """Whether a list tells that too, else it takes a call for each."""
    answers: ClassVar[type | None] = None
    """The class of answers that takes no refusal for success, where Libcloud's does."""

    def speak(self, driver: LibcloudDriver) -> Any:
        """The driver of Libcloud's, ready to be called."""
        if self.answers is not None:
            driver.driver.connection.responseCls = self.answers
        return driver.driver

    # -- buckets

    def buckets(self, driver: LibcloudDriver) -> Iterator[tuple[str, Ownership | None]]:
        """The name of every bucket, with whose it is where that is told."""
        return ((str(one.name), marked(one.extra.get("meta_data"))) for one in self.speak(driver).list_containers())

    def bucket(self, driver: LibcloudDriver, name: str) -> Ownership | None:
        """Whose a bucket is; raises `NotFoundError`, or the driver's own error, if it isn't there."""
        for found, owner in self.buckets(driver):
            if found == name:
                return owner
        raise NotFoundError(f"there is no bucket {name}")

    def create_bucket(self, driver: LibcloudDriver, name: str, owner: Ownership) -> None:
        """Make a bucket."""
        del owner
        self.speak(driver).create_container(name)

    def delete_bucket(self, driver: LibcloudDriver, name: str) -> None:
        """Delete a bucket; one that holds something refuses it."""
        if not self.speak(driver).delete_container(self.place(driver, name)):
            raise TransientError(f"whether bucket {name} was deleted isn't known: the driver said no")

    def place(self, driver: LibcloudDriver, bucket: str) -> Container:
        """Libcloud's object for a bucket."""
        return Container(bucket, {}, driver.driver)

    # -- blobs

    def blobs(self, driver: LibcloudDriver, bucket: str, prefix: str = "") -> Iterator[ToldBlob]:
        """The blobs of a bucket whose keys begin with ``prefix``, all pages."""
        listed = self.speak(driver).iterate_container_objects(self.place(driver, bucket), prefix=prefix or None)
        return (self.told(one) for one in listed)

    def blob(self, driver: LibcloudDriver, bucket: str, key: str) -> ToldBlob:
        """One blob; an error of the driver's if it isn't there."""
        return self.told(self.speak(driver).get_object(bucket, key))

    def put(self, driver: LibcloudDriver, new: NewBlob) -> str:
        """Put a blob and tell its ETag; raises if what arrived isn't what was sent."""
        stream = io.BytesIO(new.content)
        made = self.speak(driver).upload_object_via_stream(
            stream, self.place(driver, new.bucket), new.key, extra=new.extra
        )
        told = str(made.hash or "").strip('"')
        if MD5.fullmatch(told) and self.sums_are_md5 and told != new.md5.hex():
            raise TransientError(f"blob {new.key} in {new.bucket} didn't arrive as it was sent")
        return told

    sums_are_md5: ClassVar[bool] = True
    """Whether a checksum of 32 hexadecimal digits that the driver tells is the MD5 of the content."""

    def delete_blob(self, driver: LibcloudDriver, bucket: str, key: str) -> None:
        """Delete a blob."""
        api = self.speak(driver)
        if not api.delete_object(api.get_object(bucket, key)):
            raise TransientError(f"whether blob {key} in {bucket} was deleted isn't known: the driver said no")

    def told(self, one: Any) -> ToldBlob:
        """What an object of Libcloud's tells."""
        etag = str(one.hash or "").strip('"')
        md5 = etag if MD5.fullmatch(etag) else ""
        return ToldBlob(one.name, int(one.size), md5, etag, None, marked(one.meta_data))


class Local(Keeper):
    """A folder, with a folder in it for each bucket. It keeps the content and nothing else."""

    marks_blobs = False
    sums_are_md5 = False

    def put(self, driver: LibcloudDriver, new: NewBlob) -> str:
        """See `Keeper.put`."""
        super().put(driver, new)
        return new.md5.hex()

    def buckets(self, driver: LibcloudDriver) -> Iterator[tuple[str, Ownership | None]]:
        """See `Keeper.buckets`."""
        return iter(
            [
                (str(one.name), None)
                for one in _as_of_now(self.speak(driver).iterate_containers, ContainerDoesNotExistError)
            ]
        )

    def bucket(self, driver: LibcloudDriver, name: str) -> Ownership | None:
        """See `Keeper.bucket`."""
        self.speak(driver).get_container(name)
        return None

    def blobs(self, driver: LibcloudDriver, bucket: str, prefix: str = "") -> Iterator[ToldBlob]:
        """See `Keeper.blobs`: Libcloud warns that it sorts out prefixes itself, so that is done here."""
        place, api = self.place(driver, bucket), self.speak(driver)
        for one in _as_of_now(lambda: api.iterate_container_objects(place), ObjectDoesNotExistError):
            if one.name.startswith(prefix):
                with contextlib.suppress(FileNotFoundError):
                    yield self.told(one)

    def told(self, one: Any) -> ToldBlob:
        """See `Keeper.told`: the checksum is made of the content, which is read in parts."""
        found = hashlib.md5(usedforsecurity=False)
        size = 0
        for part in one.driver.download_object_as_stream(one):
            found.update(part)
            size += len(part)
        return ToldBlob(one.name, size, found.hexdigest(), found.hexdigest())


def _as_of_now(listing: Callable[[], Iterable[Any]], vanished: type[Exception]) -> list[Any]:
    """What ``listing`` lists of a folder: again, where it fails because something in it ``vanished`` meanwhile.

    That failure speaks of the other thing, so it may never be taken for an answer about what was asked for.
    """
    for _ in range(_LISTS):
        with contextlib.suppress(vanished):
            return list(listing())
    raise TransientError("what the folder holds isn't known: each time it was listed something in it vanished")
