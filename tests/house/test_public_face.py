"""The public face: every name documented, defined in one place, and there without the optional extras."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestra
from tests.house.probe import trace

EXTRAS = ("IPython", "cryptography", "distributed", "paramiko", "prometheus_client", "psycopg", "rich", "typer")
NAMES = tuple(orchestra.__all__)
PACKAGE = Path(orchestra.__file__).parent


def definitions(source: str) -> Iterator[tuple[str, str | None]]:
    """Names that a module itself defines at its top, each with its docstring."""
    body = ast.parse(source).body
    for position, statement in enumerate(body):
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement.name, ast.get_docstring(statement)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            after = body[position + 1] if position + 1 < len(body) else None
            text = after.value if isinstance(after, ast.Expr) else None
            docstring = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else None
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from ((target.id, docstring) for target in targets if isinstance(target, ast.Name))


def places(name: str) -> dict[str, str | None]:
    """The modules in which the very object that the face calls ``name`` is defined, with its docstring there."""
    wanted = getattr(orchestra, name)
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        if getattr(wanted, "__module__", module) != module:
            continue
        for defined, docstring in definitions(path.read_text(encoding="utf-8")):
            if defined == name:
                found[module] = docstring
    return found


def test_face_has_names_each_once() -> None:
    assert NAMES
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_name_resolves_to_one_documented_definition(name: str) -> None:
    found = getattr(orchestra, name)
    if isinstance(found, types.ModuleType):
        assert inspect.getdoc(found)
        assert found.__name__ == f"orchestra.{name}"
        return
    where = places(name)
    assert len(where) == 1, f"{name} is defined in {sorted(where) or 'no module of the package'}"
    assert None not in where.values(), f"{name} has no docstring in {sorted(where)}"


@pytest.mark.parametrize("name", NAMES)
def test_public_members_are_documented(name: str) -> None:
    found = getattr(orchestra, name)
    if not inspect.isclass(found):
        return
    silent = [
        member
        for member, value in vars(found).items()
        if not member.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod)))
        and not inspect.getdoc(getattr(found, member) if isinstance(value, classmethod) else value)
    ]
    assert silent == []


def test_dir_tells_every_name() -> None:
    assert set(NAMES) <= set(dir(orchestra))


def test_unknown_name_is_an_attribute_error() -> None:
    name = "Netwrok"
    with pytest.raises(AttributeError, match=name):
        getattr(orchestra, name)


def test_star_import_works_without_the_extras() -> None:
    found = trace("from orchestra import *", blocked=EXTRAS)
    assert set(NAMES) <= found.names


def test_definitions_are_found_with_their_docstrings() -> None:
    source = 'A = 1\n"""About A."""\nB: int = 2\ndef f():\n    """About f."""\nclass C: ...\nfrom os import path'
    assert dict(definitions(source)) == {"A": "About A.", "B": None, "f": "About f.", "C": None}


def test_names_stay_what_they_are_whatever_was_imported_first() -> None:
    source = (
        "import importlib, pkgutil, types, orchestra\n"
        "for found in pkgutil.walk_packages(orchestra.__path__, 'orchestra.'):\n"
        "    importlib.import_module(found.name)\n"
        "for face in (orchestra, orchestra.clouds):\n"
        "    for name in face.__all__:\n"
        "        value = getattr(face, name)\n"
        "        if isinstance(value, types.ModuleType) and value.__name__ != f'orchestra.{name}':\n"
        "            raise SystemExit(f'{face.__name__}.{name} is hidden by the module {value.__name__}')\n"
    )
    assert "orchestra.model.stack" in trace(source).modules
