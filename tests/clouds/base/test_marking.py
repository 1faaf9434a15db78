"""Ownership and labels as tags and as names, there and back."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.clouds.base.compute import marking
from orchestra.contracts import Ownership, fresh_token
from orchestra.errors import InvalidRequestError

ADDRESS = 'shards["eu"].Web_Servers[0]'
OWNER = Ownership("Prod", ADDRESS, fresh_token("one"))
TEXTS = st.text(min_size=1, max_size=60)
OWNERS = st.builds(Ownership, TEXTS, TEXTS, st.binary().map(lambda seed: fresh_token(seed.hex())))
PLAIN = set(string.ascii_lowercase + string.digits + "-_:")


@given(OWNERS, st.sampled_from([50, 128, 255]), st.randoms())
def test_ownership_comes_back_from_tags_in_any_order(owner: Ownership, longest: int, chance: random.Random) -> None:
    tags = [*marking.owner_tags(owner, longest), "blue", "a:b:c", "orchestra:other:1", "orchestra:address:x:y:z"][:-1]
    chance.shuffle(tags)
    assert marking.owner_in_tags(tags) == owner


@given(OWNERS, st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_tags_are_plain_words_that_fit(owner: Ownership, labels: dict[str, str]) -> None:
    tags = marking.owner_tags(owner, 50)
    assert max(map(len, tags)) <= 50
    assert all(set(tag) <= PLAIN for tag in [*tags, *marking.label_tags(labels, 10_000)])
    assert len({tag.lower() for tag in tags}) == len(tags)


@given(st.dictionaries(TEXTS, st.text(max_size=30), max_size=5), OWNERS)
def test_labels_come_back_from_tags_and_are_no_ownership(labels: dict[str, str], owner: Ownership) -> None:
    tags = marking.owner_tags(owner, 255) + marking.label_tags(labels, 10_000)
    assert marking.labels_in_tags([*tags, marking.RESIZING, "blue"]) == labels
    assert marking.owner_in_tags(marking.label_tags(labels, 10_000)) is None
    assert marking.others(tags) == marking.owner_tags(owner, 255)


@given(OWNERS)
def test_ownership_comes_back_from_a_name(owner: Ownership) -> None:
    assert marking.owner_in_name(marking.owner_name(owner, 1000)) == owner


def test_how_they_read() -> None:
    assert marking.owner_tags(OWNER, 50) == [
        "orchestra:deployment:_50rod",
        "orchestra:address:shards_5b_22eu_22_5d_2e_57eb_5f_",
        "orchestra:address:1:53ervers_5b0_5d",
        f"orchestra:token:{OWNER.token}",
    ]
    assert marking.owner_name(Ownership("prod", "web[0]", OWNER.token), 100) == f"prod:web_5b0_5d:{OWNER.token}"


@pytest.mark.parametrize("name", ["", "prod:web", "my server", f"prod:web[0]:{OWNER.token}", "prod:web:1234"])
def test_a_name_that_somebody_else_gave_is_no_ownership(name: str) -> None:
    assert marking.owner_in_name(name) is None


def test_what_does_not_fit_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(
        InvalidRequestError, match="the label 'env' is too long: as a tag it has 54 characters"
    ) as label:
        marking.label_tags({"env": "x" * 50}, 50)
    assert label.value.sent is False


@given(OWNERS, st.sampled_from([32, 63]))
def test_a_name_without_room_for_ownership_is_unique_still(owner: Ownership, longest: int) -> None:
    for name in (marking.unique_name(owner, longest), marking.owner_name(owner, 35)):
        assert name.endswith(owner.token[:10])
        assert name[0].isalpha()
        assert len(name) <= max(longest, 35)
        assert marking.owner_in_name(name) is None
