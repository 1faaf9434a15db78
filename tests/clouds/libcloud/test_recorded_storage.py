"""Buckets and blobs on Google Cloud Storage and Swift against recorded answers, and on AWS's API over HTTP."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Ownership, Provider, fresh_token
from orchestra.errors import ConflictError, CredentialsError, NotFoundError, TransientError
from orchestra.resources.checks import content_digest
from orchestra.testing import ProviderCase, check_provider
from tests.clouds.recorded.tape import FOLDER, Answer, Tape, recorded
from tests.moto_server import moto_server

OWNER = Ownership("prod", 'web["ä"]', fresh_token("blob"))
TEXT = "hello"
MD5 = hashlib.md5(TEXT.encode(), usedforsecurity=False)
METADATA = {
    "orchestra-deployment": "prod",
    "orchestra-address": "web%5B%22%C3%A4%22%5D",
    "orchestra-token": OWNER.token,
}


def at(cloud: LibcloudCloud, kind: str) -> Provider:
    found = cloud.provider(kind)
    assert found is not None
    return found


def blob(bucket: str, key: str) -> Inputs:
    return Inputs({"bucket": bucket, "key": key, "content": TEXT, "content_type": "text/plain"})


def xml(name: str) -> str:
    return (FOLDER / "storage" / name).read_text(encoding="utf-8")


def told(stem: str, length: int = len(TEXT)) -> dict[str, str]:
    """The headers of a blob that is ours."""
    marks = {f"{stem}{name}": value for name, value in METADATA.items()}
    return {"ETag": f'"{MD5.hexdigest()}"', "Content-Length": str(length), "Content-Type": "text/plain", **marks}


# -- Google


@pytest.fixture
def google(tape: Tape) -> LibcloudCloud:
    return libcloud("google_storage", key="GOOG0123456789ABCXYZ", secret="made-up", endpoint=tape.endpoint)


def test_google_gets_a_blob_in_one_request_with_its_checksum_and_owner(google: LibcloudCloud, tape: Tape) -> None:
    tape.play(Answer("HEAD", "/test1/a%20b", "", 404), Answer("PUT", "/test1/a%20b", "", 200, told("x-goog-meta-", 0)))
    made = at(google, "storage.Blob").create(blob("test1", "a b"), OWNER)
    assert tape.lines == ["HEAD /test1/a%20b", "PUT /test1/a%20b"]
    headers = tape.asked[1].headers
    assert tape.asked[1].body == TEXT.encode()
    assert headers["content-md5"] == base64.b64encode(MD5.digest()).decode()
    assert headers["x-goog-if-generation-match"] == "0"
    assert headers["content-type"] == "text/plain"
    assert {name: headers[f"x-goog-meta-{name}"] for name in METADATA} == METADATA
    assert headers["authorization"].startswith("GOOG1 GOOG0123456789ABCXYZ:")
    assert (made.inputs["content"], made.outputs["etag"], made.ownership) == (
        content_digest(TEXT),
        MD5.hexdigest(),
        OWNER,
    )


def test_google_finds_what_the_token_made_and_nothing_else(google: LibcloudCloud, tape: Tape) -> None:
    ours = Answer("HEAD", "/test1/k", "", 200, told("x-goog-meta-"))
    tape.play(ours, ours)
    blobs = at(google, "storage.Blob")
    found = blobs.find(OWNER, blob("test1", "k"))
    assert found is not None
    assert found.ownership == OWNER
    assert blobs.find(Ownership("prod", "other", fresh_token("other")), blob("test1", "k")) is None


def test_google_lists_buckets_and_blobs(google: LibcloudCloud, tape: Tape) -> None:
    kind = {"Content-Type": "application/xml"}
    tape.play(
        Answer("GET", "/", xml("google_containers.xml"), 200, kind),
        Answer("GET", "/test1", xml("google_objects.xml"), 200, kind),
    )
    found = at(google, "storage.Bucket").observe(["test1", "test2"]).found
    assert sorted(found) == ["test1", "test2"]
    read = at(google, "storage.Blob").observe(["test1/1.zip"]).found["test1/1.zip"]
    assert read.inputs["content"] == "1234567 bytes, md5 4397da7a7649e8085de9916c240e8166"
    assert tape.asked[1].query == {"prefix": "1.zip"}


def test_google_pages_are_read_to_the_end_and_none_twice(google: LibcloudCloud, tape: Tape) -> None:
    kind = {"Content-Type": "application/xml"}
    first = xml("google_objects.xml").replace("false", "true")
    second = xml("google_objects.xml").replace("1.zip", "2.zip")
    tape.play(Answer("GET", "/b", first, 200, kind), Answer("GET", "/b", second, 200, kind))
    assert sorted(at(google, "storage.Blob").observe(["b/1.zip", "b/2.zip"]).found) == ["b/1.zip", "b/2.zip"]
    assert tape.asked[1].query == {"marker": "1.zip"}
    tape.play(Answer("GET", "/b", first, 200, kind), Answer("GET", "/b", first, 200, kind))
    reading = at(google, "storage.Blob").observe(["b/1.zip", "b/2.zip"])
    assert (list(reading.found), list(reading.unread)) == (["b/1.zip"], ["b/2.zip"])
    assert "doesn't go on" in str(reading.unread["b/2.zip"])


def test_a_page_that_is_no_list_is_not_taken_for_an_empty_one(google: LibcloudCloud, tape: Tape) -> None:
    tape.play(Answer("GET", "/b", "<html><body>log in first</body></html>", 200, {"Content-Type": "text/html"}))
    reading = at(google, "storage.Blob").observe(["b/k"])
    assert (reading.gone, list(reading.unread)) == (frozenset(), ["b/k"])


def test_google_refuses_one_that_was_made_meanwhile(google: LibcloudCloud, tape: Tape) -> None:
    refusal = "<Error><Code>PreconditionFailed</Code><Message>At least one condition did not hold.</Message></Error>"
    tape.play(Answer("HEAD", "/b/k", "", 404), Answer("PUT", "/b/k", refusal, 412, {"Content-Type": "application/xml"}))
    with pytest.raises(ConflictError):
        at(google, "storage.Blob").create(blob("b", "k"), OWNER)


# -- Swift


@pytest.fixture
def swift(tape: Tape) -> LibcloudCloud:
    options = {
        "ex_force_auth_url": tape.endpoint,
        "ex_force_auth_version": "3.x_password",
        "ex_tenant_name": "demo",
        "ex_domain_name": "Default",
    }
    return libcloud("openstack_swift", key="user", secret="made-up", region="RegionOne", options=options)


@pytest.fixture
def login(tape: Tape) -> Answer:
    """Keystone's answer to a log-in: a token, and where Swift is."""
    place = {"interface": "public", "region": "RegionOne", "url": f"{tape.endpoint}/v1/AUTH_account", "id": "e1"}
    token = {
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "methods": ["password"],
        "user": {"id": "u1", "name": "user", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r1", "name": "member"}],
        "catalog": [{"type": "object-store", "name": "swift", "id": "s1", "endpoints": [place]}],
    }
    return Answer("POST", "/v3/auth/tokens", {"token": token}, 201, {"X-Subject-Token": "AUTH_tk1"})


ROOT = "/v1/AUTH_account"


def test_swift_marks_a_bucket_in_the_request_that_makes_it(swift: LibcloudCloud, tape: Tape, login: Answer) -> None:
    name = OWNER.name()
    tape.play(login, Answer("HEAD", f"{ROOT}/{name}", "", 404), Answer("PUT", f"{ROOT}/{name}", "", 201))
    made = at(swift, "storage.Bucket").create(Inputs({"name": None}), OWNER)
    assert tape.lines[1:] == [f"HEAD {ROOT}/{name}", f"PUT {ROOT}/{name}"]
    assert {one: tape.asked[2].headers[f"x-container-meta-{one}"] for one in METADATA} == METADATA
    assert tape.asked[2].headers["x-auth-token"] == "AUTH_tk1"
    assert (made.external_id, made.ownership) == (name, OWNER)


def test_swift_tells_whose_a_bucket_is(swift: LibcloudCloud, tape: Tape, login: Answer) -> None:
    marks = {f"X-Container-Meta-{name.title()}": value for name, value in METADATA.items()}
    tape.play(login, Answer("HEAD", f"{ROOT}/b", "", 204, marks), Answer("HEAD", f"{ROOT}/b", "", 204))
    buckets = at(swift, "storage.Bucket")
    assert buckets.observe(["b"]).found["b"].ownership == OWNER
    assert buckets.find(OWNER, Inputs({"name": "b"})) is None


def test_swift_lists_every_page_of_buckets(swift: LibcloudCloud, tape: Tape, login: Answer) -> None:
    page = Answer("GET", f"{ROOT}/", recorded("storage/swift_containers.json"))
    heads = [Answer("HEAD", f"{ROOT}/container{n}", "", 204) for n in (1, 2, 3)]
    tape.play(login, page, *heads, Answer("GET", f"{ROOT}/", "", 204))
    assert [one.external_id for one in at(swift, "storage.Bucket").list()] == ["container1", "container2", "container3"]
    assert tape.asked[-1].query["marker"] == "container3"


def test_swift_gets_a_blob_with_its_checksum_and_owner(swift: LibcloudCloud, tape: Tape, login: Answer) -> None:
    tape.play(
        login,
        Answer("HEAD", f"{ROOT}/b", "", 204),
        Answer("HEAD", f"{ROOT}/b/k", "", 404),
        Answer("PUT", f"{ROOT}/b/k", "", 201, {"ETag": MD5.hexdigest()}),
    )
    at(swift, "storage.Blob").create(blob("b", "k"), OWNER)
    assert tape.lines[-1] == f"PUT {ROOT}/b/k"
    headers = tape.asked[-1].headers
    assert (tape.asked[-1].body, headers["etag"], headers["if-none-match"]) == (TEXT.encode(), MD5.hexdigest(), "*")
    assert {name: headers[f"x-object-meta-{name}"] for name in METADATA} == METADATA


def test_swift_reads_blobs_with_lists(swift: LibcloudCloud, tape: Tape, login: Answer) -> None:
    tape.play(
        login,
        Answer("GET", f"{ROOT}/b", recorded("storage/swift_objects.json")),
        Answer("GET", f"{ROOT}/b", []),
    )
    read = at(swift, "storage.Blob").observe(["b/foo test 1", "b/foo tes 3"]).found
    assert read["b/foo test 1"].inputs["content"] == "1160520 bytes, md5 16265549b5bda64ecdaa5156de4c97cc"
    assert tape.asked[1].query["prefix"] == "foo tes"
    assert len(tape.lines) == 3


@pytest.mark.parametrize(("status", "error"), [(404, NotFoundError), (403, CredentialsError), (503, TransientError)])
def test_swift_refusals_are_told_as_what_they_are(
    swift: LibcloudCloud, tape: Tape, login: Answer, status: int, error: type[Exception]
) -> None:
    refused = Answer("PUT", f"{ROOT}/b/k", "refused", status, {"Content-Type": "text/plain"})
    tape.play(login, Answer("HEAD", f"{ROOT}/b", "", 204), Answer("HEAD", f"{ROOT}/b/k", "", 404), refused)
    with pytest.raises(error):
        at(swift, "storage.Blob").create(blob("b", "k"), OWNER)


# -- AWS's API over HTTP, with an endpoint of one's own


def test_libclouds_s3_driver_keeps_the_contract_on_a_server_of_ones_own() -> None:
    with moto_server() as server:

        def cloud(**more: Any) -> LibcloudCloud:
            given = {"key": server.access_key, "secret": server.secret_key, "endpoint": server.endpoint, **more}
            return libcloud("s3", region="us-east-1", **given)

        name = at(cloud(), "storage.Bucket").create(Inputs({"name": None}), OWNER).external_id
        check_provider(
            lambda: at(cloud(), "storage.Bucket"),
            [ProviderCase(make=lambda n: oc.Bucket(encrypted=False), owned=False, copies=2)],
        )
        check_provider(
            lambda: at(cloud(), "storage.Blob"),
            [
                ProviderCase(
                    make=lambda n: oc.Blob(bucket=name, key=f"{n}/süß a+b", content=f"text {n}"),
                    changes={"content": "another"},
                    owned=False,
                    copies=2,
                )
            ],
        )
        with pytest.raises(CredentialsError):
            cloud(secret="another-made-up-secret").verify()
