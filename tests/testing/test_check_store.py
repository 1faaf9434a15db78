"""The store contract as a check: what keeps it passes, and each rule catches what breaks it."""

from __future__ import annotations

import pytest

from orchestra.contracts import Clock, Store
from orchestra.errors import StateError
from orchestra.stores import MemoryStore, open_store
from orchestra.testing import STORE_RULES, BrokenContractError, VirtualClock, check_store
from orchestra.testing.store import RULES
from tests.house.probe import trace
from tests.testing.cellar import WRONG, Cellar


def reopened(store: Cellar, /, *, deployment: str, clock: Clock, lease_seconds: float) -> Cellar:
    return store.again()


def broken_by(wrong: type[Cellar], *rules: str) -> BrokenContractError:
    with pytest.raises(BrokenContractError) as caught:
        check_store(wrong, reopen=reopened, rules=rules or STORE_RULES)
    return caught.value


def test_what_keeps_the_contract_passes() -> None:
    checked = check_store(Cellar, reopen=reopened)
    assert (checked.rules, checked.left_out) == (STORE_RULES, ())


@pytest.mark.parametrize(
    ("rule", "wrong"), [pytest.param(rule, one, id=one.__name__) for rule, every in WRONG.items() for one in every]
)
def test_each_rule_catches_what_breaks_it(rule: str, wrong: type[Cellar]) -> None:
    error = broken_by(wrong, rule)
    assert [(one.kind, one.rule) for one in error.broken] == [(wrong.__name__, rule)]
    assert f"{wrong.__name__} breaks the rule '{rule}'" in str(error)


def test_every_rule_is_shown_to_catch_something() -> None:
    assert set(WRONG) == set(STORE_RULES)
    assert len(set(STORE_RULES)) == len(RULES)


@pytest.mark.parametrize(
    ("rule", "place", "broken"),
    [
        ("unknown stays pending", 0, ["unknown stays pending"]),
        ("journal", 2, ["journal"]),
        ("records", 1, ["records"]),
        ("expired is held", 0, ["expired is held"]),
    ],
)
def test_what_is_wrong_in_one_way_breaks_few_rules(rule: str, place: int, broken: list[str]) -> None:
    assert [one.rule for one in broken_by(WRONG[rule][place]).broken] == broken


def test_messages_name_the_rule_and_what_was_found() -> None:
    assert str(broken_by(WRONG["unknown stays pending"][0])) == (
        "one rule of the contract orchestra.contracts.Store broken:\n"
        "  - SettlesTheUnknown breaks the rule 'unknown stays pending': "
        "an outcome that is Phase.UNKNOWN settles nothing\n"
        "      found: load().pending: ['create web[1]'] is told, ['create web[0]', 'create web[1]'] is right"
    )


@pytest.mark.parametrize(
    ("rule", "place", "found"),
    [
        ("empty at first", 1, "OSError was raised where nothing may be: busy"),
        ("records", 0, "load().records['web[0]'].external_id: 'i-0' is told, 'i-9' is right"),
        ("records", 1, "load().records['web[0]'].protect: False is told, True is right"),
        ("secrets", 3, "begin() with a secret in plain raised TypeError, not InternalError: not JSON serializable"),
        ("records", 3, "the types in load().records[0]['nested'][0]['a'][1]: 'int' is told, 'bool' is right"),
        ("identity", 2, "the length of load().salt: 8 is told, 32 is right"),
        ("secrets", 0, "commit() of a secret in plain returned 1: InternalError should have been raised"),
        ("secrets", 1, "the secret stands in the message of the error that refuses it"),
        ("journal", 0, "journal()[0][0]: 4 is told, 1 is right"),
        ("runs", 0, "runs()[0].id: 'run-1' is told, 'run-3' is right"),
        ("fence", 1, "commit() under a lease that expired and was taken returned 1: LeaseLostError should have been"),
        ("closed", 0, "closed and opened again, load().deposed: () is told, (Record("),
        ("closed", 2, "closed and opened again, load().salt: not what it was at first"),
    ],
)
def test_what_was_found_is_told(rule: str, place: int, found: str) -> None:
    [broken] = broken_by(WRONG[rule][place], rule).broken
    assert broken.found.startswith(found)


def test_the_first_thing_found_is_the_cause() -> None:
    error = broken_by(WRONG["empty at first"][1], "empty at first")
    assert isinstance(error.__cause__, OSError)


def test_what_a_check_says_holds_no_secret() -> None:
    for wrong in WRONG["secrets"]:
        assert "hunter2" not in str(broken_by(wrong))


def test_without_a_way_to_open_it_again_rules_are_left_out_and_said_so() -> None:
    checked = check_store(MemoryStore)
    assert checked.left_out == tuple(
        (name, "no reopen= was given") for name in ("durable", "closed", "lease stays", "two openings", "one of many")
    )
    assert (*checked.rules, *(name for name, _ in checked.left_out)) == STORE_RULES


def test_rules_can_be_chosen_by_name() -> None:
    checked = check_store(MemoryStore, rules=["runs", "order", "closed"])
    assert checked.rules == ("order", "runs")
    assert checked.left_out == (("closed", "no reopen= was given"),)
    with pytest.raises(ValueError, match="no rule is called 'ordre': the rules are empty at first, identity, "):
        check_store(MemoryStore, rules=["ordre"])


def test_everything_goes_by_the_clock_and_the_lease_that_are_given() -> None:
    seen = set()
    clock = VirtualClock(5_000.0)

    def make(*, deployment: str, clock: Clock, lease_seconds: float) -> Store:
        seen.add((deployment, clock, lease_seconds))
        return MemoryStore(deployment=deployment, clock=clock, lease_seconds=lease_seconds)

    check_store(make, clock=clock, lease_seconds=0.5)
    assert seen == {("check-store", clock, 0.5)}
    assert 5_000.0 < clock.now() < 5_100.0


def test_what_is_opened_is_closed() -> None:
    opened: list[Cellar] = []

    class Closing(Cellar):
        count = 0

        def again(self) -> Closing:
            opened.append(super().again())
            return opened[-1]

        def close(self) -> None:
            type(self).count += 1

    def make(*, deployment: str, clock: Clock, lease_seconds: float) -> Closing:
        opened.append(Closing(deployment=deployment, clock=clock, lease_seconds=lease_seconds))
        return opened[-1]

    check_store(make, reopen=reopened, rules=STORE_RULES[1:])
    assert Closing.count == len(opened) > 0


def test_a_store_that_cannot_be_made_is_told() -> None:
    def make(*, deployment: str, clock: Clock, lease_seconds: float) -> Store:
        return open_store("nowhere/state.db", deployment=deployment, clock=clock, lease_seconds=lease_seconds)

    with pytest.raises(BrokenContractError, match="the store breaks the rule 'runs'") as caught:
        check_store(make, rules=["runs"])
    assert isinstance(caught.value.__cause__, StateError)


def test_the_comparison_says_what_it_needs() -> None:
    source = (
        "try:\n    import orchestra.testing.store_comparison\n"
        "except ImportError as error:\n    told = str(error)\n    assert 'needs Hypothesis' in told, told\n"
    )
    assert "told" in trace(source, blocked=("hypothesis",)).names
