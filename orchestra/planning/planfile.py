"""Plans as JSON: format ``orchestra-plan``, version 1. Secrets are sealed, unknown values say so."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from orchestra.diff import PropertyChange
from orchestra.errors import InternalError, PlanFileError, StateError
from orchestra.model.address import Address
from orchestra.model.values import ABSENT, Absent, Value
from orchestra.planning.change import Change, Finding
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.state import codec

if TYPE_CHECKING:
    from orchestra.planning.plan import Plan

FORMAT: Final = "orchestra-plan"
VERSION: Final = 1

_FIRST: Final = '{"changes":['
"""How the canonical JSON of every plan begins."""


def encode(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-like values, with its digest."""
    document = _document(plan, plan.changes)
    return {**document, "digest": codec.digest(codec.canonical(document))}


def digest(plan: Plan) -> str:
    """The digest of everything in the plan: of its canonical JSON, of which there is never more than one change."""
    return codec.digest_of(_pieces(plan))


def _pieces(plan: Plan) -> Iterator[str]:
    """The canonical JSON of the plan in pieces: in order of the keys, the changes come first."""
    frame = codec.canonical(_document(plan, ()))
    yield frame[: len(_FIRST)]
    for number, change in enumerate(plan.changes):
        yield ("," if number else "") + codec.canonical(_encode_change(change))
    yield frame[len(_FIRST) :]


def _document(plan: Plan, changes: Sequence[Change]) -> dict[str, Any]:
    goes_back = {} if plan.rollback_to is None else {"rollback_to": plan.rollback_to}
    return {
        **goes_back,
        "format": FORMAT,
        "version": VERSION,
        "deployment": plan.deployment,
        "stack": plan.stack,
        "mode": plan.mode.value,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "partial": plan.partial,
        "unchanged": plan.unchanged,
        "changes": [_encode_change(change) for change in changes],
        "outputs": {name: codec.encode_value(value) for name, value in plan.outputs.items()},
        "findings": [
            {"rule": one.rule, "address": one.address, "message": one.message, "refusal": one.refusal}
            for one in plan.findings
        ],
    }


def _encode_change(change: Change) -> dict[str, Any]:
    return {
        "address": change.address,
        "kind": change.kind,
        "action": change.action.value,
        "reason": change.reason.name.lower(),
        "cloud": change.cloud,
        "previous_cloud": change.previous_cloud,
        "external_id": change.external_id,
        "token": change.token,
        "dependencies": list(change.dependencies),
        "previous_dependencies": list(change.previous_dependencies),
        "create_before_delete": change.create_before_delete,
        "moved_from": change.moved_from,
        "deposed": change.deposed,
        "before": _encode_values(change.before),
        "after": _encode_values(change.after),
        "outputs": _encode_values(change.outputs),
        "properties": [_encode_property(one) for one in change.properties],
    }


def _encode_values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: codec.encode_value(value) for name, value in values.items()}


def _encode_property(one: PropertyChange) -> dict[str, Any]:
    encoded: dict[str, Any] = {
        "path": list(one.path),
        "secret": one.is_secret,
        "known": one.is_known,
        "forces_replacement": one.forces_replacement,
    }
    for side, value in (("before", one.before), ("after", one.after)):
        if not isinstance(value, Absent):
            encoded[side] = codec.encode_value(value)
    return encoded


def save(plan: Plan, path: Path) -> None:
    """Write it whole or not at all, readable by the owner only."""
    text = json.dumps(encode(plan), indent=1, ensure_ascii=False)  # in the order in which the plan is shown
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise PlanFileError(f"the plan can't be written to {path}: {error.strerror}") from error


def load(path: Path, make: type[Plan]) -> Plan:
    """Read a plan; raises `PlanFileError` unless it is exactly one that `save` wrote."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanFileError(f"the plan {path} can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _damaged(path, f"it is not of the format {FORMAT}")
    if document.get("version") != VERSION:
        raise PlanFileError(
            f"the plan {path} has format version {document.get('version')!r}; this orchestra reads {VERSION}",
            remedy="make a new plan",
        )
    found = document.pop("digest", None)
    try:
        is_whole = found == codec.digest(codec.canonical(document))
        plan = _decode(document, make) if is_whole else None
        if plan is not None and digest(plan) != found:
            raise ValueError("written again, it would be another")
    except (KeyError, TypeError, ValueError, RecursionError, InternalError, StateError) as error:
        raise _damaged(path, "its content doesn't have the form of a plan") from error
    if plan is None:
        raise _damaged(path, "its digest doesn't fit its content: it was edited or damaged")
    return plan


def _damaged(path: Path, why: str) -> PlanFileError:
    return PlanFileError(f"the plan {path} can't be used: {why}", remedy="make a new plan")


_PLAN: Final = MappingProxyType(
    {
        "format": str,
        "version": int,
        "deployment": str,
        "stack": str,
        "mode": str,
        "lineage": str,
        "serial": int,
        "partial": bool,
        "unchanged": int,
        "changes": list,
        "outputs": dict,
        "findings": list,
        "rollback_to": int,
    }
)
_CHANGE: Final = MappingProxyType(
    {
        "address": str,
        "kind": str,
        "action": str,
        "reason": str,
        "cloud": str,
        "previous_cloud": str,
        "external_id": str,
        "token": str,
        "dependencies": list,
        "previous_dependencies": list,
        "create_before_delete": bool,
        "moved_from": str | None,
        "deposed": bool,
        "before": dict,
        "after": dict,
        "outputs": dict,
        "properties": list,
    }
)
_PROPERTY: Final = MappingProxyType(
    {"path": list, "secret": bool, "known": bool, "forces_replacement": bool, "before": object, "after": object}
)
_FINDING: Final = MappingProxyType({"rule": str, "address": str | None, "message": str, "refusal": bool})


def _checked(item: Any, form: Mapping[str, Any], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """``item``, which must be an object with these keys and types."""
    if not isinstance(item, dict) or not form.keys() - optional <= item.keys() <= form.keys():
        raise TypeError(f"an object with {', '.join(form)} is needed")
    for name, value in item.items():
        if not isinstance(value, form[name]) or (isinstance(value, bool) and form[name] is int):
            raise TypeError(f"{name} can't be a {type(value).__name__}")
    return item


def _addresses(items: list[Any]) -> tuple[Address, ...]:
    if not all(isinstance(item, str) for item in items):
        raise TypeError("addresses are texts")
    return tuple(map(Address, items))


def _decode(document: Any, make: type[Plan]) -> Plan:
    fields = _checked(document, _PLAN, optional=frozenset({"rollback_to"}))
    return make(
        deployment=fields["deployment"],
        stack=fields["stack"],
        mode=Mode(fields["mode"]),
        lineage=fields["lineage"],
        serial=fields["serial"],
        partial=fields["partial"],
        rollback_to=fields.get("rollback_to"),
        unchanged=fields["unchanged"],
        changes=tuple(_decode_change(one) for one in fields["changes"]),
        outputs=_decode_values(fields["outputs"]),
        findings=tuple(Finding(**_checked(one, _FINDING)) for one in fields["findings"]),
    )


def _decode_values(values: Mapping[str, Any]) -> dict[str, Value]:
    return {name: codec.decode_value(value) for name, value in values.items()}


def _decode_change(item: Any) -> Change:
    fields = _checked(item, _CHANGE)
    if fields["action"] == Action.NO_OP.value:
        raise ValueError("what needs no change is no change")
    return Change(
        address=Address(fields["address"]),
        kind=fields["kind"],
        action=Action(fields["action"]),
        reason=Reason[fields["reason"].upper()],
        cloud=fields["cloud"],
        previous_cloud=fields["previous_cloud"],
        external_id=fields["external_id"],
        token=fields["token"],
        dependencies=_addresses(fields["dependencies"]),
        previous_dependencies=_addresses(fields["previous_dependencies"]),
        create_before_delete=fields["create_before_delete"],
        moved_from=None if fields["moved_from"] is None else Address(fields["moved_from"]),
        deposed=fields["deposed"],
        before=_decode_values(fields["before"]),
        after=_decode_values(fields["after"]),
        outputs=_decode_values(fields["outputs"]),
        properties=tuple(_decode_property(one) for one in fields["properties"]),
    )


def _decode_property(item: Any) -> PropertyChange:
    fields = _checked(item, _PROPERTY, optional=frozenset({"before", "after"}))
    if not all(type(part) in (str, int) for part in fields["path"]):
        raise TypeError("a path is of texts and whole numbers")
    return PropertyChange(
        path=tuple(fields["path"]),
        before=codec.decode_value(fields["before"]) if "before" in fields else ABSENT,
        after=codec.decode_value(fields["after"]) if "after" in fields else ABSENT,
        forces_replacement=fields["forces_replacement"],
    )
