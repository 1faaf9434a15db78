"""Compute drivers without a family keep the contract as those with one do."""

from __future__ import annotations

from tests.clouds.families.test_contract import test_providers_keep_the_contract

__all__ = ["test_providers_keep_the_contract"]
