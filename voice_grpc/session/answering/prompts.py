"""What the model is given: the instructions in force, the conversation, and its language.

A file of its own: an answer is made from it, and so is the question whether the words are finished.
"""

from ...core.commands import PrepareReply, ReplyKind
from ...core.conversation import Message
from ...core.languages import primary
from ...ports import Prompt
from ..context import SessionContext
from ..hearing.transcriber import Transcriber
from ..memory import Memory


class Prompts:
    def __init__(self, context: SessionContext, transcriber: Transcriber, memory: Memory) -> None:
        self._context, self._transcriber, self._memory = context, transcriber, memory

    def make(self, turn: int, text: str, continues: int) -> Prompt:
        """What the model is given once the user has said `text`."""
        return self._of(self._memory.conversation.asked(turn, text, continues))

    def of_reply(self, command: PrepareReply) -> Prompt:
        if command.kind is ReplyKind.CONTINUATION:
            return self._of(self._memory.conversation.going_on(command.lost, command.said))
        return self.make(command.turn, command.text, command.continues)

    def _of(self, messages: tuple[Message, ...]) -> Prompt:
        config = self._context.config.current
        return Prompt(
            config.instructions,
            messages,
            self.language,
            config.max_tokens,
            config.temperature,
            config.tools if self._context.engines.llm.calls_tools else (),
        )

    @property
    def language(self) -> str:
        """Language of the conversation: the one that is configured, else the one that was heard, with its
        region."""
        languages = self._context.config.current.languages
        spoken = self._transcriber.language or self._memory.language
        if len(languages) == 1 or not spoken:
            return languages[0] if languages else spoken
        return next((tag for tag in languages if primary(tag) == spoken), spoken)
