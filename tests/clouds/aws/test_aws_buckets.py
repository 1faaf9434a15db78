"""Buckets and blobs: private and encrypted, nobody else's, and gone with their old versions."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.clouds.families.aws import aws
from orchestra.clouds.families.aws.blob import _common_beginning
from orchestra.contracts import Inputs
from orchestra.errors import ConflictError, CredentialsError, InUseError, InvalidRequestError
from orchestra.resources.checks import content_digest
from tests.clouds.aws.scenery import LABELS, REGION, Scene, client, owner
from tests.moto_server import MotoServer

BUCKET: dict[str, Any] = {"name": None, "encrypted": True, "public": False, "versioned": False, "labels": {}}


def blob(scene: Scene, **other: Any) -> dict[str, Any]:
    return {"bucket": scene.bucket, "key": "a.txt", "content": "one", "content_type": "text/plain", **other}


def in_region(server: MotoServer, region: str) -> Scene:
    cloud = aws(region=region, endpoint=server.endpoint, access_key=server.access_key, secret_key=server.secret_key)
    return Scene(cloud, server)


def test_a_bucket_is_private_and_encrypted_unless_said_otherwise(scene: Scene) -> None:
    s3 = client(scene.server, "s3")
    block = s3.get_public_access_block(Bucket=scene.bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    rules = s3.get_bucket_encryption(Bucket=scene.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert [one["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for one in rules] == ["AES256"]
    assert s3.get_bucket_location(Bucket=scene.bucket)["LocationConstraint"] == REGION


def test_settings_changed_by_others_are_told(scene: Scene) -> None:
    s3 = client(scene.server, "s3")
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=scene.bucket, PublicAccessBlockConfiguration=block)
    s3.delete_bucket_encryption(Bucket=scene.bucket)
    s3.put_bucket_versioning(Bucket=scene.bucket, VersioningConfiguration={"Status": "Enabled"})
    told = scene.observed("storage.Bucket", scene.bucket).inputs
    assert (told["public"], told["encrypted"], told["versioned"]) == (True, False, True)


def test_what_aws_encrypts_anyhow_is_not_taken_for_ours(scene: Scene) -> None:
    """AWS puts AES256 on every bucket; one that was asked for without has a tag that says so."""
    bucket = scene.make("storage.Bucket", "plain", **{**BUCKET, "encrypted": False})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3 = client(scene.server, "s3")
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert scene.observed("storage.Bucket", bucket).inputs["encrypted"] is False
    scene.update("storage.Bucket", bucket, {**BUCKET, "encrypted": False}, encrypted=True)
    assert scene.observed("storage.Bucket", bucket).inputs["encrypted"] is True
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    scene.update("storage.Bucket", bucket, BUCKET, encrypted=False)
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert scene.observed("storage.Bucket", bucket).inputs["encrypted"] is True


def test_labels_leave_the_other_tags_alone(scene: Scene) -> None:
    scene.update("storage.Bucket", scene.bucket, BUCKET, labels=LABELS)
    told = scene.observed("storage.Bucket", scene.bucket)
    assert (told.inputs["labels"], told.ownership) == (LABELS, owner("bucket"))
    scene.update("storage.Bucket", scene.bucket, {**BUCKET, "labels": LABELS}, labels={})
    told = scene.observed("storage.Bucket", scene.bucket)
    assert (told.inputs["labels"], told.ownership) == ({}, owner("bucket"))


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-east-1"])
def test_a_bucket_of_one_s_own_account_is_not_taken_over(server: MotoServer, region: str) -> None:
    """In the first region, AWS answers a second creation as if it had made the bucket."""
    scene = in_region(server, region)
    named = {**BUCKET, "name": "one-bucket"}
    made = scene.make("storage.Bucket", "first", **named)
    with pytest.raises(ConflictError):
        scene.provider("storage.Bucket").create(Inputs(named), owner("second"))
    assert scene.observed("storage.Bucket", made).ownership == owner("first")
    scene.provider("storage.Bucket").delete(made)
    scene.make("storage.Bucket", "second", **named)


@pytest.mark.parametrize(
    ("region", "code"), [("us-east-1", "BucketAlreadyExists"), ("eu-west-1", "BucketAlreadyExists")]
)
def test_a_bucket_of_another_account_is_a_conflict(server: MotoServer, region: str, code: str) -> None:
    scene = in_region(server, region)
    denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    taken = "<Error><Code>BucketAlreadyExists</Code><Message>The name is not available.</Message></Error>"
    server.fault(action="GET bucket?tagging", mode="answer", status=403, body=denied, count=9)
    server.fault(action="PUT bucket", mode="answer", status=409, body=taken)
    with pytest.raises(ConflictError, match="BucketAlreadyExists"):
        scene.make("storage.Bucket", "bucket", **{**BUCKET, "name": "one-bucket"})


def test_a_bucket_that_may_not_be_read_is_never_gone(scene: Scene) -> None:
    denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    bucket = scene.bucket
    scene.server.fault(action="GET bucket?tagging", mode="answer", status=403, body=denied, count=9)
    reading = scene.provider("storage.Bucket").observe([bucket])
    assert isinstance(reading.unread[bucket], CredentialsError)


def test_a_bucket_in_another_region_is_told_as_such(scene: Scene) -> None:
    body = "<Error><Code>PermanentRedirect</Code><Message>use another endpoint</Message></Error>"
    scene.server.fault(action="GET bucket?tagging", mode="answer", status=301, body=body)
    with pytest.raises(InvalidRequestError, match="PermanentRedirect") as elsewhere:
        scene.provider("storage.Bucket").find(owner("bucket"), Inputs({**BUCKET, "name": "one-bucket"}))
    assert "region that the bucket is in" in str(elsewhere.value)


def test_a_bucket_with_a_blob_is_kept(scene: Scene) -> None:
    made = scene.make("storage.Blob", "blob", **blob(scene))
    with pytest.raises(InUseError, match="BucketNotEmpty"):
        scene.provider("storage.Bucket").delete(scene.bucket)
    assert scene.observed("storage.Blob", made)


def test_old_versions_go_with_their_bucket_but_not_before(scene: Scene) -> None:
    bucket = scene.make("storage.Bucket", "kept", **{**BUCKET, "versioned": True})
    blobs = [blob(scene, bucket=bucket, key=f"{index:02}") for index in range(25)]
    ids = [scene.make("storage.Blob", f"blob[{index}]", **inputs) for index, inputs in enumerate(blobs)]
    for external_id, inputs in zip(ids, blobs, strict=True):
        scene.update("storage.Blob", external_id, inputs, content="two")
    for external_id in ids[:-1]:
        scene.provider("storage.Blob").delete(external_id)
    with pytest.raises(InUseError):
        scene.provider("storage.Bucket").delete(bucket)
    s3 = client(scene.server, "s3")
    versions = [
        one for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket) for one in page["Versions"]
    ]
    assert len(versions) == 50
    scene.provider("storage.Blob").delete(ids[-1])
    scene.provider("storage.Bucket").delete(bucket)
    assert scene.provider("storage.Bucket").observe([bucket]).gone == {bucket}


def test_what_is_put(scene: Scene) -> None:
    made = scene.make("storage.Blob", "blob", **blob(scene, content="Grüße\n", content_type="text/x"))
    told = client(scene.server, "s3").get_object(Bucket=scene.bucket, Key="a.txt")
    assert told["Body"].read() == "Grüße\n".encode()
    assert told["ContentType"] == "text/x"
    assert told["Metadata"]["orchestra-token"] == owner("blob").token
    assert told["ETag"].strip('"') == scene.observed("storage.Blob", made).outputs["etag"]


def test_an_update_keeps_whose_it_is_and_changes_the_type(scene: Scene) -> None:
    made = scene.make("storage.Blob", "blob", **blob(scene))
    observation = scene.update("storage.Blob", made, blob(scene), content="two", content_type="text/html")
    assert observation.ownership == owner("blob")
    told = client(scene.server, "s3").head_object(Bucket=scene.bucket, Key="a.txt")
    assert (told["ContentType"], told["Metadata"]["orchestra-address"]) == ("text/html", "blob")


def test_a_blob_of_another_is_not_overwritten(scene: Scene) -> None:
    s3 = client(scene.server, "s3")
    s3.put_object(Bucket=scene.bucket, Key="a.txt", Body=b"theirs")
    provider, inputs = scene.provider("storage.Blob"), Inputs(blob(scene))
    assert provider.find(owner("blob"), inputs) is None
    with pytest.raises(ConflictError, match="PreconditionFailed"):
        provider.create(inputs, owner("blob"))
    assert s3.get_object(Bucket=scene.bucket, Key="a.txt")["Body"].read() == b"theirs"


def test_an_empty_blob(scene: Scene) -> None:
    made = scene.make("storage.Blob", "blob", **blob(scene, content=""))
    assert scene.observed("storage.Blob", made).inputs["content"] == content_digest("")


@pytest.mark.parametrize("key", ["a//b", "../other", "a/./b", "a/.."])
def test_a_key_that_clients_would_rewrite_is_refused(scene: Scene, key: str) -> None:
    with pytest.raises(InvalidRequestError, match="can't be sent") as refused:
        scene.make("storage.Blob", "blob", **blob(scene, key=key))
    assert refused.value.sent is False


@pytest.mark.parametrize("key", ["a b", "a+b", "ü/ß", "a?b=c&d", "a%2Fb", "~!*'()", "a/", "日本"])
def test_keys_are_sent_as_they_are(scene: Scene, key: str) -> None:
    made = scene.make("storage.Blob", "blob", **blob(scene, key=key))
    assert [one["Key"] for one in client(scene.server, "s3").list_objects_v2(Bucket=scene.bucket)["Contents"]] == [key]
    assert scene.observed("storage.Blob", made).inputs["key"] == key
    scene.provider("storage.Blob").delete(made)
    assert scene.provider("storage.Blob").observe([made]).gone == {made}


def test_a_content_whose_digest_is_not_told_is_not_compared(scene: Scene) -> None:
    """After an upload in parts, and with keys of one's own, an ETag is no MD5."""
    made = scene.make("storage.Blob", "blob", **blob(scene))
    parts = {"find": r"<ETag>[^<]*</ETag>", "replace": '<ETag>"d41d8cd98f00b204e9800998ecf8427e-2"</ETag>'}
    scene.server.fault(action="GET bucket", mode="rewrite", **parts)
    assert "content" not in scene.observed("storage.Blob", made).inputs


def test_blobs_of_a_bucket_that_is_gone_are_gone(scene: Scene) -> None:
    made = scene.make("storage.Blob", "blob", **blob(scene))
    reading = scene.provider("storage.Blob").observe([made, "none-such/key"])
    assert (list(reading.found), reading.gone) == ([made], {"none-such/key"})
    scene.provider("storage.Blob").delete("none-such/key")


@pytest.mark.parametrize(
    ("keys", "beginning"),
    [({"a/b", "a/c"}, "a/"), ({"a"}, "a"), ({"a", "ab"}, "a"), ({"a", "b"}, ""), ({"ab", "abc", "ab/d"}, "ab")],
)
def test_lists_begin_where_all_keys_do(keys: set[str], beginning: str) -> None:
    assert _common_beginning(keys) == beginning
