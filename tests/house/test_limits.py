"""The size and shape of every module of the package, and the checker itself.

The rules, and how each is counted, are at the top of ``limits.py``. A function has at most six parameters:
``self`` and ``cls`` aside, and keyword-only ones aside where they have a default, since nobody has to know those
in order to call it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import limits

ROOT = Path(__file__).parents[2]
MODULES = dict(limits.modules(ROOT))


@pytest.mark.parametrize("path", MODULES)
def test_module_keeps_the_limits(path: str) -> None:
    found = limits.faults(path, MODULES[path])
    assert not found, "\n".join(map(str, found))


def test_modules_are_found() -> None:
    assert "orchestra/model/resource.py" in MODULES


def test_there_is_no_exception() -> None:
    assert limits.EXCEPTIONS == ()


def rules(source: str, path: str = "orchestra/sample.py") -> list[str]:
    return [fault.rule for fault in limits.faults(path, source)]


def function(lines: int, docstring: str = "") -> str:
    """A function whose lines without the docstring are ``lines``."""
    return "\n".join(["def f():", *([f"    {docstring}"] if docstring else []), *["    x = 1"] * (lines - 1)])


def test_module_of_500_lines_is_the_longest() -> None:
    assert rules("x = 1\n" * 500) == []
    assert rules("x = 1\n" * 501) == ["module-lines"]


def test_function_of_80_lines_is_the_longest() -> None:
    assert rules(function(80)) == []
    assert rules(function(81)) == ["function-lines"]


def test_docstring_does_not_count() -> None:
    docstring = '"""One.\n\n    Two.\n    """'
    assert rules(function(80, docstring)) == []
    assert rules(function(81, docstring)) == ["function-lines"]


def test_methods_and_coroutines_are_measured_too() -> None:
    body = "\n".join(["        x = 1"] * 80)
    assert rules(f"class A:\n    async def f(self):\n{body}") == ["function-lines"]


def test_what_is_longer_than_wanted_is_told_and_not_refused() -> None:
    source = function(41) + "\n" + "x = 1\n" * 300
    assert [fault.rule for fault in limits.above_wanted("orchestra/sample.py", source)] == [
        "function-lines",
        "module-lines",
    ]
    assert rules(source) == []
    assert limits.above_wanted("orchestra/sample.py", function(40)) == []


@pytest.mark.parametrize(
    "signature",
    [
        "def f(a, b, c, d, e, f): ...",
        "def f(a, /, b, c, d, e, f, *rest, **named): ...",
        "def f(a, b, c, *, d, e, f, g=1, h=2, i=3): ...",
        "class A:\n    def f(self, a, b, c, d, e, f): ...",
        "class A:\n    @classmethod\n    def f(cls, a, b, c, d, e, f): ...",
        "class A:\n    @staticmethod\n    def f(a, b, c, d, e, f): ...",
    ],
)
def test_six_parameters_are_allowed(signature: str) -> None:
    assert rules(signature) == []


@pytest.mark.parametrize(
    "signature",
    [
        "def f(a, b, c, d, e, f, g): ...",
        "def f(a, b, c, d, e, f, g=1): ...",
        "def f(a, /, b, c, d, e, f, g): ...",
        "def f(a, b, c, *, d, e, f, g): ...",
        "async def f(a, b, c, d, e, f, g): ...",
        "class A:\n    def f(self, a, b, c, d, e, f, g): ...",
        "class A:\n    @staticmethod\n    def f(a, b, c, d, e, f, g): ...",
        "class A:\n    if True:\n        def f(self, a, b, c, d, e, f, g): ...",
        "def f():\n    def g(a, b, c, d, e, f, g): ...",
    ],
)
def test_seven_parameters_are_refused(signature: str) -> None:
    assert rules(signature) == ["parameters"]


@pytest.mark.parametrize(
    "source",
    [
        "import json\nfrom typing import Any",
        "try:\n    import rich\nexcept ImportError:\n    rich = None",
        "def f():\n    try:\n        import rich\n    except ImportError:\n        return None",
        "def f():\n    try:\n        import rich\n    except (ModuleNotFoundError, KeyError):\n        pass",
        "def f():\n    try:\n        rich = importlib.import_module('rich')\n    except ImportError:\n        pass",
    ],
)
def test_imports_at_the_top_and_of_optional_extras_are_allowed(source: str) -> None:
    assert rules(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import json",
        "def f():\n    if True:\n        from json import loads",
        "class A:\n    def f(self):\n        import json",
        "async def f():\n    import json",
        "def f():\n    importlib.import_module('json')",
        "def f():\n    __import__('json')",
        "def f():\n    try:\n        import json\n    except ValueError:\n        pass",
        "def f():\n    try:\n        pass\n    except ImportError:\n        import json",
    ],
)
def test_import_in_a_function_is_refused(source: str) -> None:
    assert rules(source) == ["import"]


def test_one_function_imports_what_is_named_lazily() -> None:
    source = "def _load(name):\n    return importlib.import_module(name)"
    assert rules(source, "orchestra/lazily.py") == []
    assert rules("def f():\n    import json", "orchestra/lazily.py") == ["import"]
    assert rules(source, "orchestra/__init__.py") == ["import"]


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT = 3",
        "KINDS: Final = ('a', 'b')",
        "KINDS = frozenset({'a'})",
        "NAMES = MappingProxyType({'a': 1})",
        "__all__ = ['a']",
        "Names = dict[str, int]",
        "PATTERN = re.compile('a')",
        "def f():\n    found = {}",
        "class A:\n    found = []",
        "def f():\n    count = 0\n    def g():\n        nonlocal count",
    ],
)
def test_what_cannot_change_is_allowed(source: str) -> None:
    assert rules(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "KINDS = {}",
        "KINDS: Final[dict[str, int]] = {'a': 1}",
        "KINDS = ['a']",
        "KINDS = {'a'}",
        "KINDS = {name: 1 for name in 'ab'}",
        "KINDS = [name for name in 'ab']",
        "KINDS = {name for name in 'ab'}",
        "KINDS = (name for name in 'ab')",
        "KINDS = dict(a=1)",
        "KINDS = dict[str, int]()",
        "KINDS = collections.defaultdict(list)",
        "KINDS = weakref.WeakValueDictionary()",
        "KINDS = 'a', []",
        "KINDS = [1] * 3",
        "KINDS = [] if True else None",
        "LOCK = threading.Lock()",
        "if True:\n    KINDS = {}",
        "try:\n    pass\nexcept ValueError:\n    KINDS = {}",
        "def f():\n    global kinds",
    ],
)
def test_mutable_module_state_is_refused(source: str) -> None:
    assert rules(source) == ["module-state"]
