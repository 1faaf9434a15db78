"""The rules of the provider contract, one function each: it returns if the rule holds, else raises what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from orchestra.contracts import Observation, Ownership, Provider, Reading, Status
from orchestra.diff import same
from orchestra.errors import ChoiceError, CloudError
from orchestra.testing.bench import Bench
from orchestra.testing.cases import Subject
from orchestra.testing.contract import FoundWrongError, Rule

# -- what create() does


def _creates(bench: Bench) -> None:
    made, owner = bench.subject(0), bench.owner(0)
    if bench.provider.kind != made.kind.name:
        raise FoundWrongError(
            f"the provider says it is for {bench.provider.kind!r}, the case declares {made.kind.name!r}"
        )
    observation = bench.create(made, owner)
    _check_owner(bench, observation, owner, "create()")


def _pending(bench: Bench) -> None:
    created = bench.create(bench.subject(0), bench.owner(0))
    for what, observation in (("create()", created), ("observe()", bench.settled(created.external_id))):
        if not isinstance(observation.status, Status):
            raise FoundWrongError(f"{what} tells the status {observation.status!r}: one of Status is needed")


def _same_token(bench: Bench) -> None:
    made, owner = bench.subject(0), bench.owner(0)
    first = bench.create(made, owner).external_id
    again = bench.create_again(made, owner)
    if again not in (first, None):
        raise FoundWrongError(f"two calls with one token made {first} and {again}")
    bench.settled(first)
    later = bench.create_again(made, owner)
    if later not in (first, None):
        raise FoundWrongError(f"once it was ready the same token made {later} beside {first}")
    owned = [one.external_id for one in bench.everything().values() if one.ownership == owner]
    if len(owned) > 1:
        raise FoundWrongError(f"under one token there are {', '.join(sorted(owned))}")


def _other_token(bench: Bench) -> None:
    one = bench.create(bench.subject(0), bench.owner(0))
    other = bench.create(bench.subject(1), bench.owner(1))
    if one.external_id == other.external_id:
        raise FoundWrongError(f"two tokens both got {one.external_id}")


# -- what observe() tells


def _partition(bench: Bench) -> None:
    kept, gone = (bench.ready(number)[2].external_id for number in (0, 1))
    bench.delete(gone)
    _check_partition(bench.observe(kept, gone, kept), {kept, gone})
    _check_partition(bench.observe(), set())


def _check_partition(reading: Reading, asked: set[str]) -> None:
    parts = {"found": set(reading.found), "gone": set(reading.gone), "unread": set(reading.unread)}
    for external_id in sorted(asked.union(*parts.values())):
        places = [name for name, part in parts.items() if external_id in part]
        if external_id not in asked:
            raise FoundWrongError(f"{external_id} is {places[0]} and was not asked for")
        if len(places) != 1:
            raise FoundWrongError(f"{external_id} is {' and '.join(places) or 'neither found, nor gone, nor unread'}")
    for external_id, observation in reading.found.items():
        if observation.external_id != external_id:
            raise FoundWrongError(f"found[{external_id!r}] tells of {observation.external_id!r}")


def _unknown(bench: Bench) -> None:
    *_, observation = bench.ready(0)
    unknown = observation.external_id
    bench.delete(unknown)
    reading = bench.observe(unknown)
    if unknown not in reading.gone:
        raise FoundWrongError(f"the id {unknown}, which nothing has, is {_place(reading, unknown)}, not gone")


def _place(reading: Reading, external_id: str) -> str:
    if external_id in reading.unread:
        return f"unread ({reading.unread[external_id].message})"
    if external_id in reading.gone:
        return "gone"
    return "found" if external_id in reading.found else "nowhere in the reading"


def _failure(bench: Bench) -> None:
    made, owner, observation = bench.ready(0)
    known = observation.external_id
    out = bench.unreachable() if bench.unreachable else bench.provider
    _check_unread(out, known)
    for what, call in (
        ("list() ends as if that were all", lambda: list(out.list())),
        ("find() tells that nothing is there", lambda: out.find(owner, made.inputs)),
        ("delete() succeeds", lambda: out.delete(known)),
        ("create() succeeds", lambda: out.create(made.inputs, owner)),
    ):
        _must_fail(call, f"with the cloud out of reach {what}")


def _check_unread(out: Provider, known: str) -> None:
    try:
        reading = out.observe([known])
    except CloudError:
        return
    except Exception as error:
        raise FoundWrongError(f"observe() raised {type(error).__name__}, which is no CloudError: {error}") from error
    if known not in reading.unread:
        raise FoundWrongError(f"with the cloud out of reach observe() tells that {known} is {_place(reading, known)}")


def _must_fail(call: Callable[[], object], otherwise: str) -> None:
    try:
        call()
    except CloudError:
        return
    except Exception as error:
        raise FoundWrongError(f"a call raised {type(error).__name__}, which is no CloudError: {error}") from error
    raise FoundWrongError(otherwise)


def _behind_its_back(bench: Bench) -> None:
    made, owner, observation = bench.ready(0)
    external_id = observation.external_id
    another = bench.factory()
    with bench.calling("delete() by another provider"):
        bench.seen_through(lambda: another.delete(external_id))
    bench.until(lambda: external_id in bench.observe(external_id).gone, f"observe() told that {external_id} is gone")
    bench.until(lambda: external_id not in bench.everything(), f"list() told no more of {external_id}")
    bench.until(lambda: bench.find(made, owner) is None, f"find() told no more of {external_id}")


# -- how things are found


def _found(bench: Bench) -> None:
    made, owner, observation = bench.ready(0)
    external_id = observation.external_id

    def check() -> None:
        found = bench.find(made, owner)
        if found is None or found.external_id != external_id:
            told = found.external_id if found else "nothing"
            raise FoundWrongError(f"find() tells of {told}, the token made {external_id}")

    bench.soon(check)


def _not_found(bench: Bench) -> None:
    bench.ready(1)
    found = bench.find(bench.subject(0), bench.owner(0))
    if found is not None:
        raise FoundWrongError(f"find() told of {found.external_id} for a token that made nothing")


def _listed(bench: Bench) -> None:
    _, owner, observation = bench.ready(0)
    external_id = observation.external_id

    def check() -> None:
        listed = bench.everything().get(external_id)
        if listed is None:
            raise FoundWrongError(f"list() leaves out {external_id}")
        _check_owner(bench, listed, owner, "list()")

    bench.soon(check)
    _check_owner(bench, observation, owner, "observe()")


def _check_owner(bench: Bench, observation: Observation, owner: Ownership, what: str) -> None:
    if bench.case.owned and observation.ownership != owner:
        raise FoundWrongError(f"{what} tells the ownership {observation.ownership!r}, it was made with {owner!r}")


# -- what an observation holds


def _outputs(bench: Bench) -> None:
    made, owner = bench.subject(0), bench.owner(0)
    created = bench.create(made, owner)
    told: list[tuple[str, Observation | None]] = [
        ("create()", created),
        ("observe()", bench.settled(created.external_id)),
        ("list()", bench.everything().get(created.external_id)),
        ("find()", bench.find(made, owner)),
    ]
    for what, observation in told:
        if observation is not None:
            _check_outputs(made, observation.outputs, what)


def _check_outputs(made: Subject, outputs: Mapping[str, object], what: str) -> None:
    wanted = {name: field for name, field in made.kind.outputs.items() if name != "id"}
    for name in sorted({*wanted, *outputs}):
        if name not in outputs:
            raise FoundWrongError(f"{what} leaves out the output {name}")
        if name not in wanted:
            raise FoundWrongError(f"{what} tells {name}, which is no output of the kind")
        value, declared = outputs[name], wanted[name].type
        if not _is_of(value, declared):
            shown = getattr(declared, "__name__", declared)
            raise FoundWrongError(f"{what} tells {name} as a {type(value).__name__}, {shown} is declared")


def _is_of(value: object, declared: Any) -> bool:
    plain = getattr(declared, "__origin__", declared)
    if value is None or not isinstance(plain, type):
        return True
    return isinstance(value, plain) or (plain is float and isinstance(value, int))


def _inputs(bench: Bench) -> None:
    made = bench.subject(0)
    created = bench.create(made, bench.owner(0))
    _check_inputs(made, created, "create()")
    _check_inputs(made, bench.settled(created.external_id), "observe()")
    listed = bench.everything().get(created.external_id)
    if listed is not None:
        _check_inputs(made, listed, "list()")


def _check_inputs(made: Subject, observation: Observation, what: str) -> None:
    for name, told in observation.inputs.items():
        spec = made.kind.inputs.get(name)
        if spec is None:
            raise FoundWrongError(f"{what} tells {name}, which is no input of the kind")
        if spec.choice and not (isinstance(told, Mapping) and isinstance(told.get("id"), str)):
            raise FoundWrongError(f"{what} tells the choice {name} as {told!r}: {{'id': …}} is needed")
        if spec.normalize is not None and not same(spec.normalize(told), told):
            raise FoundWrongError(f"{what} tells {name} as {told!r}, its normal form is {spec.normalize(told)!r}")
    if differing := made.differs(observation):
        told_of = "; ".join(f"{one.name} is told as {one.before!r}, declared {one.after!r}" for one in differing)
        raise FoundWrongError(f"after {what} the next plan would not be empty: {told_of}")


# -- what changes and goes


def _updates(bench: Bench) -> None:
    _each_update(bench, times=1)


def _repeated_updates(bench: Bench) -> None:
    _each_update(bench, times=2)


def _each_update(bench: Bench, times: int) -> None:
    """Make each change in place on a resource of its own, and see what is observed then."""
    for name, value in bench.case.changes.items():
        before, after = bench.subject(0), bench.subject(0, {name: value})
        update = before.update_to(after)
        if not update.changed or before.replaced_by(after):
            continue
        external_id = bench.create(before, bench.owner(0)).external_id
        bench.settled(external_id)
        for _ in range(times):
            with bench.calling(f"update() of {name}"):
                changed = bench.update(external_id, update)
            if changed.external_id != external_id:
                raise FoundWrongError(f"update() of {name} returned {changed.external_id}, not {external_id}")
        _check_reached(bench, after, external_id, f"update() of {name}")
        bench.delete(external_id)


def _check_reached(bench: Bench, made: Subject, external_id: str, what: str) -> None:
    bench.soon(lambda: _check_inputs(made, bench.settled(external_id), what))


def _delete_twice(bench: Bench) -> None:
    *_, observation = bench.ready(0)
    bench.delete(observation.external_id)
    with bench.calling("delete() of what is gone"):
        bench.seen_through(lambda: bench.provider.delete(observation.external_id))


# -- who calls, and what is chosen


def _threads(bench: Bench) -> None:
    width = min(bench.threads, bench.case.copies)
    subjects = [bench.subject(number) for number in range(width)]

    def live(number: int) -> str:
        external_id = bench.create(subjects[number], bench.owner(number)).external_id
        _check_inputs(subjects[number], bench.settled(external_id), "observe()")
        return external_id

    with ThreadPoolExecutor(max_workers=width) as pool:
        ids = list(pool.map(live, range(width)))
        if len(set(ids)) < width:
            raise FoundWrongError(f"{width} threads with a token each got {len(set(ids))} resources")
        for reading in pool.map(lambda _: bench.observe(*ids), range(width)):
            _check_partition(reading, set(ids))
            if set(reading.found) != set(ids):
                raise FoundWrongError(f"of {width} things that threads made one of them is told {len(reading.found)}")
        list(pool.map(bench.delete, ids))


def _choices(bench: Bench) -> None:
    made, again = bench.subject(0), bench.subject(0)
    for name, spec in made.kind.inputs.items():
        if spec.choice and not same(made.raw[name], again.raw[name]):
            raise FoundWrongError(f"choose({name!r}) answered {made.raw[name]!r}, then {again.raw[name]!r}")
    try:
        found = bench.provider.choose("no-such-input", {})
    except ChoiceError:
        return
    except Exception as error:
        raise FoundWrongError(f"choose() of no such input raised {type(error).__name__}, not ChoiceError") from error
    raise FoundWrongError(f"choose() of no such input answered {found!r}")


RULES: Final[tuple[Rule[Bench], ...]] = (
    Rule("creates", "create() makes one of its kind, and tells whose it is", _creates),
    Rule("becomes ready", "what was created is told with a Status, and becomes ready", _pending),
    Rule("same token", "create() is idempotent under its token", _same_token),
    Rule("other token", "create() under another token makes another one", _other_token),
    Rule("each id once", "observe() tells each id in exactly one of found, gone and unread", _partition),
    Rule("unknown is gone", "an id that nothing has is gone, not an error", _unknown),
    Rule("failure is not gone", "what can't be read is never told as gone", _failure, needs="unreachable"),
    Rule("gone behind its back", "what others deleted is told as gone", _behind_its_back),
    Rule("found by token", "find() tells what was created under the token, or has the natural key", _found),
    Rule("not found is None", "find() tells None where nothing was created", _not_found),
    Rule("listed", "list() has everything, with its ownership", _listed),
    Rule("outputs", "every output of the kind is told, None where the cloud doesn't know it yet", _outputs),
    Rule("inputs", "the inputs told have the form of those declared, so that the next plan is empty", _inputs),
    Rule("update", "update() brings it to what `after` says", _updates),
    Rule("update again", "update() is safe to repeat", _repeated_updates),
    Rule("delete twice", "delete() of what is gone is success", _delete_twice),
    Rule("many threads", "several threads may call at once", _threads),
    Rule("choices", "choose() always answers alike, and refuses with ChoiceError", _choices),
)
"""Every rule, in the order in which they are checked."""
