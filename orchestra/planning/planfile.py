"""Plans as JSON: format ``orchestra-plan``, version 1. Secrets are sealed, unknown values say so."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestra.diff import PropertyChange
from orchestra.errors import InternalError, PlanFileError
from orchestra.model.address import Address
from orchestra.model.values import ABSENT, Absent, Value
from orchestra.planning.change import Change, Finding
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.state import codec

if TYPE_CHECKING:
    from orchestra.planning.plan import Plan

FORMAT: Final = "orchestra-plan"
VERSION: Final = 1


def encode(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-like values, with its digest."""
    document = _document(plan)
    return {**document, "digest": codec.digest(codec.canonical(document))}


def digest(plan: Plan) -> str:
    """The digest of everything in the plan."""
    return codec.digest(codec.canonical(_document(plan)))


def _document(plan: Plan) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "deployment": plan.deployment,
        "stack": plan.stack,
        "mode": plan.mode.value,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "partial": plan.partial,
        "unchanged": plan.unchanged,
        "changes": [_encode_change(change) for change in plan.changes],
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
    text = json.dumps(encode(plan), indent=1, sort_keys=True, ensure_ascii=False)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PlanFileError(f"the plan can't be written to {path}: {error.strerror}") from error


def load(path: Path, make: type[Plan]) -> Plan:
    """Read a plan; raises `PlanFileError` unless it is exactly one that `save` wrote."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanFileError(f"the plan {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _damaged(path, f"it is not of the format {FORMAT}")
    if document.get("version") != VERSION:
        raise PlanFileError(
            f"the plan {path} has format version {document.get('version')!r}; this orchestra reads {VERSION}",
            remedy="make a new plan",
        )
    found = document.pop("digest", None)
    if found != codec.digest(codec.canonical(document)):
        raise _damaged(path, "its digest doesn't fit its content: it was edited or damaged")
    try:
        return _decode(document, make)
    except (KeyError, TypeError, ValueError, AttributeError, InternalError) as error:
        raise _damaged(path, "its content doesn't have the form of a plan") from error


def _damaged(path: Path, why: str) -> PlanFileError:
    return PlanFileError(f"the plan {path} can't be used: {why}", remedy="make a new plan")


def _decode(document: Mapping[str, Any], make: type[Plan]) -> Plan:
    return make(
        deployment=document["deployment"],
        stack=document["stack"],
        mode=Mode(document["mode"]),
        lineage=document["lineage"],
        serial=document["serial"],
        partial=document["partial"],
        unchanged=document["unchanged"],
        changes=tuple(_decode_change(one) for one in document["changes"]),
        outputs=_decode_values(document["outputs"]),
        findings=tuple(Finding(**one) for one in document["findings"]),
    )


def _decode_values(values: Mapping[str, Any]) -> dict[str, Value]:
    return {name: codec.decode_value(value) for name, value in values.items()}


def _decode_change(one: Mapping[str, Any]) -> Change:
    return Change(
        address=Address(one["address"]),
        kind=one["kind"],
        action=Action(one["action"]),
        reason=Reason[one["reason"].upper()],
        cloud=one["cloud"],
        previous_cloud=one["previous_cloud"],
        external_id=one["external_id"],
        token=one["token"],
        dependencies=tuple(map(Address, one["dependencies"])),
        previous_dependencies=tuple(map(Address, one["previous_dependencies"])),
        create_before_delete=one["create_before_delete"],
        moved_from=None if one["moved_from"] is None else Address(one["moved_from"]),
        deposed=one["deposed"],
        before=_decode_values(one["before"]),
        after=_decode_values(one["after"]),
        outputs=_decode_values(one["outputs"]),
        properties=tuple(_decode_property(item) for item in one["properties"]),
    )


def _decode_property(one: Mapping[str, Any]) -> PropertyChange:
    return PropertyChange(
        path=tuple(one["path"]),
        before=codec.decode_value(one["before"]) if "before" in one else ABSENT,
        after=codec.decode_value(one["after"]) if "after" in one else ABSENT,
        forces_replacement=one["forces_replacement"],
    )
