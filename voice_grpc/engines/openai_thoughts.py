"""What a model thinks aloud in the text of its answer, taken out: it is not said to anybody.

Servers that know the model give thoughts apart (`reasoning`, `reasoning_content`). Others leave the tags
of the model's template in the text, and the stream cuts them anywhere.
"""

import re

_NAMES = ("think", "thinking", "thought")
_TAG = re.compile(rf"<(/?)(?:{'|'.join(_NAMES)})>", re.IGNORECASE)
_TAGS = tuple(f"<{slash}{name}>" for name in _NAMES for slash in ("", "/"))


class ThoughtFilter:
    def __init__(self, *, begins_inside: bool = False) -> None:
        """`begins_inside`: the template opened the thoughts, and the answer only closes them."""
        self.has_thought = begins_inside
        self.was_not_opened = False
        """Thoughts ended that had not begun: what came before them was taken for the answer."""
        self._is_inside = begins_inside
        self._held = ""

    def feed(self, text: str) -> str:
        """What of it is said; the beginning of something that may become a tag is held back."""
        text, said = self._held + text, ""
        while (tag := _TAG.search(text)) is not None:
            said += "" if self._is_inside else text[: tag.start()]
            self.was_not_opened |= bool(tag[1]) and not self._is_inside
            self._is_inside, self.has_thought = not tag[1], True
            text = text[tag.end() :]
        place = text.rfind("<")
        is_half = place >= 0 and any(tag.startswith(text[place:].lower()) for tag in _TAGS)
        self._held = text[place:] if is_half else ""
        return said if self._is_inside else said + text.removesuffix(self._held)

    def flush(self) -> str:
        """What was held back and became no tag."""
        held, self._held = self._held, ""
        return "" if self._is_inside else held
