"""Ownership in texts, and refusals in the forms that the services have for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import orchestra as oc
from orchestra.clouds.base.marks import marked, owner_in, with_more
from orchestra.clouds.families.openstack.faults import Fault, read_fault
from orchestra.clouds.families.openstack.ownership import labels_in_tags, mark, tags_of
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Ownership

TOKEN = "0123456789abcdef0123456789abcdef"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(deployment=WORDS, address=WORDS, more=WORDS)
def test_ownership_comes_back_to_the_letter(deployment: str, address: str, more: str) -> None:
    owner = Ownership(deployment, address, TOKEN)
    try:
        text = mark(owner, zone=more)
    except oc.InvalidRequestError:
        return
    assert len(text) <= 255
    assert owner_in(text) == owner
    assert marked(text)["zone"] == more
    assert owner_in(with_more(text, zone="other")) == owner
    assert marked(with_more(text, zone="other"))["zone"] == "other"


def test_an_awkward_address_is_readable() -> None:
    text = mark(Ownership("prod", 'shards["eu"].web[0]', TOKEN))
    assert text == f'orchestra token={TOKEN}&deployment=prod&address=shards["eu"].web[0]'


def test_what_has_no_room_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(oc.InvalidRequestError, match="characters too long") as caught:
        mark(Ownership("prod", "a" * 250, TOKEN))
    assert caught.value.sent is False
    with pytest.raises(oc.InvalidRequestError, match="label 'long'"):
        tags_of(Inputs({"labels": {"long": "x" * 256}}))


@pytest.mark.parametrize(
    "text", ["", None, "a text of somebody's", "orchestra", "orchestra token", "Orchestra token=1"]
)
def test_a_foreign_text_has_no_owner(text: str | None) -> None:
    assert owner_in(text) is None


@given(labels=st.dictionaries(WORDS, WORDS, max_size=5))
def test_labels_come_back_from_tags(labels: dict[str, str]) -> None:
    assert labels_in_tags({"tags": tags_of(Inputs({"labels": labels}))}) == labels


class Refused(Exception):  # as Libcloud raises it
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@pytest.mark.parametrize(
    ("status", "told", "expected", "retryable"),
    [
        (404, {"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}, oc.NotFoundError, False),
        (404, {"message": "No image<br />\n", "code": "404 Not Found", "title": "Not Found"}, oc.NotFoundError, False),
        (
            409,
            {"message": "Image x could not be deleted because it is in use: y", "code": "409 Conflict",
             "title": "Conflict"},
            oc.InUseError,
            True,
        ),
        (404, {"NeutronError": {"type": "SubnetNotFound", "message": "gone", "detail": ""}}, oc.NotFoundError, False),
        (409, {"NeutronError": {"type": "SecurityGroupInUse", "message": "in use"}}, oc.InUseError, True),
        (409, {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded"}}, oc.QuotaError, False),
        (409, {"NeutronError": {"type": "IpAddressGenerationFailure", "message": "No more"}}, oc.QuotaError, False),
        (
            409,
            {"NeutronError": {"type": "RouterInterfaceInUseByFloatingIP", "message": "needed"}},
            oc.InUseError,
            True,
        ),
        (
            409,
            {"conflictingRequest": {"message": "Cannot 'resize' instance x while it is in task_state spawning"}},
            oc.TransientError,
            True,
        ),
        (409, {"conflictingRequest": {"message": "Instance x is locked"}}, oc.InvalidRequestError, False),
        (409, {"conflictingRequest": {"message": "Key pair 'k' already exists."}}, oc.ConflictError, False),
        (403, {"forbidden": {"message": "Quota exceeded for cores: Requested 1"}}, oc.QuotaError, False),
        (403, {"forbidden": {"message": "Policy doesn't allow it"}}, oc.CredentialsError, False),
        (413, {"overLimit": {"message": "VolumeLimitExceeded: Maximum number allowed"}}, oc.QuotaError, False),
        (413, {"overLimit": {"message": "This request was rate-limited."}}, oc.ThrottledError, True),
        (
            400,
            {"badRequest": {"message": "Invalid volume: Volume status must be available or error and must not be "
                            "migrating, attached, belong to a group"}},
            oc.InUseError,
            True,
        ),
        (
            400,
            {"badRequest": {"message": "Invalid volume: volume 'x' status must be 'available'. Currently in 'in-use'"}},
            oc.InUseError,
            True,
        ),
        (
            400,
            {"badRequest": {"message": "Invalid volume: volume 0a1b is already attached to instances: 2c3d"}},
            oc.InUseError,
            True,
        ),
        (400, {"badRequest": {"message": "Invalid volume: volume 0a1b already attached"}}, oc.InUseError, True),
        (400, {"badRequest": {"message": "Instance has not been resized."}}, oc.TransientError, True),
        (
            400,
            {"badRequest": {"message": "Invalid volume: volume 'x' status must be 'available'. Now in 'creating'"}},
            oc.TransientError,
            True,
        ),
        (
            400,
            {"badRequest": {"message": "Invalid volume: Retype needs volume to be in available or in-use state"}},
            oc.TransientError,
            True,
        ),
        (400, {"badRequest": {"message": "Invalid imageRef provided."}}, oc.InvalidRequestError, False),
        (401, {"error": {"code": 401, "title": "Unauthorized", "message": "no"}}, oc.CredentialsError, False),
        (500, {"computeFault": {"message": "Unexpected API Error."}}, oc.TransientError, True),
        (503, {"serviceUnavailable": {"message": "later"}}, oc.TransientError, True),
    ],
)  # fmt: skip
def test_refusals_become_what_they_mean(status: int, told: Any, expected: type[oc.CloudError], retryable: bool) -> None:
    fault = read_fault(status, json.dumps(told))
    assert fault is not None
    error = translate(Refused(status, f"{fault.code}: {fault.message}"))
    assert type(error) is expected
    assert error.retryable is retryable


@pytest.mark.parametrize("text", ["", "<html>404</html>", "[]", '"text"', '{"a": 1, "b": 2}', "null"])
def test_what_openstack_did_not_write_is_no_fault(text: str) -> None:
    assert read_fault(404, text) is None


def test_glances_words_are_told_without_its_tags() -> None:
    told = {"message": "No image found with ID x<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}
    assert read_fault(404, json.dumps(told)) == Fault("NotFound", "No image found with ID x")


def test_a_fault_may_be_a_plain_text() -> None:
    assert read_fault(400, '{"NeutronError": "bad"}') == Fault("NeutronError", "bad")
