"""Ten thousand blobs are read page by page, and no page that fails or is cut short makes one of them gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import attrs
import pytest

from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from orchestra.clouds.provider import LATE
from orchestra.contracts import Provider
from orchestra.errors import CloudError, ThrottledError, TransientError
from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, Trouble

MANY = 10_000
SOME = 2_500
BUCKET = "shop"
_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


class BlobStore(Imitation):
    """A bucket, listed in pages of ``page`` by the name of the last blob of the one before."""

    content_type = "application/xml"
    page: ClassVar[int] = 1000
    root: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.blobs: list[str] = []

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", f"{self.root}/{BUCKET}", lambda request: (200, self.listed(request))),
            ("HEAD", f"{self.root}/{BUCKET}", lambda _: (200, "")),
            ("HEAD", f"{self.root}/{BUCKET}/(.+)", lambda _, key: (200, self.head(key))),
        )

    def refusal(self, error: RefusedError) -> Any:
        code = {429: "SlowDown", 500: "InternalError"}.get(error.status, "NoSuchKey")
        return f"<Error><Code>{code}</Code><Message>{error.message}</Message></Error>"

    def written(self, answer: Any) -> bytes:
        return str(answer).encode() if "<Message></Message>" not in str(answer) else b""  # HEAD has no body

    def headers(self, request: Request) -> Mapping[str, str]:
        return {"ETag": f'"{_MD5}"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}

    def head(self, key: str) -> str:
        if key not in self.blobs:
            raise RefusedError(404, "")
        return ""

    def listed(self, request: Request) -> Any:
        asked, size = request.query, min(self.page, int(request.query.get("maxresults", self.page)))
        found = [one for one in self.blobs if one.startswith(asked.get("prefix", "")) and one > asked.get("marker", "")]
        return self.told(found[:size], is_last=len(found) <= size)

    def told(self, keys: Sequence[str], *, is_last: bool) -> Any:
        """A page of the list."""
        raise NotImplementedError


class S3(BlobStore):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html"""

    def told(self, keys: Sequence[str], *, is_last: bool) -> Any:
        rows = "".join(
            f'<Contents><Key>{escape(key)}</Key><Size>0</Size><ETag>"{_MD5}"</ETag></Contents>' for key in keys
        )
        return f"<ListBucketResult><IsTruncated>{str(not is_last).lower()}</IsTruncated>{rows}</ListBucketResult>"


class AzureBlobs(BlobStore):
    """https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs"""

    page = 100  # so many Libcloud asks for
    root = "/shop"  # the account, where it isn't in the host's name

    def told(self, keys: Sequence[str], *, is_last: bool) -> Any:
        about = f"<Etag>{_MD5}</Etag><Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType>"
        rows = "".join(f"<Blob><Name>{key}</Name><Properties>{about}</Properties></Blob>" for key in keys)
        after = "" if is_last else keys[-1]
        return f"<EnumerationResults><Blobs>{rows}</Blobs><NextMarker>{after}</NextMarker></EnumerationResults>"

    def headers(self, request: Request) -> Mapping[str, str]:
        more = {"x-ms-blob-type": "BlockBlob", "x-ms-lease-status": "unlocked", "x-ms-lease-state": "available"}
        return {**super().headers(request), **more}


@attrs.frozen(kw_only=True)
class Store:
    """One cloud's. ``cut`` is a page that looks as if it were the last, with half of what it had."""

    name: str
    imitation: Callable[[], BlobStore]
    cloud: Callable[[str], LibcloudCloud]
    cut: Callable[[str], str]


def _halved(answer: str, tag: str) -> str:
    """``answer`` with the first half of its elements ``tag`` only."""
    end = f"</{tag}>"
    head, *rows = answer.split(f"<{tag}>")
    tail = rows[-1].partition(end)[2]
    kept = "".join(f"<{tag}>{row.partition(end)[0]}{end}" for row in rows[: len(rows) // 2])
    return head + kept + tail


STORES = (
    Store(
        name="s3",
        imitation=S3,
        cloud=lambda place: libcloud("s3", key="AKIAMADEUP", secret="made-up", endpoint=place),
        cut=lambda answer: _halved(answer.replace(">true<", ">false<"), "Contents"),
    ),
    Store(
        name="google_storage",
        imitation=S3,
        cloud=lambda place: libcloud("google_storage", key="GOOG0123456789ABCXYZ", secret="made-up", endpoint=place),
        cut=lambda answer: _halved(answer.replace(">true<", ">false<"), "Contents"),
    ),
    Store(
        name="azure_blobs",
        imitation=AzureBlobs,
        cloud=lambda place: libcloud("azure_blobs", key="shop", secret="c2VjcmV0", endpoint=place),
        cut=lambda answer: _halved(answer.partition("<NextMarker>")[0], "Blob") + "</EnumerationResults>",
    ),
)


def _is_second(request: Request) -> bool:
    """Whether a request is for the second page."""
    return request.method == "GET" and request.query.get("marker") in ("blob-1000099", "blob-1000999")


TROUBLES: Mapping[str, Callable[[Store], Trouble]] = {
    "an error": lambda store: Trouble(of=_is_second, status=500),
    "too many": lambda store: Trouble(of=_is_second, status=429),
    "a reset": lambda store: Trouble(of=_is_second),
    "a cut": lambda store: Trouble(of=_is_second, change=store.cut),
    "another's page": lambda store: Trouble(of=_is_second, change=lambda _: "<html><body>log in</body></html>"),
}


@pytest.fixture(params=STORES, ids=lambda store: store.name)
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.param
    return found


@pytest.fixture
def server(store: Store) -> Iterator[BlobStore]:
    server = store.imitation()
    with server.running():
        yield server


@pytest.fixture
def blobs(store: Store, server: BlobStore) -> Provider:
    found = store.cloud(server.endpoint).provider("storage.Blob")
    assert found is not None
    return found


def plant(server: BlobStore, count: int) -> list[str]:
    """The ids of ``count`` blobs."""
    server.blobs = [f"blob-{number}" for number in range(1_000_000, 1_000_000 + count)]
    return [f"{BUCKET}/{key}" for key in server.blobs]


def test_ten_thousand_take_as_many_requests_as_pages(server: BlobStore, blobs: Provider) -> None:
    planted = plant(server, MANY)
    reading = blobs.observe(planted)
    assert (len(reading.found), reading.gone, reading.unread) == (MANY, frozenset(), {})
    assert [one.method for one in server.requests] == ["GET"] * (MANY // server.page)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_a_page_should_have_told_is_unread(store: Store, server: BlobStore, blobs: Provider, trouble: str) -> None:
    planted = plant(server, SOME)
    server.trouble = TROUBLES[trouble](store)
    reading = blobs.observe(planted)
    assert not reading.gone
    assert set(reading.unread) == set(planted) - set(reading.found)
    assert len(reading.found) < SOME
    kinds = {type(error) for error in reading.unread.values()}
    assert kinds <= {ThrottledError if trouble == "too many" else TransientError, CloudError}
    assert len(server.requests) <= 3 + 2 * (LATE + 1), "a look-up takes two requests at most"


def test_those_that_are_really_gone_are_told_so(server: BlobStore, blobs: Provider) -> None:
    planted = plant(server, SOME)
    gone = planted[-(LATE + 10) :]
    del server.blobs[-(LATE + 10) :]
    reading = blobs.observe(planted)
    assert (reading.gone, reading.unread) == (frozenset(gone), {})
