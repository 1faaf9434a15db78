"""Rules for one resource."""

from __future__ import annotations

import pytest

import orchestra as oc


def test_nothing_is_ruled_unless_said() -> None:
    rules = oc.Lifecycle()
    assert (rules.protect, rules.retain, rules.create_before_delete) == (False, False, None)
    assert (rules.ignore_changes, rules.replace_on, rules.moved_from) == ((), (), ())
    assert (rules.create_timeout, rules.update_timeout, rules.delete_timeout) == (None, None, None)


def test_lists_become_tuples() -> None:
    rules = oc.Lifecycle(ignore_changes=["size"], replace_on=["v1", 2], moved_from=["web[0]"])
    assert (rules.ignore_changes, rules.replace_on, rules.moved_from) == (("size",), ("v1", 2), ("web[0]",))


def test_one_text_is_one_item_and_not_its_characters() -> None:
    rules = oc.Lifecycle(ignore_changes="size", replace_on="v1", moved_from="web[0]")
    assert (rules.ignore_changes, rules.replace_on, rules.moved_from) == (("size",), ("v1",), ("web[0]",))


@pytest.mark.parametrize("name", ["create_timeout", "update_timeout", "delete_timeout"])
@pytest.mark.parametrize("seconds", [0, -1, -0.5])
def test_timeouts_must_be_above_zero(name: str, seconds: float) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        oc.Lifecycle(**{name: seconds})  # type: ignore[arg-type]
    assert str(caught.value) == f"Lifecycle({name}={seconds}): more than 0 seconds are needed"


def test_short_timeouts_are_taken() -> None:
    assert oc.Lifecycle(create_timeout=0.1).create_timeout == 0.1
