"""Plan files: what is read back is exactly what was written, or refused."""

from __future__ import annotations

import json
import os
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import orchestra as oc
from orchestra.model.values import Revealed
from orchestra.planning.change import Change
from orchestra.planning.plan import Plan
from orchestra.state import codec
from tests.planning.plans import PLANS, small_plan

REWRITTEN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(PLANS)
@REWRITTEN
def test_any_plan_is_read_back_as_it_was(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "any.plan"
    plan.save(path)
    read = Plan.load(path)
    assert read == plan
    assert read.digest == plan.digest
    assert read.to_json() == plan.to_json()
    assert str(read) == str(plan)


@given(PLANS, PLANS)
def test_digests_tell_plans_apart(one: Plan, other: Plan) -> None:
    documents = [{**plan.to_json(), "digest": ""} for plan in (one, other)]
    alike = codec.canonical(documents[0]) == codec.canonical(documents[1])
    assert (one.digest == other.digest) is alike


def test_the_digest_takes_no_more_memory_for_a_plan_of_many_changes() -> None:
    peaks = []
    for count in (100, 1000):
        plan = small_plan(changes=small_plan().changes[:1] * count)
        tracemalloc.start()
        assert plan.digest
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert plan.digest == plan.to_json()["digest"]
    assert peaks[1] < 2 * peaks[0]


def test_the_file_is_for_its_owner_only_and_json(tmp_path: Path) -> None:
    path = tmp_path / "shop.plan"
    before = os.umask(0)
    try:
        small_plan().save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text(encoding="utf-8")) == small_plan().to_json()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "shop.plan"
    path.write_text("x" * 100_000, encoding="utf-8")
    path.chmod(0o644)
    small_plan().save(path)
    assert Plan.load(path) == small_plan()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_paths_may_be_text(tmp_path: Path) -> None:
    small_plan().save(str(tmp_path / "a"))
    assert Plan.load(str(tmp_path / "a")) == small_plan()


@pytest.mark.parametrize("where", ["missing/shop.plan", "file/shop.plan", "folder"])
def test_a_plan_that_can_not_be_written_is_told(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(oc.PlanFileError, match=r"the plan can't be written to .*: \w"):
        small_plan().save(tmp_path / where)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_secret_in_plain_is_never_written(tmp_path: Path) -> None:
    secret = "".join(["hunter", "2"])
    plan = small_plan(outputs={"out": Revealed(secret)})
    for act in (plan.to_json, lambda: plan.digest, lambda: plan.save(tmp_path / "a")):
        with pytest.raises(oc.InternalError) as caught:
            act()
        assert secret not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# -- refused


def refused(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(oc.PlanFileError) as caught:
        Plan.load(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "not json", "{", b"\xff\xfe", "[" * 100_000, '{"format": "orchestra-plan"} {}'],
    ids=["empty", "words", "open", "not UTF-8", "too deep", "two"],
)
def test_what_is_not_json_is_refused(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "a"
    assert refused(path, text) == f"the plan {path} can't be used: it is not JSON\n  to do: make a new plan"


@pytest.mark.parametrize(
    "text", ["[]", "null", '"x"', "{}", '{"format": "terraform"}', '{"format": ["orchestra-plan"]}']
)
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    assert "it is not of the format orchestra-plan" in refused(tmp_path / "a", text)


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_another_version_is_refused(tmp_path: Path, version: object) -> None:
    path = tmp_path / "a"
    document = {**small_plan().to_json(), "version": version}
    assert refused(path, json.dumps(document)) == (
        f"the plan {path} has format version {version!r}; this orchestra reads 1\n  to do: make a new plan"
    )


def test_a_file_that_is_not_there_or_not_readable_is_told(tmp_path: Path) -> None:
    with pytest.raises(oc.PlanFileError, match="can't be read: No such file or directory"):
        Plan.load(tmp_path / "missing")
    with pytest.raises(oc.PlanFileError, match="can't be read: Is a directory"):
        Plan.load(tmp_path)


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    small_plan().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        refused(path, whole[:length])


@given(st.data())
@REWRITTEN
def test_a_character_changed_anywhere_is_refused_or_means_the_same(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a"
    small_plan().save(path)
    text = path.read_text(encoding="utf-8")
    index = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from('0123456789abcxyzAZ"{}[]:, -.\\é\n'))
    path.write_text(text[:index] + new + text[index + 1 :], encoding="utf-8")
    try:
        read = Plan.load(path)
    except oc.PlanFileError:
        return
    assert read == small_plan()


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a document that holds nothing itself."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, item in items:
        if isinstance(item, (dict, list)) and item:
            yield from leaves(item, (*path, key))
        else:
            yield (*path, key)


PATHS = list(leaves(small_plan().to_json()))


def named(path: object) -> str:
    return ".".join(map(str, path)) if isinstance(path, tuple) else repr(path)


def changed(path: tuple[Any, ...], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The small plan's document with what is at ``path`` changed."""
    document = small_plan().to_json()
    found: Any = document
    for part in path[:-1]:
        found = found[part]
    found[path[-1]] = change(found[path[-1]])
    return document


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return f"{value}x" if isinstance(value, str) else "x"


def signed(document: dict[str, Any]) -> str:
    """``document`` with the digest that fits it: as someone would who means to mislead."""
    document.pop("digest", None)
    return json.dumps({**document, "digest": codec.digest(codec.canonical(document))})


@pytest.mark.parametrize("path", PATHS, ids=named)
def test_every_value_that_was_edited_is_seen(tmp_path: Path, path: tuple[Any, ...]) -> None:
    message = refused(tmp_path / "a", json.dumps(changed(path, another)))
    if path == ("format",):
        assert "not of the format" in message
    elif path == ("version",):
        assert "has format version 2" in message
    else:
        assert message == (
            f"the plan {tmp_path / 'a'} can't be used: its digest doesn't fit its content: it was edited or damaged\n"
            "  to do: make a new plan"
        )


FREE = ("before", "after", "outputs")
"""What may hold any value."""


def is_fixed(path: tuple[Any, ...]) -> bool:
    """Whether the type of what is at ``path`` is settled by the format."""
    if path[0] == "changes":
        return path[2] not in FREE and not (path[2] == "properties" and path[4] in FREE)
    return path[0] not in (*FREE, "digest", "format", "version")


WRONG = (None, 7, 1.5, True, "text", [], {}, ["text"], [7], {"a": 1})


NULLABLE = (("changes", 0, "moved_from"), ("findings", 0, "address"))


@pytest.mark.parametrize("path", [path for path in PATHS if is_fixed(path)], ids=named)
def test_a_wrong_type_is_seen_though_the_digest_fits(tmp_path: Path, path: tuple[Any, ...]) -> None:
    kept: Any = small_plan().to_json()
    for part in path:
        kept = kept[part]
    right = (str, int) if "path" in path else (type(kept),)
    for wrong in WRONG:
        if type(wrong) in right or (wrong is None and path in NULLABLE):
            continue
        message = refused(tmp_path / "a", signed(changed(path, lambda value, wrong=wrong: wrong)))
        assert "its content doesn't have the form of a plan" in message, f"{wrong!r} at {path}"


def edit(action: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    document = small_plan().to_json()
    action(document)
    return document


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a key too many": lambda d: d.update(extra=1),
    "no serial": lambda d: d.pop("serial"),
    "no changes": lambda d: d.pop("changes"),
    "changes as an object": lambda d: d.update(changes={}),
    "a change as a list": lambda d: d.update(changes=[[]]),
    "a serial that is a truth value": lambda d: d.update(serial=True),
    "an unknown mode": lambda d: d.update(mode="wrong"),
    "outputs as a list": lambda d: d.update(outputs=[]),
    "a change with a key too many": lambda d: d["changes"][0].update(extra=1),
    "a change without token": lambda d: d["changes"][0].pop("token"),
    "an unknown action": lambda d: d["changes"][0].update(action="explode"),
    "a change that changes nothing": lambda d: d["changes"][0].update(action="no-op"),
    "an unknown reason": lambda d: d["changes"][0].update(reason="because"),
    "a reason with a space": lambda d: d["changes"][0].update(reason="changed "),
    "a reason in capitals": lambda d: d["changes"][0].update(reason="FORCED"),
    "dependencies as text": lambda d: d["changes"][0].update(dependencies="abc"),
    "a number as address": lambda d: d["changes"][0].update(dependencies=[1]),
    "deposed as number": lambda d: d["changes"][0].update(deposed=0),
    "deposed as text": lambda d: d["changes"][0].update(deposed="no"),
    "before as a list": lambda d: d["changes"][0].update(before=[]),
    "a seal without digest": lambda d: d["changes"][0]["after"].update(subnet={"$orchestra": "sealed"}),
    "an unknown mark": lambda d: d["changes"][0]["after"].update(subnet={"$orchestra": "revealed", "value": "x"}),
    "a path as text": lambda d: d["changes"][0]["properties"][0].update(path="subnet"),
    "nothing in a path": lambda d: d["changes"][0]["properties"][0].update(path=[None]),
    "a truth value in a path": lambda d: d["changes"][0]["properties"][0].update(path=[True]),
    "unknown and called known": lambda d: d["changes"][0]["properties"][0].update(known=True),
    "secret and called public": lambda d: d["changes"][0]["properties"][2].update(secret=False),
    "a mark as text": lambda d: d["changes"][0]["properties"][0].update(forces_replacement="yes"),
    "a refusal as number": lambda d: d["findings"][0].update(refusal=0),
    "a finding with a key too many": lambda d: d["findings"][0].update(extra=0),
    "a finding as text": lambda d: d["findings"].append("x"),
    "too deep": lambda d: d["outputs"].update(deep=json.loads("[" * 150 + "]" * 150)),
}


@pytest.mark.parametrize("name", EDITS)
def test_another_form_is_seen_though_the_digest_fits(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / "a", signed(edit(EDITS[name]))) == (
        f"the plan {tmp_path / 'a'} can't be used: its content doesn't have the form of a plan\n"
        "  to do: make a new plan"
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused(tmp_path: Path, number: str) -> None:
    text = json.dumps(small_plan().to_json()).replace('"serial": 3', f'"serial": {number}')
    assert "doesn't have the form of a plan" in refused(tmp_path / "a", text)


def test_text_that_is_no_unicode_is_refused(tmp_path: Path) -> None:
    text = json.dumps(small_plan().to_json()).replace("production", "\\ud800")
    assert "doesn't have the form of a plan" in refused(tmp_path / "a", text)


def test_the_keys_of_a_plan_are_those_of_the_documented_format() -> None:
    document = small_plan().to_json()
    assert list(document) == [
        "format",
        "version",
        "deployment",
        "stack",
        "mode",
        "lineage",
        "serial",
        "partial",
        "unchanged",
        "changes",
        "outputs",
        "findings",
        "digest",
    ]
    assert set(document["changes"][0]) == {field.name for field in Change.__attrs_attrs__}
    assert document["changes"][0]["properties"] == [
        {
            "path": ["subnet"],
            "secret": False,
            "known": False,
            "forces_replacement": True,
            "before": "s-1",
            "after": {"$orchestra": "unknown"},
        },
        {
            "path": ["rules", 0, "cidr"],
            "secret": False,
            "known": True,
            "forces_replacement": False,
            "after": "10.0.0.0/8",
        },
        {
            "path": ["password"],
            "secret": True,
            "known": True,
            "forces_replacement": False,
            "before": {"$orchestra": "sealed", "digest": "d1"},
            "after": {"$orchestra": "sealed", "digest": "d2"},
        },
    ]
