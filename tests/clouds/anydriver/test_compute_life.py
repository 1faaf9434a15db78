"""Whole lives on compute drivers without a family."""

from __future__ import annotations

from tests.clouds.families.test_life import (
    deploy,
    test_a_lost_state_is_rebuilt_from_the_cloud,
    test_a_whole_life,
    test_answers_that_are_lost_make_nothing_twice,
    test_what_fails_is_made_by_the_next_run,
)

__all__ = [
    "deploy",
    "test_a_lost_state_is_rebuilt_from_the_cloud",
    "test_a_whole_life",
    "test_answers_that_are_lost_make_nothing_twice",
    "test_what_fails_is_made_by_the_next_run",
]
