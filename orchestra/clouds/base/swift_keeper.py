"""OpenStack Swift, where Libcloud's own requests leave something out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from libcloud.storage.drivers.cloudfiles import CloudFilesResponse

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.keepers import AT_ONCE, Keeper, NewBlob, marked, marks, path_of
from orchestra.clouds.translate import translate
from orchestra.contracts import Ownership
from orchestra.errors import ConflictError, InUseError


class _SwiftAnswer(CloudFilesResponse):
    """Swift's answer: Libcloud's own class takes 404 and 409 for success."""

    def success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= int(self.status) <= 299


class Swift(Keeper):
    """OpenStack Swift. Whose a bucket is stands in its metadata, which only a look at each tells."""

    marks_buckets = True
    answers = _SwiftAnswer

    def buckets(self, driver: LibcloudDriver) -> Iterator[tuple[str, Ownership | None]]:
        """See `Keeper.buckets`: all pages, of which Libcloud reads the first."""
        marker = ""
        while True:
            asked = {"marker": marker} if marker else {}
            page = self.speak(driver).connection.request("", params=asked).object or []
            yield from ((one["name"], None) for one in page)
            if not page:
                return
            marker = page[-1]["name"]

    def bucket(self, driver: LibcloudDriver, name: str) -> Ownership | None:
        """See `Keeper.bucket`."""
        headers: Mapping[str, str] = self.speak(driver).connection.request(f"/{quote(name)}", method="HEAD").headers
        stem = "x-container-meta-"
        return marked({key[len(stem) :]: value for key, value in headers.items() if key.lower().startswith(stem)})

    def create_bucket(self, driver: LibcloudDriver, name: str, owner: Ownership) -> None:
        """See `Keeper.create_bucket`: with whose it is in the same request."""
        headers = _headers("X-Container-Meta", owner)
        self.speak(driver).connection.request(f"/{quote(name)}", method="PUT", headers=headers)

    def delete_bucket(self, driver: LibcloudDriver, name: str) -> None:
        """See `Keeper.delete_bucket`: Swift calls one that holds something a conflict."""
        try:
            super().delete_bucket(driver, name)
        except Exception as error:
            if not isinstance(translate(error), ConflictError):
                raise
            raise InUseError(f"bucket {name} still holds something", remedy="delete the blobs in it first") from error

    def put(self, driver: LibcloudDriver, new: NewBlob) -> str:
        """See `Keeper.put`: the server compares the checksum that is sent along."""
        if len(new.content) > AT_ONCE:
            return super().put(driver, new)
        headers = {
            "Content-Type": new.type,
            "ETag": new.md5.hex(),
            **_headers("X-Object-Meta", new.owner),
            **({"If-None-Match": "*"} if new.fresh else {}),
        }
        self.speak(driver).connection.request(new.path, method="PUT", data=new.content, headers=headers)
        return new.md5.hex()

    def delete_blob(self, driver: LibcloudDriver, bucket: str, key: str) -> None:
        """See `Keeper.delete_blob`."""
        self.speak(driver).connection.request(path_of(bucket, key), method="DELETE")


def _headers(stem: str, owner: Ownership | None) -> dict[str, Any]:
    return {f"{stem}-{key.replace('_', '-')}": value for key, value in marks(owner).items()}
