"""The simulated object storage driver: Libcloud's base class, with settings of buckets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
)

from orchestra.clouds.families.simulated.endpoint import WEBSITE, Tags
from orchestra.clouds.families.simulated.kinds import BLOB, BUCKET, BlobBody, BucketBody
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows
from orchestra.clouds.families.simulated.tagging import Tagging

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BINARY: Final = "application/octet-stream"

# Libcloud's constructors have no types
_NO_CONTAINER: Final[Callable[..., Exception]] = ContainerDoesNotExistError
_CONTAINER_EXISTS: Final[Callable[..., Exception]] = ContainerAlreadyExistsError
_CONTAINER_NOT_EMPTY: Final[Callable[..., Exception]] = ContainerIsNotEmptyError
_BAD_NAME: Final[Callable[..., Exception]] = InvalidContainerNameError
_NO_OBJECT: Final[Callable[..., Exception]] = ObjectDoesNotExistError

Extra = Mapping[str, Any]
"""What Libcloud's calls take beside their arguments: ``content_type`` and ``meta_data``."""


class SimulatedStorageDriver(Tagging, StorageDriver):
    """Buckets, which Libcloud calls containers, and the objects in them.

    The settings of a bucket are remembered; only the last version of an object is kept, whatever they say.
    """

    name = "Simulated"
    website = WEBSITE
    service = "storage"
    tagged = (BUCKET,)

    def iterate_containers(
        self, ex_names: Sequence[str] | None = None, ex_token: str | None = None
    ) -> Iterator[Container]:
        """All buckets, or those with the names or the token."""
        wanted = Filter(names=ex_names, parent="" if ex_names is not None else None, token=ex_token)
        for row in self._list("list_containers", BUCKET, wanted):
            yield self._container(row)

    def get_container(self, container_name: str) -> Container:
        """One bucket."""
        with self._read("get_container", container_name) as rows:
            return self._container(self._told(rows, container_name))

    def create_container(
        self,
        container_name: str,
        *,
        ex_encrypted: bool = True,
        ex_public: bool = False,
        ex_versioned: bool = False,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> Container:
        """Make a bucket; its name is unique in the whole world."""
        with self._write("create_container", container_name, token=ex_token) as rows:
            row = rows.made_under(BUCKET, ex_token)
            if row is None:
                if not _NAME.fullmatch(container_name):
                    raise _BAD_NAME(
                        value="3 to 63 lower-case letters, digits, '-' or '.'",
                        driver=self,
                        container_name=container_name,
                    )
                if rows.named(BUCKET, container_name):
                    raise _CONTAINER_EXISTS(value="the name is taken", driver=self, container_name=container_name)
                body: BucketBody = {
                    "tags": dict(ex_tags or {}),
                    "name": container_name,
                    "encrypted": ex_encrypted,
                    "public": ex_public,
                    "versioned": ex_versioned,
                }
                row = rows.add(BUCKET, body, name=container_name, token=ex_token)
            return self._container(row)

    def ex_modify_container(
        self,
        container_name: str,
        *,
        encrypted: bool | None = None,
        public: bool | None = None,
        versioned: bool | None = None,
    ) -> Container:
        """Change settings of a bucket; None leaves one as it is."""
        with self._write("ex_modify_container", container_name) as rows:
            row = self._existing(rows, container_name)
            if encrypted is not None:
                row.body["encrypted"] = encrypted
            if public is not None:
                row.body["public"] = public
            if versioned is not None:
                row.body["versioned"] = versioned
            rows.save(row)
            return self._container(row)

    def delete_container(self, container: Container) -> bool:
        """Delete a bucket; refused while objects are in it."""
        with self._write("delete_container", container.name) as rows:
            row = self._existing(rows, container.name)
            if rows.users(row.id):
                raise _CONTAINER_NOT_EMPTY(value="objects are still in it", driver=self, container_name=container.name)
            rows.remove(row)
        return True

    def iterate_container_objects(
        self,
        container: Container,
        prefix: str | None = None,
        ex_prefix: str | None = None,
        *,
        ex_names: Sequence[str] | None = None,
    ) -> Iterator[Object]:
        """All objects of a bucket, those whose name starts with ``prefix``, or those with the names."""
        start = self._normalize_prefix_argument(prefix, ex_prefix) or ""  # type: ignore[no-untyped-call]
        bucket = container.extra["id"]
        for row in self._list("list_container_objects", BLOB, Filter(parent=bucket, names=ex_names)):
            if row.body["key"].startswith(start):
                yield self._object(row, container)

    def get_object(self, container_name: str, object_name: str) -> Object:
        """One object."""
        with self._read("get_object", f"{container_name}/{object_name}") as rows:
            bucket = self._told(rows, container_name)
            row = rows.look_up_named(BLOB, object_name, bucket.id)
            if row is None:
                raise self._no_object(object_name)
            return self._object(row, self._container(bucket))

    def upload_object(
        self,
        file_path: str,
        container: Container,
        object_name: str,
        extra: Extra | None = None,
        verify_hash: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        """Put the content of a file into a bucket, over what has the same name."""
        return self._put(container, object_name, Path(file_path).read_bytes(), extra)

    def upload_object_via_stream(
        self,
        iterator: Iterable[bytes],
        container: Container,
        object_name: str,
        extra: Extra | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        """Put a content into a bucket, over what has the same name."""
        return self._put(container, object_name, b"".join(iterator), extra)

    def ex_change_object(self, container_name: str, object_name: str, content_type: str) -> Object:
        """Give an object another content type and leave its content."""
        with self._write("ex_change_object", f"{container_name}/{object_name}") as rows:
            bucket = self._existing(rows, container_name)
            row = self._existing_object(rows, bucket, object_name)
            row.body["content_type"] = content_type
            rows.save(row)
            return self._object(row, self._container(bucket))

    def download_object(
        self,
        obj: Object,
        destination_path: str,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        """Write the content of an object into a file, or into a folder under its own name."""
        target = Path(destination_path)
        target = target / obj.name if target.is_dir() else target
        if target.exists() and not overwrite_existing:
            raise FileExistsError(f"{target} exists: overwrite_existing=True replaces it")
        target.write_bytes(self._content(obj))
        return True

    def download_object_as_stream(self, obj: Object, chunk_size: int | None = None) -> Iterator[bytes]:
        """The content of an object, ``chunk_size`` bytes at a time (default 8192)."""
        content, size = self._content(obj), chunk_size or 8192
        return (content[start : start + size] for start in range(0, len(content), size))

    def delete_object(self, obj: Object) -> bool:
        """Delete an object."""
        with self._write("delete_object", f"{obj.container.name}/{obj.name}") as rows:
            rows.remove(self._existing_object(rows, self._existing(rows, obj.container.name), obj.name))
        return True

    def _put(self, container: Container, name: str, content: bytes, extra: Extra | None) -> Object:
        extra = extra or {}
        with self._write("upload_object_via_stream", f"{container.name}/{name}") as rows:
            bucket = self._existing(rows, container.name)
            if not 1 <= len(name.encode()) <= 1024:
                raise refusal("KeyTooLongError", f"'{name}' needs 1 to 1024 bytes", status=400)
            body: BlobBody = {
                "tags": dict(extra.get("meta_data") or {}),
                "bucket": bucket.body["name"],
                "key": name,
                "size": len(content),
                "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
                "content_type": str(extra.get("content_type") or _BINARY),
                "modified": self._now(),
            }
            row = rows.named(BLOB, name, bucket.id)
            if row is None:
                row = rows.add(BLOB, body, parent=bucket.id, name=name)
            else:
                row.body = body
                rows.save(row)
            rows.put_content(row, content)
            return self._object(row, self._container(bucket))

    def _content(self, obj: Object) -> bytes:
        with self._read("download_object", f"{obj.container.name}/{obj.name}") as rows:
            return rows.content(self._existing_object(rows, self._existing(rows, obj.container.name), obj.name))

    def _existing(self, rows: Rows, name: str) -> Row[BucketBody]:
        return rows.named(BUCKET, name) or self._no_container(name)

    def _told(self, rows: Rows, name: str) -> Row[BucketBody]:
        return rows.look_up_named(BUCKET, name) or self._no_container(name)

    def _existing_object(self, rows: Rows, bucket: Row[BucketBody], name: str) -> Row[BlobBody]:
        row = rows.named(BLOB, name, bucket.id)
        if row is None:
            raise self._no_object(name)
        return row

    def _no_container(self, name: str) -> Row[BucketBody]:
        raise _NO_CONTAINER(value="it does not exist", driver=self, container_name=name)

    def _no_object(self, name: str) -> Exception:
        return _NO_OBJECT(value="it does not exist", driver=self, object_name=name)

    def _container(self, row: Row[BucketBody]) -> Container:
        body = row.body
        extra = {
            "id": row.id,
            "encrypted": body["encrypted"],
            "public": body["public"],
            "versioned": body["versioned"],
            "tags": body["tags"],
        }
        return Container(body["name"], extra, self)

    def _object(self, row: Row[BlobBody], container: Container) -> Object:
        body = row.body
        extra = {"content_type": body["content_type"], "last_modified": body["modified"], "etag": body["md5"]}
        return Object(body["key"], body["size"], body["md5"], extra, body["tags"], container, self)
