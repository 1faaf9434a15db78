"""Names as users know them: docstrings and annotations say ``Plan`` for what is documented as ``orchestra.Plan``."""

from __future__ import annotations

import ast
import builtins
import enum
import importlib
import inspect
import pkgutil
import types
import typing
from typing import Any, Final

import attrs
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import orchestra
from orchestra.model import values
from orchestra.model.resource import Resource

WITHOUT_ENTRY: Final = frozenset(
    {
        "Account",
        "Check",
        "NamedCloud",
        "OutputField",
        "Parameter",
        "Path",
        "Replaces",
        "SecretSource",
        "Session",
        "SimulatedBalancerDriver",
        "SimulatedContainerDriver",
        "SimulatedDNSDriver",
        "SimulatedNodeDriver",
        "SimulatedStorageDriver",
        "Values",
        "_Declared",
        "orchestra.testing",
    }
)
"""Names of the library that appear in signatures and docstrings and have no entry in the reference."""


ALIASES: Final = ("Plain", "Value", "Values")
"""Names of `orchestra.model.values` for long unions of types: signatures tell the name."""


def complete_annotations() -> None:
    """Import what the modules import for type checkers only, so that annotations tell the names in full."""
    short = {name: typing.NewType(name, object) for name in ALIASES}
    for alias in short.values():
        alias.__module__ = values.__name__
    for found in pkgutil.walk_packages(orchestra.__path__, "orchestra."):
        module = importlib.import_module(found.name)
        if module is not values:
            vars(module).update({name: alias for name, alias in short.items() if name in vars(module)})
        for statement in ast.parse(inspect.getsource(module)).body:
            if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
                imports = ast.Module([one for one in statement.body if isinstance(one, ast.ImportFrom)], [])
                exec(compile(imports, found.name, "exec"), vars(module))
        for value in list(vars(module).values()):
            if inspect.isclass(value) and value.__module__ == found.name and attrs.has(value):
                complete_constructor(value)


def complete_constructor(cls: type[Any]) -> None:
    """Give the constructor that attrs has made the annotations of the class."""
    constructor = vars(cls).get("__init__")
    if not isinstance(constructor, types.FunctionType):
        return
    try:
        hints = typing.get_type_hints(cls)
    except (NameError, TypeError):  # an alias of types that is text itself can only be read where it stands
        return
    constructor.__annotations__ = {key: hints.get(key, value) for key, value in constructor.__annotations__.items()}


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> nodes.Node | None:
    """The entry that ends in the name asked for, the one nearest to the top; plain text for what has none."""
    if node.get("refdomain") != "py":
        return None
    wanted = str(node["reftarget"]).split("[", 1)[0]
    if hasattr(builtins, wanted):
        return None
    if wanted in WITHOUT_ENTRY or wanted.rpartition(".")[2] in WITHOUT_ENTRY:
        return content
    objects = env.domains.python_domain.objects
    parts = wanted.split(".")
    for start in range(len(parts)):
        tail = "." + ".".join(parts[start:])
        found = sorted((name.count("."), name) for name in objects if name.endswith(tail))
        if found:
            entry = objects[found[0][1]]
            return link(app, node, content, entry.docname, entry.node_id)
    return None


def link(app: Sphinx, node: pending_xref, content: nodes.TextElement, page: str, anchor: str) -> nodes.reference:
    """A reference to an entry."""
    address = app.builder.get_relative_uri(node["refdoc"], page)
    return nodes.reference("", "", content, internal=True, refuri=f"{address}#{anchor}")


def shorten(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """A kind's inputs have a page of their own; enums and protocols aren't made by calling them."""
    if inspect.isclass(obj) and issubclass(obj, Resource):
        return "(**inputs)", returns
    if inspect.isclass(obj) and (issubclass(obj, enum.Enum) or getattr(obj, "_is_protocol", False)):
        return "", returns
    return signature and signature.replace("NOTHING", "..."), returns  # attrs' word for a default that is made


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    complete_annotations()
    app.connect("missing-reference", resolve)
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
