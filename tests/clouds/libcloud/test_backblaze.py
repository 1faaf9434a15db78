"""Buckets and blobs of Backblaze B2, through its native API and over HTTP, against an imitation of that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import LibcloudCloud, libcloud
from orchestra.clouds.base.b2_connection import B2Connection
from orchestra.clouds.base.keepers import AT_ONCE
from orchestra.contracts import Inputs, Ownership, Provider, Update, fresh_token
from orchestra.resources.checks import content_digest
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds import owned
from tests.clouds.families.imitation import RefusedError, Trouble
from tests.clouds.libcloud.backblaze import KEY, SECRET, Backblaze
from tests.clouds.owned import owner
from tests.clouds.unhelpful import nobody

pytestmark = pytest.mark.timeout(300)

AWKWARD = "süß/a b+c&d=e?f#g%2F~.txt"
NAMES = "/b2api/v2/b2_list_file_names"


@pytest.fixture
def server() -> Iterator[Backblaze]:
    server = Backblaze()
    with server.running():
        yield server


def b2(server: Backblaze, secret: str = SECRET) -> LibcloudCloud:
    return libcloud("backblaze_b2", key=KEY, secret=secret, endpoint=server.endpoint)


def provider(cloud: LibcloudCloud, kind: str) -> Provider:
    return owned.provider(cloud, f"storage.{kind}")


def blob(bucket: str, key: str, content: str) -> Inputs:
    return Inputs({"bucket": bucket, "key": key, "content": content, "content_type": "text/plain"})


@pytest.fixture
def bucket(server: Backblaze) -> str:
    return provider(b2(server), "Bucket").create(Inputs({"name": None}), owner("bucket")).external_id


def test_buckets_keep_the_contract(server: Backblaze) -> None:
    checked = check_provider(
        lambda: provider(b2(server), "Bucket"),
        [ProviderCase(make=lambda _: oc.Bucket()), ProviderCase(make=lambda n: oc.Bucket(name=f"pages-{n}"))],
        unreachable=lambda: provider(libcloud("backblaze_b2", key=KEY, secret=SECRET, endpoint=nobody()), "Bucket"),
        clock=VirtualClock(),
    )
    assert checked.left_out == ()


def test_blobs_keep_the_contract(server: Backblaze, bucket: str) -> None:
    checked = check_provider(
        lambda: provider(b2(server), "Blob"),
        [
            ProviderCase(
                make=lambda n: oc.Blob(bucket=bucket, key=f"{n}/{AWKWARD}", content=f"text {n} süß"),
                changes={"content": "another text", "content_type": "text/html"},
            ),
            ProviderCase(make=lambda n: oc.Blob(bucket=bucket, key=f"empty-{n}", content="")),
        ],
        unreachable=lambda: provider(b2(server, "a-wrong-secret"), "Blob"),
        clock=VirtualClock(),
    )
    assert checked.left_out == ()
    assert server.files == [], "no version is left of what was deleted"


class Site(oc.Stack):
    """A bucket with pages in it."""

    pages: int = 2
    text: str = "hello"

    def build(self) -> None:
        self.bucket = oc.Bucket()
        self.page = [oc.Blob(bucket=self.bucket, key=f"{n}.txt", content=self.text) for n in range(self.pages)]


def test_a_whole_life(server: Backblaze, tmp_path: Path) -> None:
    def deploy(pages: int, text: str = "hello") -> oc.Deployment:
        site, state = Site(pages=pages, text=text), tmp_path / "state.db"
        return oc.Deployment(site, name="site", cloud=b2(server), state=state, progress=False, clock=VirtualClock())

    server.lost += [("POST", "/b2api/v2/b2_create_bucket"), ("POST", "/b2api/v2/b2_upload_file/[^/]+/u1")]
    with deploy(2) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
    assert not server.lost
    assert len(server.buckets) == 1
    assert {one["fileName"] for one in server.files} == {"0.txt", "1.txt"}
    with deploy(3, "good day") as deployment:
        counts = deployment.plan().counts
        assert (counts[oc.Action.CREATE], counts[oc.Action.UPDATE]) == (1, 2)
        deployment.apply()
        server.files = [one for one in server.files if one["fileName"] != "0.txt"]
        assert deployment.plan().counts[oc.Action.CREATE] == 1
        deployment.apply()
        assert deployment.plan().is_empty
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy(3, "good day") as deployment:
        deployment.rebuild()
        assert {str(address): record.external_id for address, record in deployment.resources.items()} == known
        server.lost += [("POST", "/b2api/v2/b2_delete_file_version"), ("POST", "/b2api/v2/b2_delete_bucket")]
        deployment.destroy()
    assert not server.lost
    assert (server.buckets, server.files) == ({}, [])


def test_whose_it_is_goes_with_the_creating_request(server: Backblaze) -> None:
    ours = Ownership("prod", 'web["ä"]', fresh_token("ours"))
    marks = {
        "orchestra-deployment": "prod",
        "orchestra-address": "web%5B%22%C3%A4%22%5D",
        "orchestra-token": ours.token,
    }
    name = provider(b2(server), "Bucket").create(Inputs({"name": None}), ours).external_id
    asked = server.sent("POST", "/b2api/v2/b2_create_bucket")[0].body
    assert asked["bucketInfo"] == marks
    assert asked["bucketType"] == "allPrivate"
    made = provider(b2(server), "Blob").create(blob(name, "a b", "hello"), ours)
    kept = server.files[0]
    md5, sha1 = (hashlib.new(one, b"hello", usedforsecurity=False).hexdigest() for one in ("md5", "sha1"))
    assert kept["fileInfo"] == {**marks, "orchestra-md5": md5}
    assert (kept["fileName"], kept["contentType"], kept["contentSha1"]) == ("a b", "text/plain", sha1)
    assert made.outputs == {"etag": sha1}
    assert made.ownership == ours


def test_a_large_blob_goes_in_parts_and_arrives_as_it_was(server: Backblaze, bucket: str) -> None:
    blobs, content = provider(b2(server), "Blob"), "0123456789abcdef" * (AT_ONCE // 16 + 1)
    made = blobs.create(blob(bucket, "large", content), owner("large"))
    assert len(server.sent("POST", "/b2api/v2/b2_upload_part/.*")) == 2
    assert server.contents[server.files[0]["fileId"]] == content.encode()
    found = blobs.observe([made.external_id]).found[made.external_id]
    assert found.inputs["content"] == content_digest(content)
    assert found.outputs == made.outputs == {"etag": hashlib.sha1(content.encode()).hexdigest()}
    assert found.ownership == owner("large")
    blobs.delete(made.external_id)
    assert server.files == []


def test_what_was_left_unfinished_is_taken_away(server: Backblaze, bucket: str) -> None:
    """By the next attempt, and by the deletion: unfinished parts are paid for, and keep a bucket from going."""
    blobs, large = provider(b2(server), "Blob"), blob(bucket, "large", "x" * (AT_ONCE + 1))
    server.lost.append(("POST", "/b2api/v2/b2_upload_part/.*"))
    with pytest.raises(oc.TransientError):
        blobs.create(large, owner("large"))
    assert [one["action"] for one in server.files] == ["start"]
    assert blobs.find(owner("large"), large) is None
    made = blobs.create(large, owner("large"))
    assert [one["action"] for one in server.files] == ["upload"]
    server.lost.append(("POST", "/b2api/v2/b2_upload_part/.*"))
    update = Update(before=large, after=blob(bucket, "large", "y" * (AT_ONCE + 1)), changed=frozenset({"content"}))
    with pytest.raises(oc.TransientError):
        blobs.update(made.external_id, update)
    assert sorted(one["action"] for one in server.files) == ["start", "upload"]
    blobs.delete(made.external_id)
    assert server.files == []


def test_somebody_elses_unfinished_upload_is_left_alone(server: Backblaze, bucket: str) -> None:
    blobs, large = provider(b2(server), "Blob"), blob(bucket, "large", "x" * (AT_ONCE + 1))
    server.lost.append(("POST", "/b2api/v2/b2_upload_part/.*"))
    with pytest.raises(oc.TransientError):
        blobs.create(large, owner("theirs"))
    blobs.create(large, owner("ours"))
    assert sorted(one["action"] for one in server.files) == ["start", "upload"]


def test_a_blob_takes_three_requests(server: Backblaze, bucket: str) -> None:
    blobs = provider(b2(server), "Blob")
    blobs.create(blob(bucket, "k", "text"), owner("k"))
    server.requests.clear()
    blobs.create(blob(bucket, "k2", "text"), owner("k2"))
    paths = [one.path.split("/")[3] for one in server.requests]
    assert paths == ["b2_list_file_names", "b2_get_upload_url", "b2_upload_file"]


def test_every_version_is_deleted_the_newest_last(server: Backblaze, bucket: str) -> None:
    blobs, first = provider(b2(server), "Blob"), blob(bucket, "k", "one")
    made = blobs.create(first, owner("k"))
    blobs.create(blob(bucket, "k2", "a key that begins alike"), owner("k2"))
    for text in ("two", "three"):
        update = Update(before=first, after=blob(bucket, "k", text), changed=frozenset({"content"}))
        blobs.update(made.external_id, update)
    assert len(server.files) == 4
    server.page = 1
    server.failing.append(("POST", "/b2api/v2/b2_delete_file_version", 503))
    with pytest.raises(oc.TransientError):
        blobs.delete(made.external_id)
    newest = server.files[-1]["fileId"]
    blobs.delete(made.external_id)
    deleted = [one.body["fileId"] for one in server.sent("POST", "/b2api/v2/b2_delete_file_version")]
    assert deleted[-1] == newest
    assert [one["fileName"] for one in server.files] == ["k2"]


def test_what_others_hid_is_gone(server: Backblaze, bucket: str) -> None:
    blobs = provider(b2(server), "Blob")
    made = blobs.create(blob(bucket, "k", "one"), owner("k"))
    hidden = {**server.files[0], "action": "hide", "fileId": "hidden", "contentLength": 0, "fileInfo": {}}
    server.files.append({**hidden, "uploadTimestamp": server.number()})
    assert blobs.observe([made.external_id]).gone == {made.external_id}
    blobs.delete(made.external_id)
    assert server.files == []


def plant(server: Backblaze, bucket: str, count: int) -> list[str]:
    """Have ``count`` blobs like the first one; their external ids."""
    first = server.files[0]
    keys = [f"{first['fileName']}-{number:05}" for number in range(count - 1)]
    server.files += [{**first, "fileName": key, "fileId": key} for key in keys]
    return [f"{bucket}/{key}" for key in (first["fileName"], *keys)]


def test_ten_thousand_blobs_are_read_in_pages(server: Backblaze, bucket: str) -> None:
    blobs = provider(b2(server), "Blob")
    blobs.create(blob(bucket, "k", "text"), owner("k"))
    ids = plant(server, bucket, 10_000)
    server.requests.clear()
    reading = blobs.observe(ids)
    assert set(reading.found) == set(ids)
    assert len(server.sent("POST", NAMES)) == 10
    assert len(server.requests) == 11, "and one for the bucket's id"
    assert {one.external_id for one in blobs.list()} == set(ids)


def test_a_page_that_fails_tells_of_nothing_that_is_gone(server: Backblaze, bucket: str) -> None:
    blobs = provider(b2(server), "Blob")
    blobs.create(blob(bucket, "k", "text"), owner("k"))
    ids = plant(server, bucket, 3000)
    server.trouble = Trouble(of=lambda one: one.path == NAMES and "startFileName" in one.body, status=503)
    reading = blobs.observe(ids)
    assert not reading.gone
    assert len(reading.found) == 1000
    assert len(reading.unread) == 2000


@pytest.mark.parametrize(
    "change",
    [
        lambda told: {key: value for key, value in told.items() if key != "nextFileName"},
        lambda told: {key: value for key, value in told.items() if key != "files"},
        lambda told: {**told, "nextFileName": "k"},
    ],
    ids=["without its end", "without files", "the same again"],
)
def test_a_list_that_is_not_whole_is_unread(server: Backblaze, bucket: str, change: Any) -> None:
    blobs = provider(b2(server), "Blob")
    blobs.create(blob(bucket, "k", "text"), owner("k"))
    server.trouble = Trouble(of=lambda one: one.path == NAMES, change=change)
    reading = blobs.observe([f"{bucket}/gone"])
    assert not reading.gone
    assert set(reading.unread) == {f"{bucket}/gone"}


def test_contents_go_nowhere_else(server: Backblaze, bucket: str) -> None:
    server.elsewhere = "http://127.0.0.1:9"
    with pytest.raises(oc.InvalidRequestError, match=r"go on at 127\.0\.0\.1, which isn't at") as refused:
        provider(b2(server), "Blob").create(blob(bucket, "k", "text"), owner("k"))
    assert refused.value.sent is False


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        ("https://api001.backblazeb2.com", True),
        ("https://pod-000-1016-09.backblaze.com/b2api/v2/b2_upload_file/1/2", True),
        ("https://pod-000-1016-09.backblaze.com:443/b2api", True),
        ("http://api001.backblazeb2.com", False),
        ("https://api001.backblazeb2.com:8443", False),
        ("https://backblaze.com.example", False),
        ("https://evilbackblaze.com", False),
        ("https://api001.backblazeb2.com@example.com/", False),
        ("https://user@api001.backblazeb2.com/", False),
    ],
)
def test_without_an_endpoint_they_go_to_backblaze_only(url: str, goes: bool) -> None:
    driver = libcloud("backblaze_b2", key=KEY, secret=SECRET)._session.driver().driver
    connection: B2Connection = driver.connection
    assert connection.connection.host == "https://api.backblazeb2.com"
    connection._home = connection.connection.host
    if goes:
        assert connection.trusted(url) == url
        return
    with pytest.raises(oc.InvalidRequestError, match="which isn't Backblaze's"):
        connection.trusted(url)


def test_a_token_that_has_run_out_is_renewed(server: Backblaze, bucket: str) -> None:
    """Tokens last for a day, deployments that are kept going longer."""
    blobs = provider(b2(server), "Blob")
    blobs.create(blob(bucket, "k", "text"), owner("k"))
    server.expired = 1
    made = blobs.create(blob(bucket, "k2", "text"), owner("k2"))
    assert made.ownership == owner("k2")
    server.expired = 2
    with pytest.raises(oc.CredentialsError):
        blobs.delete(made.external_id)


def test_an_upload_s_token_that_has_run_out_is_no_fault_of_the_key(server: Backblaze, bucket: str) -> None:
    server.trouble = Trouble(
        of=lambda one: one.path.endswith("/b2_get_upload_url"), change=lambda told: {**told, "authorizationToken": "x"}
    )
    with pytest.raises(oc.TransientError, match="takes no upload there any more"):
        provider(b2(server), "Blob").create(blob(bucket, "k", "text"), owner("k"))


def test_a_key_for_one_bucket_is_enough(server: Backblaze, bucket: str) -> None:
    other = provider(b2(server), "Bucket").create(Inputs({"name": "another"}), owner("other")).external_id
    server.only = bucket
    cloud = b2(server)
    cloud.verify()
    made = provider(cloud, "Blob").create(blob(bucket, "k", "text"), owner("k"))
    assert [one.external_id for one in provider(cloud, "Blob").list()] == [made.external_id]
    reading = provider(cloud, "Bucket").observe([bucket, other])
    assert (set(reading.found), set(reading.unread)) == ({bucket}, {other}), "what it may not see isn't gone"


def test_a_bucket_that_was_made_anew_has_another_id(server: Backblaze) -> None:
    cloud = b2(server)
    buckets, blobs = provider(cloud, "Bucket"), provider(cloud, "Blob")
    named = Inputs({"name": "pages-1"})
    buckets.create(named, owner("bucket"))
    blobs.delete(blobs.create(blob("pages-1", "k", "text"), owner("k")).external_id)
    del server.buckets["pages-1"]
    provider(b2(server), "Bucket").create(named, owner("again"))
    made = blobs.create(blob("pages-1", "k", "text"), owner("k"))
    assert set(blobs.observe([made.external_id]).found) == {made.external_id}


def test_what_others_made_is_a_conflict_and_never_found(server: Backblaze, bucket: str) -> None:
    blobs, buckets = provider(b2(server), "Blob"), provider(b2(server), "Bucket")
    blobs.create(blob(bucket, "k", "theirs"), owner("theirs"))
    with pytest.raises(oc.ConflictError, match="adopt"):
        blobs.create(blob(bucket, "k", "ours"), owner("ours"))
    assert blobs.find(owner("ours"), blob(bucket, "k", "ours")) is None
    with pytest.raises(oc.ConflictError, match="not from here"):
        buckets.create(Inputs({"name": bucket}), owner("ours"))
    server.trouble = Trouble(of=lambda one: one.path.endswith("/b2_list_buckets"), change=lambda _: {"buckets": []})
    with pytest.raises(oc.ConflictError, match="already in use"):  # it is another account's: names are global
        buckets.create(Inputs({"name": bucket}), owner("ours"))


def test_a_bucket_with_a_blob_in_it_is_not_deleted(server: Backblaze, bucket: str) -> None:
    made = provider(b2(server), "Blob").create(blob(bucket, "k", "text"), owner("k"))
    with pytest.raises(oc.InUseError, match="still holds something"):
        provider(b2(server), "Bucket").delete(bucket)
    assert set(provider(b2(server), "Blob").observe([made.external_id]).found) == {made.external_id}


def test_a_bucket_that_is_not_there_is_told(server: Backblaze) -> None:
    blobs = provider(b2(server), "Blob")
    with pytest.raises(oc.NotFoundError):
        blobs.create(blob("none-such", "k", "text"), owner("k"))
    assert blobs.observe(["none-such/k"]).gone == {"none-such/k"}
    blobs.delete("none-such/k")
    provider(b2(server), "Bucket").delete("none-such")


def test_what_b2_refuses_is_told_in_its_words(server: Backblaze, bucket: str) -> None:
    with pytest.raises(oc.InvalidRequestError, match="File names must not contain that"):
        provider(b2(server), "Blob").create(blob(bucket, f"{'x' * 251}", "text"), owner("k"))
    server.trouble = Trouble(of=lambda one: one.path.endswith("/b2_get_upload_url"), status=429)
    with pytest.raises(oc.ThrottledError):
        provider(b2(server), "Blob").create(blob(bucket, "k", "text"), owner("k"))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "too_many_buckets", oc.QuotaError),
        (403, "cap_exceeded", oc.QuotaError),
        (403, "storage_cap_exceeded", oc.QuotaError),
        (401, "unauthorized", oc.CredentialsError),
        (403, "access_denied", oc.CredentialsError),
        (400, "bad_request", oc.InvalidRequestError),
        (503, "service_unavailable", oc.TransientError),
        (500, "internal_error", oc.TransientError),
        (429, "too_many_requests", oc.ThrottledError),
    ],
)
def test_b2_s_errors_are_ours(server: Backblaze, status: int, code: str, error: type[oc.CloudError]) -> None:
    def refuse(_: Any) -> Any:
        raise RefusedError(status, f"{code}: as it is")

    server.create_bucket = refuse  # type: ignore[method-assign]
    told = "as it is" if status != 429 else "Rate limit"  # Libcloud keeps nothing of what is told with that
    with pytest.raises(error, match=told) as caught:
        provider(b2(server), "Bucket").create(Inputs({"name": None}), owner("bucket"))
    assert type(caught.value) is error


def test_a_wrong_key_is_told_as_such(server: Backblaze) -> None:
    b2(server).verify()
    with pytest.raises(oc.CredentialsError) as caught:
        b2(server, "K001a-wrong-secret").verify()
    assert "K001a-wrong-secret" not in str(caught.value)
