"""The store of this process: bounded, and no longer full of what nobody went on with."""

from voice_grpc.store import MemoryStore, Retention

from .conversations import put, session

DAY = 86_400.0


async def test_memory_is_bounded() -> None:
    store = MemoryStore(capacity=2)
    for name in "aba":
        await put(store, session(1, name))
    await put(store, session(1, "c"))
    assert [await store.load(name) is not None for name in "abc"] == [True, False, True]


async def test_what_nobody_went_on_with_is_gone_after_so_many_days() -> None:
    now = 10 * DAY
    store = MemoryStore(retention=Retention(2, lambda: now))
    for day, name in enumerate("abc"):
        await put(store, session(1, name, updated_at=(7.5 + day) * DAY))
    assert await store.load("a") is None
    assert [saved.id for saved in await store.sessions("", 10, None)] == ["c", "b"]
    now = 11 * DAY
    assert [saved.id for saved in await store.sessions("", 10, None)] == ["c"]
    assert await store.epoch("b") == 0
