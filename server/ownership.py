"""Whose a file is that a command writes: the service's, also where the command runs as root."""

import os
from pathlib import Path


def give_to_owner(new: Path, like: Path) -> None:
    """As root, give ``new`` to the owner of ``like``, else of its folder: a service that is another user could not read
    it. Anybody else owns what they write. Raises OSError."""
    if os.geteuid() != 0:
        return
    owner = (like if like.exists() else like.parent).stat()
    # A link that the service's user has put there must give away nothing else.
    os.chown(new, owner.st_uid, owner.st_gid, follow_symlinks=False)
