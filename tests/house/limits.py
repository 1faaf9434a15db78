"""The limits on size and shape that every module of the package keeps.

=====================  ======================================================  =========  ========
what                   how it is counted                                       wanted     refused
=====================  ======================================================  =========  ========
lines of a module      as in the file                                          300        over 500
lines of a function    from ``def`` to its last line, without the docstring    40         over 80
parameters             all but ``self`` and ``cls``, and but keyword-only ones            over 6
                       with a default: those that a caller has to know
imports in functions   but in a lazy face, and of optional extras                         any
mutable module state   a dict, list, set or the like at the top of a module,              any
                       ``global``
=====================  ======================================================  =========  ========

Run it to see what is over the sizes that are wanted: ``python -m tests.house.limits``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias, TypeGuard

import attrs

EXCEPTIONS: Final[tuple[tuple[str, str], ...]] = ()
"""What may break a limit, as (path, rule). Empty, and meant to stay so."""

MODULE_WANTED: Final = 300
MODULE_REFUSED: Final = 500
FUNCTION_WANTED: Final = 40
FUNCTION_REFUSED: Final = 80
PARAMETERS_REFUSED: Final = 6

LAZY: Final = ("orchestra/lazily.py", "_load")
"""What loads the names of the public face, and of others like it, at their first use."""

MUTABLE: Final = frozenset(
    {
        "BytesIO",
        "Counter",
        "Lock",
        "OrderedDict",
        "Queue",
        "RLock",
        "SimpleQueue",
        "StringIO",
        "ThreadPoolExecutor",
        "WeakKeyDictionary",
        "WeakSet",
        "WeakValueDictionary",
        "bytearray",
        "count",
        "cycle",
        "defaultdict",
        "deque",
        "dict",
        "list",
        "local",
        "set",
    }
)
"""Calls whose result can change, or that guard something which can."""

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"


@attrs.frozen(order=True)
class Fault:
    """One place that is over a limit."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def faults(path: str, source: str) -> list[Fault]:
    """What is refused in the module at ``path``, in the order of its lines."""
    tree = ast.parse(source)
    found = [
        *_size_faults(path, source, tree, MODULE_REFUSED, FUNCTION_REFUSED),
        *_parameter_faults(path, tree),
        *_import_faults(path, tree),
        *_state_faults(path, tree),
    ]
    return sorted(fault for fault in found if (path, fault.rule) not in EXCEPTIONS)


def above_wanted(path: str, source: str) -> list[Fault]:
    """What is longer than wanted, refused or not."""
    return sorted(_size_faults(path, source, ast.parse(source), MODULE_WANTED, FUNCTION_WANTED))


def _size_faults(path: str, source: str, tree: ast.Module, module: int, function: int) -> Iterator[Fault]:
    length = len(source.splitlines())
    if length > module:
        yield Fault(path, 1, "module-lines", f"{length} lines, {module} at most: split the module")
    for node in _functions(tree):
        lines = function_lines(node)
        if lines > function:
            message = f"{node.name}() has {lines} lines without its docstring, {function} at most: take it apart"
            yield Fault(path, node.lineno, "function-lines", message)


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def function_lines(node: Function) -> int:
    """The lines of a function, decorators and docstring aside."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def parameters(node: Function, *, is_method: bool) -> list[str]:
    """The parameters that count: not ``self`` or ``cls``, and no keyword-only one with a default."""
    positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if is_method and "staticmethod" not in decorators:
        positional = positional[1:]
    required = [
        argument.arg
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is None
    ]
    return [*positional, *required]


def _parameter_faults(path: str, tree: ast.Module) -> Iterator[Fault]:
    methods = {
        id(member) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for member in _top_level(node.body)
    }
    for node in _functions(tree):
        names = parameters(node, is_method=id(node) in methods)
        if len(names) > PARAMETERS_REFUSED:
            message = f"{node.name}() has {len(names)} parameters, {PARAMETERS_REFUSED} at most: group them in a value"
            yield Fault(path, node.lineno, "parameters", message)


def _import_faults(path: str, tree: ast.Module) -> Iterator[Fault]:
    optional = set(_optional_imports(tree))
    for function in _functions(tree):
        if (path, function.name) == LAZY:
            continue
        for node in ast.walk(function):
            if _is_import(node) and id(node) not in optional:
                message = f"{function.name}() imports: move it to the top of the module"
                yield Fault(path, node.lineno, "import", message)


def _is_import(node: ast.AST) -> TypeGuard[ast.stmt | ast.expr]:
    """Whether it is an import statement, or a call that imports."""
    if isinstance(node, ast.Call):
        return getattr(node.func, "attr", getattr(node.func, "id", "")) in ("import_module", "__import__")
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _optional_imports(tree: ast.Module) -> Iterator[int]:
    """The ids of the imports that are tried, with an except for ImportError."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_catches_import_error(handler) for handler in node.handlers):
            yield from (id(tried) for statement in node.body for tried in ast.walk(statement) if _is_import(tried))


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(one, ast.Name) and one.id in ("ImportError", "ModuleNotFoundError") for one in caught)


def _state_faults(path: str, tree: ast.Module) -> Iterator[Fault]:
    for statement in _top_level(tree.body):
        for name, value in _assigned(statement):
            if name != "__all__" and _is_mutable(value):
                message = f"{name} can be changed: make it a tuple, frozenset(…) or MappingProxyType(…)"
                yield Fault(path, statement.lineno, "module-state", message)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            message = f"global {', '.join(node.names)}: keep state in an object that is passed on"
            yield Fault(path, node.lineno, "module-state", message)


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, also those under if, try, with and loops."""
    for statement in body:
        yield statement
        for inner in ("body", "orelse", "finalbody"):
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from _top_level(getattr(statement, inner, ()))
        for handler in getattr(statement, "handlers", ()):
            yield from _top_level(handler.body)


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        yield from ((ast.unparse(target), statement.value) for target in statement.targets)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield ast.unparse(statement.target), statement.value


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp)):
        return True
    if isinstance(value, ast.Call):
        called = value.func.value if isinstance(value.func, ast.Subscript) else value.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name in MUTABLE
    if isinstance(value, ast.BinOp):
        return _is_mutable(value.left) or _is_mutable(value.right)
    if isinstance(value, ast.IfExp):
        return _is_mutable(value.body) or _is_mutable(value.orelse)
    return isinstance(value, ast.Tuple) and any(_is_mutable(item) for item in value.elts)


def modules(root: Path) -> Iterable[tuple[str, str]]:
    """Path (from ``root``, with slashes) and source of every module of the package."""
    for path in sorted((root / "orchestra").rglob("*.py")):
        yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def main() -> int:
    """Print what is refused and what is longer than wanted; 1 if anything is refused."""
    refused = []
    for path, source in modules(Path(__file__).parents[2]):
        refused += faults(path, source)
        for fault in above_wanted(path, source):
            print(f"wanted: {fault}")
    for fault in refused:
        print(f"refused: {fault}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
