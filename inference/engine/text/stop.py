"""Stop strings: where a completion ends although the model would go on."""

from collections import deque
from collections.abc import Iterable


class StopFilter:
    """Passes text through until a stop string appears; neither it nor a part of it is shown.

    The first stop string to be complete wins; of several that are complete at the same character,
    the longest. So the result is the same however the text is cut into pieces. Text is held back
    only while it may be the beginning of a stop string. Linear in the text (Aho and Corasick,
    "Efficient string matching", CACM 1975).
    """

    def __init__(self, stops: Iterable[str]) -> None:
        """Raise ValueError for an empty stop string: it would match everywhere."""
        self._automaton = _Automaton(list(stops))
        self._state = 0
        self._held = ""
        self._stopped = False

    def push(self, text: str) -> tuple[str, bool]:
        """Take new text. Return what is safe to show of it and whether a stop string was seen."""
        if self._stopped:
            return "", True
        held = self._held + text
        for end, character in enumerate(text, start=len(self._held) + 1):
            self._state = self._automaton.step(self._state, character)
            if matched := self._automaton.matched[self._state]:
                self._stopped, self._held = True, ""
                return held[: end - matched], True
        safe = len(held) - self._automaton.depth[self._state]
        self._held = held[safe:]
        return held[:safe], False

    def flush(self) -> str:
        """End of the text: return what was held back, which turned out to be no stop string."""
        held, self._held, self._state = self._held, "", 0
        return held


class _Automaton:
    """States are the prefixes of the stop strings; 0 is the empty one."""

    def __init__(self, stops: list[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._fallback = [0]  # the longest proper suffix that is a state too
        self.depth = [0]  # characters in the prefix
        self.matched = [0]  # length of the longest stop string that ends here; 0: none
        for stop in stops:
            self._add(stop)
        self._link()

    def step(self, state: int, character: str) -> int:
        """Return the state after `character`. Amortised constant time over a text."""
        while state and character not in self._next[state]:
            state = self._fallback[state]
        return self._next[state].get(character, 0)

    def _add(self, stop: str) -> None:
        if not stop:
            raise ValueError("a stop string must not be empty")
        state = 0
        for character in stop:
            if character not in self._next[state]:
                self._next[state][character] = self._new_state(self.depth[state] + 1)
            state = self._next[state][character]
        self.matched[state] = len(stop)

    def _new_state(self, depth: int) -> int:
        self._next.append({})
        self._fallback.append(0)
        self.depth.append(depth)
        self.matched.append(0)
        return len(self._next) - 1

    def _link(self) -> None:
        """Fill in fallbacks breadth first: a state's fallback is shorter than the state."""
        queue = deque(self._next[0].values())
        while queue:
            state = queue.popleft()
            for character, child in self._next[state].items():
                self._fallback[child] = self.step(self._fallback[state], character)
                self.matched[child] = self.matched[child] or self.matched[self._fallback[child]]
                queue.append(child)
