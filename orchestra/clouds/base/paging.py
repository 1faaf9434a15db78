"""Lists that come in pages: read to their end, and never taken for whole when they were cut short."""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import attrs

from orchestra.errors import TransientError


@attrs.frozen
class Page:
    """One page of a list.

    ``after`` is what the next page is asked for with, None if there is none; ``total`` how many rows the whole list
    has, None where the cloud doesn't tell. With all of them told no further page is asked for.
    """

    rows: Collection[Any]
    after: Any = None
    total: int | None = None


def rows_of(ask: Callable[[Any], Page], what: str) -> Iterator[Any]:
    """The rows of all pages; ``ask`` gets what the page before said of the next one, None for the first.

    Raises `TransientError` after the last page if that were fewer rows than the cloud says that there are, and for a
    page that was told before: what such a list leaves out isn't gone.
    """
    after: Any = None
    asked: set[Any] = set()
    count = 0
    while True:
        page = ask(after)
        yield from page.rows
        count += len(page.rows)
        after = page.after
        if after is None or (page.total is not None and count >= page.total):
            break
        if after in asked:
            raise TransientError(f"{what}: the same page was told twice, so the list can't be trusted")
        asked.add(after)
    if page.total is not None and count < page.total:
        raise TransientError(f"{what}: the list was cut short, {count} of {page.total} were told")


def rows_in(answer: Any, name: str) -> Collection[Any]:
    """The rows that stand under ``name`` in an answer, of those that are told by name the pairs.

    An answer without them isn't taken for an empty list: `TransientError`.
    """
    rows = answer.get(name) if isinstance(answer, Mapping) else None
    if isinstance(rows, dict):
        return rows.items()
    if not isinstance(rows, list):
        raise TransientError(
            f"{name} is missing in the cloud's answer", remedy="check that the endpoint is that of the cloud's API"
        )
    return rows


class Paging(abc.ABC):
    """A driver whose lists come in pages. Goes before Libcloud's class: its own paging drops what it doesn't expect."""

    @abc.abstractmethod
    def page(self, path: str, name: str, after: Any) -> Page:
        """A page of the list at ``path``, whose rows stand under ``name``; see `rows_of`."""

    def rows(self, path: str, name: str) -> Iterator[Any]:
        """The rows of all pages of a list."""
        return rows_of(lambda after: self.page(path, name, after), path)

    def _paginated_request(self, url: str, obj: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        """What Libcloud's own methods list with."""
        del params
        return list(self.rows(url, obj))


def numbered(answer: Any, name: str, number: int, *, more: bool, total: Any) -> Page:
    """A page of a list whose pages have numbers: ``number`` is its own, ``more`` whether another one follows."""
    return Page(rows_in(answer, name), number + 1 if more else None, int(total) if total is not None else None)
