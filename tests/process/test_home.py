"""`~` in paths.

A file of its own, as what it is about.
"""

import pytest

from voice_grpc.process.home import expanded


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("~/a.db", "/home/ann/a.db"),
        ("~", "/home/ann"),
        ("/a/~/b", "/a/~/b"),
        ("a~b", "a~b"),
        ("memory", "memory"),
        ("", ""),
    ],
)
def test_a_tilde_at_the_beginning_is_the_home_directory(
    path: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert expanded(path) == found


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="a path without ~"):
        expanded("~no-such-user-here/a.db")
