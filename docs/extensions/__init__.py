"""What the documentation's build needs beside Sphinx."""

from __future__ import annotations
