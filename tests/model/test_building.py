"""What is noted while a build() runs: what was made, and which tokens were given out."""

from __future__ import annotations

import threading

import orchestra as oc
from orchestra.model.building import DAMAGED, TOKEN, Building, Token, building, current, readable
from tests.model.kinds import Thing


def test_nothing_is_being_built_outside_of_build() -> None:
    assert current() is None


def test_buildings_nest_and_end_also_after_an_error() -> None:
    with building() as outer:
        assert current() is outer
        try:
            with building() as inner:
                assert current() is inner
                raise ValueError
        except ValueError:
            pass
        assert current() is outer
    assert current() is None


def test_another_thread_is_not_building() -> None:
    seen: list[Building | None] = []
    with building():
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_what_is_made_is_noted_in_the_innermost_build() -> None:
    class Inner(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()

    class Outer(oc.Stack):
        def build(self) -> None:
            self.inner = Inner()
            self.things = [Thing(), Thing()]

    stack = Outer()
    assert stack._building.resources == stack.things
    assert stack._building.stacks == [stack.inner]
    assert stack.inner._building.resources == [stack.inner.thing]
    assert stack.inner._building.stacks == []


def test_every_token_is_another() -> None:
    ref = Thing().name
    with building() as now:
        tokens = {f"{ref}" for _ in range(20)}
    assert len(tokens) == 20
    assert {placeholder.token for placeholder in now.placeholders.values()} == tokens


def test_a_token_says_whose_value_stands_there_in_plain_ascii() -> None:
    class Named(oc.Stack):
        def build(self) -> None:
            self.things = {'é"\\<>': Thing()}
            self.text = f"{next(iter(self.things.values())).name}"

    found = TOKEN.fullmatch(Named().text)
    assert found is not None
    assert found.group().isascii()
    assert not set('"\\\n\r\t') & set(found.group())
    assert "things" in found.group()


def test_any_cut_through_a_token_is_seen() -> None:
    ref = Thing().name
    with building():
        token = f"{ref}"
    for end in range(len("<<orchestra:"), len(token)):
        assert DAMAGED.search(token[:end]), token[:end]
    for start in range(1, len(token) - len("_Orchestra>")):
        assert DAMAGED.search(token[start:]), token[start:]


def test_a_format_after_a_conversion_is_noted_for_the_value() -> None:
    ref = Thing().port
    with building() as now:
        texts = [f"{ref!s:>8}", f"{ref!r:>9}", f"{ref:>7}", f"{ref!r}", f"{ref}"]
    found = {placeholder.token: (placeholder.conversion, placeholder.spec) for placeholder in now.placeholders.values()}
    assert [found[text] for text in texts] == [("s", ">8"), ("r", ">9"), ("", ">7"), ("r", ""), ("", "")]


def test_what_an_f_string_gives_is_plain_text() -> None:
    ref, secret = Thing().port, oc.Secret.env("A")
    with building():
        texts = [
            f"{ref}",
            f"{ref!s}",
            f"{ref!r}",
            f"{ref:>9}",
            f"{ref!s:>9}",
            f"{secret}",
            f"{secret!s}",
            f"{secret:>9}",
        ]
        assert {type(text) for text in texts} == {str}
        assert {type(str(ref)), type(repr(ref)), type(str(secret))} == {Token}


def test_messages_show_labels_in_place_of_tokens() -> None:
    class Named(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            self.text = f"http://{self.thing.name}/"

    stack = Named()
    assert readable(stack.text) == "http://{thing.name}/"
    assert readable(f"{stack.thing.name}") == "{thing.name}"
    assert readable("plain <<text>>") == "plain <<text>>"
