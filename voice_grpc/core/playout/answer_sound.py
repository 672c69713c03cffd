"""The sound of an answer, made and not heard to its end: what is to leave, and the last of what left, for it
may have to leave again.

In pieces, each of one clause; positions are samples at the output rate. What may leave when is for `pacer.py`
to say.
"""

from collections import deque

from ..audio import Samples


class AnswerSound:
    def __init__(self) -> None:
        self._ready: deque[tuple[Samples, int]] = deque()
        """Each with the index of its clause."""
        self._left: deque[tuple[Samples, int]] = deque()
        self._start = 0
        """Of the first sample in `_left`."""
        self.position = 0
        """Of the first sample that has not left."""
        self._furthest = 0
        """The same, before anything was taken back."""

    @property
    def is_empty(self) -> bool:
        """Nothing waits to leave."""
        return not self._ready

    @property
    def next_length(self) -> int:
        """Samples of the piece that leaves next."""
        return len(self._ready[0][0])

    @property
    def kept(self) -> int:
        """Samples that are held, left or not."""
        return self.position - self._start + sum(len(samples) for samples, _ in self._ready)

    def add(self, samples: Samples, segment: int) -> None:
        self._ready.append((samples, segment))

    def leave(self) -> tuple[Samples, int]:
        """The next piece does."""
        samples, segment = self._ready.popleft()
        self._left.append((samples, segment))
        self.position += len(samples)
        self._furthest = max(self._furthest, self.position)
        return samples, segment

    def seek(self, sample: int) -> None:
        """That is what leaves next; the nearest to it that is kept, and not beyond what ever left."""
        sample = max(self._start, min(sample, self._furthest))
        while self.position < sample:
            self._cut_next(sample - self.position)
            self.leave()
        while self.position > sample:
            piece = self._left.pop()
            self._ready.appendleft(piece)
            self.position -= len(piece[0])
        if self.position < sample:
            self._cut_next(sample - self.position)
            self.leave()

    def forget(self, oldest: int | None = None) -> None:
        """What left before the sample `oldest`, in whole pieces; None: everything."""
        if oldest is None:
            self._ready.clear()
            self._left.clear()
            self._start = self._furthest = self.position
            return
        while self._left and self._start + len(self._left[0][0]) <= oldest:
            self._start += len(self._left.popleft()[0])

    def _cut_next(self, length: int) -> None:
        samples, segment = self._ready[0]
        if length < len(samples):
            self._ready[0] = (samples[length:], segment)
            self._ready.appendleft((samples[:length], segment))
