"""Azure Blob Storage, where Libcloud's own requests leave something out."""

from __future__ import annotations

import base64
from typing import Any

from libcloud.common.azure import AzureResponse

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.keepers import AT_ONCE, Keeper, NewBlob, ToldBlob, marked, marks, path_of
from orchestra.contracts import Ownership


class _AzureAnswer(AzureResponse):
    """Azure's answer: Libcloud's own class takes 400, 404 and 409 for success."""

    def success(self) -> bool:
        """Whether the status is one of 2xx, or sends elsewhere, which Libcloud looks at itself."""
        return 200 <= int(self.status) <= 299 or int(self.status) == 307


class Azure(Keeper):
    """Azure Blob Storage. Buckets are its containers; lists tell checksums, types and metadata."""

    marks_buckets = True
    lists_marks = True
    tells_types = True
    sums_are_md5 = False
    answers = _AzureAnswer

    def bucket(self, driver: LibcloudDriver, name: str) -> Ownership | None:
        """See `Keeper.bucket`."""
        return marked(self.speak(driver).get_container(name).extra["meta_data"])

    def create_bucket(self, driver: LibcloudDriver, name: str, owner: Ownership) -> None:
        """See `Keeper.create_bucket`: with whose it is in the same request, which Libcloud's own doesn't send."""
        self.speak(driver).connection.request(
            f"/{name}", params={"restype": "container"}, headers=_azure_marks(owner), method="PUT", retry_failed=False
        )

    def put(self, driver: LibcloudDriver, new: NewBlob) -> str:
        """See `Keeper.put`."""
        if len(new.content) > AT_ONCE:
            return super().put(driver, new)
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": new.type,
            "Content-MD5": base64.b64encode(new.md5).decode(),
            **({"Content-Length": str(len(new.content))} if new.content else {}),  # 0 isn't signed
            **_azure_marks(new.owner),
            **({"If-None-Match": "*"} if new.fresh else {}),
        }
        request = self.speak(driver).connection.request
        answer = request(new.path, method="PUT", data=new.content, headers=headers, retry_failed=False)
        return str(answer.headers["etag"]).strip('"')

    def delete_blob(self, driver: LibcloudDriver, bucket: str, key: str) -> None:
        """See `Keeper.delete_blob`."""
        self.speak(driver).connection.request(path_of(bucket, key), method="DELETE", retry_failed=False)

    def told(self, one: Any) -> ToldBlob:
        """See `Keeper.told`."""
        etag = str(one.hash or "").strip('"')
        md5, kind = one.extra.get("md5_hash") or "", one.extra.get("content_type")
        return ToldBlob(one.name, int(one.size), md5, etag, kind, marked(one.meta_data))


def _azure_marks(owner: Ownership | None) -> dict[str, str]:
    return {f"x-ms-meta-{key}": value for key, value in marks(owner).items()}
