"""`~` in a path, read in one way: in every setting and every option.

A file of its own: settings read it, and so do clients that have none.
"""

import os


def expanded(path: str) -> str:
    """`path`, with the home directory in the place of `~` or `~NAME` at its beginning.

    Raises `ValueError` that says what is accepted where no such home is known: a user may have none (a
    container's often has not), and then a folder called `~` is not what was meant.
    """
    if not path.startswith("~"):
        return path
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise ValueError("a path without ~, since no home directory is known for it here (or set HOME)")
    return found
