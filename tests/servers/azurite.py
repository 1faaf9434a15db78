"""Azurite: Microsoft's own server that speaks Azure Blob Storage's API."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hmac
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import attrs

from tests.servers.npm import installed
from tests.servers.running import free_port, running

VERSION = "3.37.0"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every Azurite has; its key is in Microsoft's documentation."""


@attrs.frozen
class Azurite:
    """A server that runs."""

    endpoint: str
    account: str = ACCOUNT
    key: str = KEY

    def blobs(self) -> dict[str, list[str]]:
        """The containers that it has, each with the blobs in it, by its own API."""
        names = self._names("", "Container", comp="list")
        return {one: self._names(one, "Blob", comp="list", restype="container") for one in names}

    def _names(self, path: str, kind: str, **query: str) -> list[str]:
        """What one list names. Signed as Azure's reference says: nothing of orchestra's or Libcloud's has a hand in it.

        https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
        """
        date = email.utils.formatdate(usegmt=True)
        headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
        resource = f"/{self.account}/{self.account}/{path}" + "".join(f"\n{key}:{query[key]}" for key in sorted(query))
        signed = ["GET", *[""] * 11, *(f"{key}:{headers[key]}" for key in sorted(headers)), resource]
        digest = hmac.digest(base64.b64decode(self.key), "\n".join(signed).encode(), "sha256")
        headers["Authorization"] = f"SharedKey {self.account}:{base64.b64encode(digest).decode()}"
        url = f"{self.endpoint}/{self.account}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            listed = ElementTree.fromstring(answer.read())
        assert not listed.findtext("NextMarker"), "more than a page"
        return [str(one.findtext("Name")) for one in listed.iter(kind)]


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """An empty server, with all that it keeps in ``folder``; skips the test where node is absent."""
    port = free_port()
    command = [
        *installed("azurite", VERSION, "dist/src/blob/main.js"),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)),
        *("--skipApiVersionCheck", "--disableTelemetry"),
    ]
    with running(command, folder, ready="successfully listens"):
        yield Azurite(f"http://127.0.0.1:{port}")
