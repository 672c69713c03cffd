"""Conversations to be kept, and how a test has a store keep one."""

from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.ports import SavedSession, Store


def talk(turns: int) -> tuple[Message, ...]:
    """`turns` questions and answers, the last answer interrupted; the next turn knows better."""
    messages = []
    for turn in range(1, turns + 1):
        heard = Heard.ESTIMATED if turn == turns else Heard.REPORTED
        messages.append(Message(Role.USER, f"question {turn}", turn))
        messages.append(Message(Role.ASSISTANT, f"answer {turn} {heard.value}", turn, heard))
    return tuple(messages)


def session(turns: int, session_id: str = "s", owner: str = "", updated_at: float = 2.0) -> SavedSession:
    return SavedSession(session_id, owner, 1.0, updated_at, turns, "default", "en-GB", talk(turns))


async def taken(store: Store, session_id: str = "s", owner: str = "") -> int:
    """The epoch."""
    lease = await store.take(session_id, owner)
    assert lease is not None
    return lease.epoch


async def put(store: Store, saved: SavedSession) -> None:
    """As whoever opens it does."""
    await store.save(saved, await taken(store, saved.id, saved.owner))
