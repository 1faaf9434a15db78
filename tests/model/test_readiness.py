"""What a resource must answer to, as it is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import orchestra as oc


def test_ports_that_are_not_given() -> None:
    assert (oc.HttpOk().port, oc.HttpOk(secure=True).port, oc.HttpOk("/well", port=8080).port) == (80, 443, 8080)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: oc.TcpOpen(0), "port=0: 1 to 65535 is needed"),
        (lambda: oc.HttpOk(port=65536), "port=65536: 1 to 65535 is needed"),
        (lambda: oc.TcpOpen(22, timeout=0.0), "timeout=0.0: more than 0 and at most 60 seconds are needed"),
        (lambda: oc.HttpOk(timeout=61.0), "timeout=61.0: more than 0 and at most 60 seconds are needed"),
        (lambda: oc.HttpOk("health"), "path='health': a path that starts with /, without blanks, is needed"),
        (lambda: oc.HttpOk("/a b"), "path='/a b': a path that starts with /, without blanks, is needed"),
        (lambda: oc.HttpOk("/a\nb"), r"path='/a\nb': a path that starts with /, without blanks, is needed"),
    ],
)
def test_checks_that_make_no_sense(make: Callable[[], object], fault: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        make()
    assert str(caught.value) == fault


def test_what_has_no_address_needs_a_host() -> None:
    with pytest.raises(oc.DefinitionError, match="a Bucket has no address of its own; say which is meant with host="):
        oc.Bucket(ready=[oc.TcpOpen(80)])
    assert oc.Bucket(ready=[oc.TcpOpen(80, host="files.example"), lambda outputs: None])


@pytest.mark.parametrize("wrong", ["/health", [80], oc.TcpOpen(80), ["/health"]])
def test_other_things_are_no_checks(wrong: Any) -> None:
    with pytest.raises(oc.DefinitionError, match="ready="):
        oc.Server(image="i", size="s", ready=wrong)
