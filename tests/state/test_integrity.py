"""Digests of rows, and their running totals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestra.state.integrity import EMPTY, damaged, minus, plus, row_digest, total_of

DIGESTS = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")


@given(st.lists(DIGESTS), st.lists(DIGESTS))
def test_total_kept_in_step_is_the_total_of_what_is_left(kept: list[str], removed: list[str]) -> None:
    total = EMPTY
    for one in (*kept, *removed):
        total = plus(total, one)
    for one in removed:
        total = minus(total, one)
    assert total == total_of(reversed(kept))
    assert len(total) == len(EMPTY)


def test_total_sees_what_a_parity_would_not() -> None:
    one, other = row_digest("t", "d", "a"), row_digest("t", "d", "b")
    assert total_of([one, other, other]) != total_of([one])
    assert total_of([]) == EMPTY


def test_digest_depends_on_every_part() -> None:
    parts = [("t", "d", "a", 1), ("u", "d", "a", 1), ("t", "e", "a", 1), ("t", "d", "b", 1), ("t", "d", "a", 2)]
    assert len({row_digest(*part) for part in parts}) == len(parts)
    assert row_digest("t", "d", "a", "b") != row_digest("t", "d", "ab")


def test_error_names_what_is_known_and_the_remedy() -> None:
    error = damaged("a row is missing", where="the state file /srv/a.db", deployment="production", address="web[0]")
    assert str(error) == (
        "web[0]: the state of deployment 'production' in the state file /srv/a.db is damaged: a row is missing\n"
        "  to do: restore a copy of it; without one, move it away and write the state anew from the clouds: "
        "Deployment.rebuild()"
    )
