"""Backblaze B2's native API, version 2, as its reference has it: buckets, files with all their versions, large files.

https://www.backblaze.com/apidocs. It keeps things, and refuses what B2 refuses; its errors are those that Backblaze's
own library for Python tells apart.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request

KEY, SECRET = "0012ab34cd56ef7890000000001", "K001made-up-secret-of-tests"
ACCOUNT: Final = "12ab34cd56ef"
SMALLEST: Final = 5_000_000
_BUCKET: Final = re.compile(r"[A-Za-z0-9-]{6,63}")
_NOTE: Final = re.compile(r"[a-z0-9_.`~!#$%^&*'|+-]{1,50}")
_INFO: Final = "x-bz-info-"
_RETENTION: Final = {"fileNamePrefix": "", "daysFromUploadingToHiding": None, "daysFromHidingToDeleting": 1}

Thing = dict[str, Any]


class Backblaze(Imitation):
    """``page``: how many files a page has at most. ``elsewhere``: the host that uploads are sent to, for a test."""

    def __init__(self, page: int = 1000) -> None:
        super().__init__()
        self.page = page
        self.elsewhere = ""
        self.only = ""
        self.buckets: dict[str, Thing] = {}
        self.files: list[Thing] = []
        self.parts: dict[str, dict[int, bytes]] = {}
        self.contents: dict[str, bytes] = {}
        self.token = "4_made-up-token"
        self.expired = 0
        """How many requests with a token are refused because it has run out; a log-in brings a new one."""

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        calls = {
            "create_bucket": self.create_bucket,
            "list_buckets": self.list_buckets,
            "delete_bucket": self.delete_bucket,
            "list_file_names": self.list_names,
            "list_file_versions": self.list_versions,
            "delete_file_version": self.delete_version,
            "get_upload_url": self.upload_url,
            "start_large_file": self.start_large,
            "get_upload_part_url": self.part_url,
            "finish_large_file": self.finish_large,
            "cancel_large_file": self.cancel_large,
        }
        return (
            ("GET", "/b2api/v2/b2_authorize_account", self.log_in),
            *(("POST", f"/b2api/v2/b2_{name}", answer) for name, answer in calls.items()),
            ("POST", "/b2api/v2/b2_upload_file/([^/]+)/u1", self.upload),
            ("POST", "/b2api/v2/b2_upload_part/([^/]+)/u1", self.upload_part),
        )

    def read(self, raw: bytes, content_type: str) -> Any:
        return super().read(raw, content_type) if content_type == "application/json" else raw

    def refusal(self, error: RefusedError) -> Any:
        code, _, message = error.message.partition(": ")
        return {"code": code, "message": message or code, "status": error.status}

    def authorize(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if request.path.endswith("/b2_authorize_account"):
            if given != f"Basic {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}":
                raise RefusedError(401, "unauthorized: The applicationKeyId and/or the applicationKey are wrong.")
            return
        place = re.search(r"/b2_upload_(file|part)/", request.path)
        if given != (f"{self.token}-upload" if place else self.token):
            raise RefusedError(401, "bad_auth_token: Invalid authorization token.")
        if self.expired and not place:
            self.expired -= 1
            self.token += "+"
            raise RefusedError(401, "expired_auth_token: Authorization token has expired.")

    def log_in(self, request: Request) -> tuple[int, Any]:
        return 200, {
            "accountId": ACCOUNT,
            "authorizationToken": self.token,
            "apiUrl": self.endpoint,
            "downloadUrl": self.endpoint,
            "recommendedPartSize": 100_000_000,
            "absoluteMinimumPartSize": SMALLEST,
            "minimumPartSize": 100_000_000,
            "allowed": {
                "bucketId": self._id(self.only) if self.only else None,
                "bucketName": self.only or None,
                "capabilities": ["listBuckets", "writeBuckets", "deleteBuckets", "listFiles", "writeFiles"],
                "namePrefix": None,
            },
        }

    # -- buckets

    def _id(self, name: str) -> str:
        found: str = self.buckets[name]["bucketId"]
        return found

    def create_bucket(self, request: Request) -> tuple[int, Any]:
        needed = ("accountId", "bucketName", "bucketType", "bucketInfo", "defaultServerSideEncryption")
        body = self.check_body(request, needed=(*needed, "lifecycleRules"))
        self._check_account(body)
        encryption = body.pop("defaultServerSideEncryption")
        if encryption != {"mode": "SSE-B2", "algorithm": "AES256"} or body["lifecycleRules"] != [_RETENTION]:
            self.faults.append(f"{request.path}: {body!r}")
        name = body["bucketName"]
        if not _BUCKET.fullmatch(name) or not all(re.fullmatch(r"[a-zA-Z0-9-]+", key) for key in body["bucketInfo"]):
            raise RefusedError(400, "bad_request: Invalid bucketName or bucketInfo")
        if name.lower() in self.buckets:
            raise RefusedError(400, "duplicate_bucket_name: Bucket name is already in use.")
        default = {"isClientAuthorizedToRead": True, "value": encryption}
        identity = f"{self.number():024x}"
        made = {**body, "bucketId": identity, "defaultServerSideEncryption": default, "revision": 2}
        self.buckets[name] = made
        return 200, made

    def list_buckets(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("accountId",), possible=("bucketName",))
        self._check_account(body)
        wanted = body.get("bucketName")
        if self.only and wanted != self.only:
            raise RefusedError(401, "unauthorized: unauthorized")
        return 200, {"buckets": [one for name, one in sorted(self.buckets.items()) if wanted in (None, name)]}

    def delete_bucket(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("accountId", "bucketId"))
        self._check_account(body)
        bucket = self._bucket(body)
        if any(one["bucketId"] == bucket["bucketId"] for one in self.files):
            raise RefusedError(400, "cannot_delete_non_empty_bucket: Cannot delete non-empty bucket")
        return 200, self.buckets.pop(bucket["bucketName"])

    def _check_account(self, body: Mapping[str, Any]) -> None:
        if body["accountId"] != ACCOUNT:
            raise RefusedError(400, "bad_request: Invalid accountId")

    def _bucket(self, body: Mapping[str, Any]) -> Thing:
        for one in self.buckets.values():
            if one["bucketId"] == body["bucketId"]:
                return one
        raise RefusedError(400, f"bad_bucket_id: Bucket does not exist: {body['bucketId']}")

    # -- files

    def _sorted(self, body: Mapping[str, Any]) -> list[Thing]:
        """The versions in a bucket, by name, and the newest of each first."""
        found = [one for one in self.files if one["bucketId"] == self._bucket(body)["bucketId"]]
        found.sort(key=lambda one: -one["uploadTimestamp"])
        found.sort(key=lambda one: one["fileName"].encode())
        return [one for one in found if one["fileName"].startswith(body.get("prefix") or "")]

    def _count(self, body: Mapping[str, Any]) -> int:
        return min(self.page, body["maxFileCount"])

    def list_names(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("bucketId", "prefix", "maxFileCount"), possible=("startFileName",))
        newest: dict[str, Thing] = {}
        for one in self._sorted(body):
            if one["action"] != "start":
                newest.setdefault(one["fileName"], one)
        start = body.get("startFileName", "").encode()
        found = [one for name, one in newest.items() if one["action"] == "upload" and name.encode() >= start]
        count = self._count(body)
        following = found[count]["fileName"] if len(found) > count else None
        return 200, {"files": found[:count], "nextFileName": following}

    def list_versions(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(
            request, needed=("bucketId", "prefix", "maxFileCount", "startFileName"), possible=("startFileId",)
        )
        start = body["startFileName"].encode()
        found = [one for one in self._sorted(body) if one["fileName"].encode() >= start]
        if "startFileId" in body:
            ids = [one["fileId"] for one in found]
            found = found[ids.index(body["startFileId"]) :]
        count = self._count(body)
        after = found[count] if len(found) > count else {"fileName": None, "fileId": None}
        return 200, {"files": found[:count], "nextFileName": after["fileName"], "nextFileId": after["fileId"]}

    def delete_version(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("fileName", "fileId"))
        one = self._version(body, "file_not_present: File not present")
        if one["action"] == "start" or one["fileName"] != body["fileName"]:
            raise RefusedError(400, "bad_request: not a version of that file")
        self.files.remove(one)
        return 200, body

    def _version(self, body: Mapping[str, Any], refusal: str) -> Thing:
        for one in self.files:
            if one["fileId"] == body["fileId"]:
                return one
        raise RefusedError(400, refusal)

    def upload_url(self, request: Request) -> tuple[int, Any]:
        bucket = self._bucket(self.check_body(request, needed=("bucketId",)))
        return 200, self._place(f"b2_upload_file/{bucket['bucketId']}", bucketId=bucket["bucketId"])

    def _place(self, path: str, **more: str) -> Thing:
        host = self.elsewhere or self.endpoint
        return {**more, "uploadUrl": f"{host}/b2api/v2/{path}/u1", "authorizationToken": f"{self.token}-upload"}

    def _keep(self, bucket: str, name: str, **more: Any) -> Thing:
        if re.search(r"^/|/$|//|[\x00-\x1f\x7f\\]", name) or any(len(one.encode()) > 250 for one in name.split("/")):
            raise RefusedError(400, "bad_request: File names must not contain that")
        notes = more["fileInfo"]
        if len(notes) > 10 or not all(_NOTE.fullmatch(key) for key in notes):
            raise RefusedError(400, "bad_request: Bad file info")
        number = self.number()
        made = {
            "accountId": ACCOUNT,
            "bucketId": bucket,
            "fileId": f"4_z{bucket}_f{number:016x}_d20261126_m090000_c001_v0001000_t0001_u{number:014}",
            "fileName": name,
            "uploadTimestamp": number,
            **more,
        }
        self.files.append(made)
        return made

    def upload(self, request: Request, bucket: str) -> tuple[int, Any]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        content = request.body or b""
        self._check_sum(headers, content)
        notes = {name[len(_INFO) :]: unquote(value) for name, value in headers.items() if name.startswith(_INFO)}
        made = self._keep(
            bucket,
            unquote(headers["x-bz-file-name"]),
            action="upload",
            contentLength=len(content),
            contentSha1=headers["x-bz-content-sha1"],
            contentMd5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            contentType=headers["content-type"],
            fileInfo=notes,
        )
        self.contents[made["fileId"]] = content
        return 200, made

    def _check_sum(self, headers: Mapping[str, str], content: bytes) -> None:
        if headers["x-bz-content-sha1"] != hashlib.sha1(content, usedforsecurity=False).hexdigest():
            raise RefusedError(400, "bad_request: Sha1 did not match data received")
        if int(headers["content-length"]) != len(content):
            self.faults.append("the length is wrong")

    # -- large files

    def start_large(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("bucketId", "fileName", "contentType", "fileInfo"))
        bucket = self._bucket(body)["bucketId"]
        more = {"contentLength": 0, "contentSha1": "none", "contentMd5": None}
        made = self._keep(
            bucket, body["fileName"], action="start", contentType=body["contentType"], fileInfo=body["fileInfo"], **more
        )
        self.parts[made["fileId"]] = {}
        return 200, made

    def part_url(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("fileId",))
        self._unfinished(body)
        return 200, self._place(f"b2_upload_part/{body['fileId']}", fileId=body["fileId"])

    def _unfinished(self, body: Mapping[str, Any]) -> Thing:
        one = self._version(body, "bad_request: No active upload for that id")
        if one["action"] != "start":
            raise RefusedError(400, "bad_request: No active upload for that id")
        return one

    def upload_part(self, request: Request, identity: str) -> tuple[int, Any]:
        self._unfinished({"fileId": identity})
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._check_sum(headers, request.body)
        number = int(headers["x-bz-part-number"])
        self.parts[identity][number] = request.body
        told = {"fileId": identity, "partNumber": number, "contentLength": len(request.body)}
        return 200, {**told, "contentSha1": headers["x-bz-content-sha1"], "uploadTimestamp": self.number()}

    def finish_large(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("fileId", "partSha1Array"))
        one = self._unfinished(body)
        parts = [self.parts[body["fileId"]].get(number) for number in range(1, len(body["partSha1Array"]) + 1)]
        sums = [hashlib.sha1(part or b"", usedforsecurity=False).hexdigest() for part in parts]
        if None in parts or len(parts) < 2 or sums != body["partSha1Array"]:
            raise RefusedError(400, "missing_part: Part number has not been uploaded")
        if any(len(part or b"") < SMALLEST for part in parts[:-1]):
            raise RefusedError(400, "bad_request: Part is too small")
        content = b"".join(part or b"" for part in parts)
        one.update(action="upload", contentLength=len(content), uploadTimestamp=self.number())
        self.contents[one["fileId"]] = content
        del self.parts[one["fileId"]]
        return 200, one

    def cancel_large(self, request: Request) -> tuple[int, Any]:
        one = self._unfinished(self.check_body(request, needed=("fileId",)))
        self.files.remove(one)
        return 200, {key: one[key] for key in ("accountId", "bucketId", "fileId", "fileName")}
