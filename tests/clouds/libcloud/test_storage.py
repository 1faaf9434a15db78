"""Buckets and blobs: on a local folder, on Azurite, and on a server that speaks S3's API."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.clouds.base.keepers import AT_ONCE
from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Provider
from orchestra.errors import (
    ConflictError,
    CredentialsError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    TransientError,
)
from orchestra.resources.checks import content_digest
from orchestra.testing import ProviderCase, check_provider
from tests.clouds.owned import owner
from tests.clouds.unhelpful import nobody
from tests.servers.azurite import Azurite
from tests.servers.s3rver import S3rver
from tests.servers.swift import SwiftServer

pytestmark = pytest.mark.timeout(300)  # some servers are slow to start on a busy machine

AWKWARD = "süß/a b+c&d=e?f#g%2F~.txt"
"""A key with all that URLs treat specially."""


@attrs.frozen
class Place:
    """A cloud that keeps blobs. ``marks_buckets``, ``marks_blobs``: what its lists tell the ownership of."""

    make: Callable[[], LibcloudCloud]
    unreachable: Callable[[], LibcloudCloud] | None
    marks_buckets: bool
    marks_blobs: bool
    tells_type: bool

    @property
    def encrypts(self) -> bool:
        """The only value that buckets of it can have."""
        fixed: bool = self.provider("storage.Bucket").capabilities.fixed["encrypted"][0]
        return fixed

    def provider(self, kind: str) -> Provider:
        found = self.make().provider(kind)
        assert found is not None
        return found

    def out_of_reach(self, kind: str) -> Callable[[], Provider] | None:
        if self.unreachable is None:
            return None
        found = self.unreachable().provider(kind)
        assert found is not None
        return lambda: found


def _azure(request: pytest.FixtureRequest) -> Place:
    server: Azurite = request.getfixturevalue("azure_server")

    def cloud(endpoint: str) -> LibcloudCloud:
        return libcloud("azure_blobs", key=server.account, secret=server.key, endpoint=endpoint)

    return Place(lambda: cloud(server.endpoint), lambda: cloud(nobody()), True, True, True)


def _s3(request: pytest.FixtureRequest) -> Place:
    server: S3rver = request.getfixturevalue("s3_server")

    def cloud(endpoint: str) -> LibcloudCloud:
        return libcloud("minio", key=server.account, secret=server.key, endpoint=endpoint)

    return Place(lambda: cloud(server.endpoint), lambda: cloud(nobody()), False, False, False)


def _swift(request: pytest.FixtureRequest) -> Place:
    server: SwiftServer = request.getfixturevalue("object_server")

    def cloud(url: str) -> LibcloudCloud:
        options = {"ex_force_auth_token": "made-up", "ex_force_base_url": url, "ex_force_auth_url": url}
        options |= {"ex_force_auth_version": "3.x_password", "ex_tenant_name": "tests"}
        return libcloud("openstack_swift", key="user", secret="made-up", options=options)

    return Place(lambda: cloud(server.url), lambda: cloud(f"{nobody()}/v1/AUTH_tests"), True, False, False)


def _local(request: pytest.FixtureRequest) -> Place:
    pytest.importorskip("fasteners", reason="Libcloud's driver for folders needs it: pip install orchestra-iac[local]")
    folder: Path = request.getfixturevalue("tmp_path")
    return Place(lambda: libcloud("local", key=str(folder)), None, False, False, False)


@pytest.fixture(params=[_azure, _s3, _swift, _local], ids=["azurite", "s3rver", "swift", "folder"])
def place(request: pytest.FixtureRequest) -> Place:
    made: Place = request.param(request)
    return made


@pytest.fixture
def bucket(place: Place) -> Any:
    buckets, blobs = place.provider("storage.Bucket"), place.provider("storage.Blob")
    name = buckets.create(Inputs({"name": None}), owner("bucket")).external_id
    yield name
    for found in list(blobs.list()):
        blobs.delete(found.external_id)
    buckets.delete(name)


def blob(bucket: str, key: str, content: str, content_type: str = "text/plain; charset=utf-8") -> Inputs:
    return Inputs({"bucket": bucket, "key": key, "content": content, "content_type": content_type})


def test_buckets_keep_the_contract(place: Place) -> None:
    check_provider(
        lambda: place.provider("storage.Bucket"),
        [ProviderCase(make=lambda n: oc.Bucket(encrypted=place.encrypts), owned=place.marks_buckets)],
        unreachable=place.out_of_reach("storage.Bucket"),
    )


def test_blobs_keep_the_contract(place: Place, bucket: str) -> None:
    changes = {"content": "another text"}
    check_provider(
        lambda: place.provider("storage.Blob"),
        [
            ProviderCase(
                make=lambda n: oc.Blob(bucket=bucket, key=f"{n}/{AWKWARD}", content=f"text {n} süß"),
                changes={**changes, "content_type": "text/html"} if place.tells_type else changes,
                owned=place.marks_blobs,
            ),
            ProviderCase(make=lambda n: oc.Blob(bucket=bucket, key=f"empty-{n}", content=""), owned=place.marks_blobs),
        ],
        unreachable=place.out_of_reach("storage.Blob"),
    )


def test_a_large_blob_arrives_as_it_was(place: Place, bucket: str) -> None:
    """More than is sent at once, so it goes in parts where a driver has them."""
    blobs, content = place.provider("storage.Blob"), "0123456789abcdef" * (AT_ONCE // 16 + 1)
    made = blobs.create(blob(bucket, "large", content), owner("large"))
    told = blobs.observe([made.external_id]).found[made.external_id].inputs
    assert told.get("content") in (content_digest(content), None)
    driver = place.make()._session.driver().driver
    found = hashlib.md5(usedforsecurity=False)
    for part in driver.download_object_as_stream(driver.get_object(bucket, "large")):
        found.update(part)
    assert found.hexdigest() == hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


def test_what_others_made_is_a_conflict_and_never_found(place: Place, bucket: str) -> None:
    blobs, buckets = place.provider("storage.Blob"), place.provider("storage.Bucket")
    blobs.create(blob(bucket, "k", "theirs"), owner("theirs"))
    with pytest.raises(ConflictError, match="adopt"):
        blobs.create(blob(bucket, "k", "ours"), owner("ours"))
    assert blobs.find(owner("ours"), blob(bucket, "k", "ours")) is None
    named = Inputs({"name": bucket})
    with pytest.raises(ConflictError, match="not from here"):
        buckets.create(named, owner("ours"))
    assert buckets.find(owner("ours"), named) is None


@pytest.fixture
def vanishing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], None]:
    """Lets somebody else delete a path right after the folder it is in was listed."""

    def arrange(path: Path, function: str) -> None:
        listing = getattr(os, function)

        def and_then(folder: str, **options: Any) -> Any:
            told = listing(folder, **options)
            if path.exists() and Path(folder) == path.parent:
                told = list(told)
                path.rmdir() if path.is_dir() else path.unlink()
            return told

        monkeypatch.setattr(f"libcloud.storage.drivers.local.os.{function}", and_then)

    return arrange


def test_a_bucket_that_vanishes_beside_it_hides_none(tmp_path: Path, vanishing: Callable[[Path, str], None]) -> None:
    """Libcloud's list then fails as if the bucket that was asked for weren't there: it was taken for deleted."""
    pytest.importorskip("fasteners")
    buckets = libcloud("local", key=str(tmp_path)).provider("storage.Bucket")
    assert buckets is not None
    ours = buckets.create(Inputs({"name": None}), owner("ours")).external_id
    for beside in ("a", "b", "c"):
        (tmp_path / beside).mkdir()
        vanishing(tmp_path / beside, "listdir")
        assert set(buckets.observe([ours]).found) == {ours}
    (tmp_path / "d").mkdir()
    vanishing(tmp_path / "d", "listdir")
    assert [one.external_id for one in buckets.list()] == [ours]
    (tmp_path / "e").mkdir()
    vanishing(tmp_path / "e", "listdir")
    buckets.delete(ours)
    assert not (tmp_path / ours).exists()


def test_a_blob_that_vanishes_beside_it_hides_none(tmp_path: Path, vanishing: Callable[[Path, str], None]) -> None:
    pytest.importorskip("fasteners")
    blobs = libcloud("local", key=str(tmp_path)).provider("storage.Blob")
    assert blobs is not None
    (tmp_path / "b").mkdir()
    ours = blobs.create(blob("b", "ours", "text"), owner("ours")).external_id
    (tmp_path / "b" / "beside").write_text("")
    vanishing(tmp_path / "b" / "beside", "walk")
    assert [one.external_id for one in blobs.list()] == [ours]


def test_a_folder_whose_list_never_holds_is_unread_not_empty(tmp_path: Path) -> None:
    """A link to nothing fails in Libcloud's list as what has just vanished does, each time anew."""
    pytest.importorskip("fasteners")
    blobs = libcloud("local", key=str(tmp_path)).provider("storage.Blob")
    assert blobs is not None
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "nowhere").symlink_to(tmp_path / "not-there")
    with pytest.raises(TransientError, match="vanished"):
        list(blobs.list())


def test_a_bucket_with_a_blob_in_it_is_not_deleted(place: Place, bucket: str) -> None:
    blobs = place.provider("storage.Blob")
    made = blobs.create(blob(bucket, "k", "text"), owner("k"))
    with pytest.raises(InUseError):
        place.provider("storage.Bucket").delete(bucket)
    assert made.external_id in blobs.observe([made.external_id]).found


@pytest.mark.parametrize("key", ["../out", "a/../../out", "./a", "a//b"])
def test_a_key_that_leaves_its_bucket_is_refused(place: Place, bucket: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="parts that are empty"):
        place.provider("storage.Blob").create(blob(bucket, key, "text"), owner("k"))
    assert not (tmp_path / "out").exists()


def test_a_bucket_that_is_not_there_is_told(place: Place) -> None:
    blobs = place.provider("storage.Blob")
    with pytest.raises(NotFoundError):
        blobs.create(blob("none-such", "k", "text"), owner("k"))
    assert blobs.observe(["none-such/k"]).gone == {"none-such/k"}
    blobs.delete("none-such/k")
    place.provider("storage.Bucket").delete("none-such")


def test_a_wrong_key_is_told_as_such(azure_server: Azurite) -> None:
    wrong = libcloud("azure_blobs", key=azure_server.account, secret="d3Jvbmc=", endpoint=azure_server.endpoint)
    with pytest.raises(CredentialsError) as caught:
        wrong.verify()
    assert "d3Jvbmc" not in str(caught.value)


def test_what_a_cloud_cannot_do_is_said_before_anything_is_made(tmp_path: Path) -> None:
    class Declared(oc.Stack):
        def build(self) -> None:
            self.bucket = oc.Bucket(versioned=True, labels={"a": "b"})

    cloud = libcloud("local", key=str(tmp_path))
    with oc.Deployment(Declared(), name="d", cloud=cloud, state=tmp_path / "s.db", progress=False) as deployment:
        with pytest.raises(oc.UnsupportedError) as caught:
            deployment.plan()
        for name in ("versioned", "labels"):
            assert f"with {name}:" in str(caught.value)
        assert "only with encrypted=False" in str(caught.value)
