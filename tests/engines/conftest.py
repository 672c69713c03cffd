"""Embedded engines that the tests of one file share are closed behind its last one.

A file of its own: pytest finds fixtures of a folder here.
"""

from collections.abc import Iterator

import pytest

from tests.engines import subject_llm_local, subject_tts_local


@pytest.fixture(scope="module", autouse=True)
def _shared_engines_are_closed() -> Iterator[None]:
    yield
    subject_llm_local.close_shared()
    subject_tts_local.close_shared()
