"""Buckets and blobs."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.values import Revealed
from orchestra.planning.inputs import kept_form, raw_inputs
from tests.model.kinds import scope_of
from tests.planning.worlds import seal


def blob(**more: Any) -> oc.Blob:
    return oc.Blob(**{"bucket": "b-1", "key": "k", "content": "c", **more})


def test_a_bucket_is_encrypted_and_private_unless_said_otherwise() -> None:
    bucket = oc.Bucket()
    assert (bucket.encrypted, bucket.public, bucket.versioned, bucket.name) == (True, False, False, None)


@pytest.mark.parametrize("name", ["abc", "a1-b2", "0" * 63, "a--b"])
def test_names_of_buckets(name: str) -> None:
    assert oc.Bucket(name=name).name == name


@pytest.mark.parametrize("name", ["", "ab", "a" * 64, "Abc", "a.b", "-ab", "ab-", "a_b", "abc\n"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(
        oc.DefinitionError, match="3 to 63 lower-case letters, digits or '-', not '-' at an end is needed"
    ):
        oc.Bucket(name=name)


@pytest.mark.parametrize("key", ["k", "a/b/c.txt", "ü", "k" * 1024, "a\nb"], ids=["k", "path", "ü", "longest", "line"])
def test_keys_of_blobs(key: str) -> None:
    assert blob(key=key).key == key


@pytest.mark.parametrize("key", ["", "/k", "k" * 1025], ids=["empty", "slash", "too long"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(oc.DefinitionError, match="1 to 1024 characters, not '/' first is needed"):
        blob(key=key)


@pytest.mark.parametrize(
    ("content", "raw", "kept"),
    [
        ("c", "c", "1 bytes, md5 4a8a08f09d37b73795649038408b5f33"),
        (oc.Secret.env("P"), Revealed("hunter2"), seal(Revealed("hunter2"))),
    ],
    ids=["plain", "secret"],
)
def test_a_content_goes_to_the_cloud_and_its_digest_into_plans(content: Any, raw: object, kept: object) -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            self.blob = blob(content=content)

    declaration = collect(Holder())
    values = raw_inputs(declaration.resources["blob"], scope_of(declaration, {}, {"P": "hunter2"}))  # type: ignore[index]
    assert values["content"] == raw
    assert kept_form(oc.Blob.kind, values, seal)["content"] == kept
