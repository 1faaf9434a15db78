"""Servers, images, key pairs, volumes and snapshots over Libcloud's compute drivers, whichever cloud they are for.

What the drivers do alike is done here once. What differs (where ownership goes, how a size is changed, which words a
cloud has for its states) a family says in `Traits`.
"""

from __future__ import annotations
