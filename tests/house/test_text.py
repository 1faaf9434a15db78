"""What no text of the project may hold: paths of one machine, hosts of registries, unfinished work, vague names."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house import limits

ROOT: Final = Path(__file__).parents[2]

# a letter of each stands in brackets, so that this file keeps its own rules
FORBIDDEN: Final = (
    ("a path of one machine", re.compile(r"(?<![\w.>}])/([w]ork|[r]oot|[h]ome|[U]sers)/")),
    ("the host of a registry", re.compile(r"\b([p]ypi\.org|[p]ythonhosted\.org|[n]pmjs\.org|[g]hcr\.io)\b", re.I)),
    ("unfinished work", re.compile(r"\b([T]ODO|[F]IXME|[X]XX)\b")),
    ("how work is organised", re.compile(r"\b([i]ssue #?\d+|[l]ater issue|sub-?[a]gents?|[m]ilestone)\b", re.I)),
    ("how text was made", re.compile(r"\b([c]laude|[c]hatgpt|language [m]odel|as an [a]i)\b", re.I)),
    ("a private key", re.compile(r"BEGIN [A-Z ]*[P]RIVATE KEY")),
)

VAGUE_ENDINGS: Final = frozenset({"manager", "helper", "helpers", "util", "utils", "data", "info"})
"""Words that say nothing of what a module or class is for, whatever stands before them."""

VAGUE: Final = VAGUE_ENDINGS | {"process", "handle"}
"""Words that say nothing by themselves."""


def tracked() -> Iterator[str]:
    """The files of the project: what git tracks or would, or (in an unpacked archive) all there is."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        yield from filter(None, listed.stdout.split("\0"))
    else:
        kept = ("orchestra", "tests", "examples", "docs", "benchmarks")
        yield from (path.relative_to(ROOT).as_posix() for top in kept for path in (ROOT / top).rglob("*"))
        yield from (path.name for path in ROOT.iterdir())


def faults(text: str) -> list[str]:
    """What is forbidden in ``text``, each with its line."""
    return [
        f"line {number}: {what}: {found.group()!r}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN
        for found in pattern.finditer(line)
    ]


def read(path: str) -> str:
    """The text of a file; '' for what isn't text or has just gone."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return ""


def test_no_file_holds_what_is_forbidden() -> None:
    found = [f"{path}: {fault}" for path in tracked() for fault in faults(read(path))]
    assert not found, "\n".join(found)


def test_files_are_found() -> None:
    assert {"pyproject.toml", "orchestra/errors.py", "tests/house/test_text.py"} <= set(tracked())


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("open('/ro", "ot/x')"),
        ("# see /wo", "rk/x"),
        ("see https://pyp", "i.org/project/x"),
        ("# TO", "DO: x"),
        ("as iss", "ue 7 says"),
        ("as Iss", "ue #7 says"),
        ("-----BEGIN RSA PRIV", "ATE KEY-----"),
    ],
)
def test_forbidden_text_is_seen(start: str, end: str) -> None:
    assert len(faults(f"fine\n{start}{end}\n")) == 1


@pytest.mark.parametrize("line", ["orchestra/work/x", "an issue of orders", "https://shop.example/home/", "rework"])
def test_other_text_is_not(line: str) -> None:
    assert faults(line) == []


def vague_names(path: str, source: str) -> list[str]:
    """Modules and classes whose name has a word that says nothing."""
    names = [path.rpartition("/")[2].removesuffix(".py")]
    names += [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    words = {name: [word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)] for name in names}
    return [name for name in names if VAGUE_ENDINGS.intersection(words[name][-1:]) or VAGUE.issuperset(words[name])]


def test_names_say_what_things_are() -> None:
    found = [f"{path}: {name}" for path, source in limits.modules(ROOT) for name in vague_names(path, source)]
    assert not found, "\n".join(found)


def test_vague_names_are_seen() -> None:
    source = "".join(
        f"class {name}: ...\n" for name in ("StateManager", "Info", "Process", "Database", "InProcess", "_A")
    )
    assert vague_names("orchestra/state_utils.py", source) == ["state_utils", "StateManager", "Info", "Process"]
    assert vague_names("orchestra/__init__.py", "") == []
