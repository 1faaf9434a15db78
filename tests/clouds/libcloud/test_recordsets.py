"""Names, texts, marks and wanted values: what goes out comes back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.clouds.base.keepers import marked as marked_metadata
from orchestra.clouds.base.keepers import marks
from orchestra.clouds.base.names import absolute, relative
from orchestra.clouds.base.recordsets import RecordSet, mark, marked, quoted_text, unquoted_text
from orchestra.contracts import Inputs, Ownership, fresh_token
from orchestra.errors import InvalidRequestError

TEXTS = st.text(max_size=600)


@given(TEXTS)
def test_a_text_comes_back_from_its_quotes(text: str) -> None:
    said = quoted_text(text)
    assert unquoted_text(said) == text
    assert said.isascii()
    assert said.isprintable()


@given(st.text(alphabet='abc"; 1äß', max_size=300))
def test_no_string_is_longer_than_dns_takes(text: str) -> None:
    said = quoted_text(text * 3)
    for string in re.findall(r'"((?:[^"\\]|\\.)*)"', said):
        assert len(re.findall(r"\\[0-9]{3}|\\.|.", string)) <= 255
    assert unquoted_text(said) == text * 3


def test_a_text_that_is_not_quoted_is_left_alone() -> None:
    assert unquoted_text('v=spf1 include:"x" -all') == 'v=spf1 include:"x" -all'
    assert unquoted_text("plain \\065") == "plain \\065"


@given(st.sampled_from(["", "www", "a.b", "*", "shop.example"]), st.sampled_from(["shop.example", "example"]))
def test_a_name_comes_back_from_its_domain(name: str, domain: str) -> None:
    assert relative(absolute(name, domain), domain) == name


def test_ownership_comes_back_from_a_mark_as_far_as_it_fits() -> None:
    owner = Ownership("prod", 'shards["eu"].web[3]', fresh_token("x"))
    assert marked(mark(owner)) == owner
    long = Ownership("prod", "a" * 400, fresh_token("x"))
    found = marked(mark(long))
    assert found is not None
    assert (found.deployment, found.token) == (long.deployment, long.token)
    assert len(mark(long)) <= 250
    for other in (None, "", "orchestra", "orchestra x", "made by hand"):
        assert marked(other) is None


@given(TEXTS, TEXTS)
def test_ownership_comes_back_from_metadata_however_its_names_are_spelt(deployment: str, address: str) -> None:
    owner = Ownership(deployment, address, fresh_token(address))
    said = marks(owner)
    assert all(name.isidentifier() and value.isascii() for name, value in said.items())
    assert marked_metadata({name.replace("_", "-").title(): value for name, value in said.items()}) == owner
    assert marked_metadata({"somebody": "else"}) is None


def test_values_wanted_are_sorted_each_once() -> None:
    inputs = {"name": "w", "type": "A", "values": ["192.0.2.2", "192.0.2.1", "192.0.2.2"], "ttl": 60}
    assert RecordSet.wanted(Inputs(inputs)) == RecordSet("w", "A", ("192.0.2.1", "192.0.2.2"), 60)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("A", "192.0.2.300"), ("A", "elsewhere.example"), ("AAAA", "192.0.2.1"), ("MX", "10 a.example.")],
)
def test_values_that_no_cloud_would_tell_so_are_refused_unsent(kind: str, value: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        RecordSet.wanted(Inputs({"name": "w", "type": kind, "values": [value], "ttl": 60}))
    assert not caught.value.sent
