"""A radix trie: values by text, found from every longer text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(eq=False)
class Node(Generic[Value]):
    edge: str
    parent: Node[Value] | None = None
    children: dict[str, Node[Value]] = field(default_factory=dict)
    value: Value | None = None


class Trie(Generic[Value]):
    """A mutable radix trie; `n_characters` is the length of all its edges."""

    def __init__(self) -> None:
        self._root: Node[Value] = Node("")
        self.n_characters = 0

    @property
    def is_empty(self) -> bool:
        return not self._root.children and self._root.value is None

    def node_at(self, text: str) -> Node[Value]:
        """Return the node for `text`; create it if there is none."""
        node, length = self._root, 0
        while length < len(text):
            child = node.children.get(text[length])
            if child is None:
                return self._add(node, text[length:])
            shared = _n_common(child.edge, text, length)
            if shared < len(child.edge):
                child = self._split(child, shared)
            node, length = child, length + shared
        return node

    def on_the_way(self, text: str) -> Iterator[tuple[Node[Value], int]]:
        """Yield the nodes for beginnings of `text`, each with the beginning's length."""
        node, length = self._root, 0
        while True:
            yield node, length
            child = node.children.get(text[length : length + 1])
            if child is None or not text.startswith(child.edge, length):
                return
            node, length = child, length + len(child.edge)

    def below(self, text: str) -> Iterator[Node[Value]]:
        """Yield the nodes that have a value and whose text begins with `text`."""
        for start, length in self.on_the_way(text):  # noqa: B007  # the last one is used
            pass
        if rest := text[length:]:
            child = start.children.get(rest[0])
            if child is None or not child.edge.startswith(rest):
                return
            start = child
        waiting = [start]
        while waiting:
            node = waiting.pop()
            waiting.extend(node.children.values())
            if node.value is not None:
                yield node

    def remove(self, node: Node[Value]) -> None:
        """Remove a value, and the branch that only it needed."""
        node.value = None
        while node.parent and node.value is None and not node.children:
            self.n_characters -= len(node.edge)
            del node.parent.children[node.edge[0]]
            node = node.parent

    def _add(self, parent: Node[Value], edge: str) -> Node[Value]:
        node = parent.children[edge[0]] = Node(edge, parent)
        self.n_characters += len(edge)
        return node

    @staticmethod
    def _split(node: Node[Value], at: int) -> Node[Value]:
        """Insert a node into the edge to `node`, `at` characters from its start."""
        assert node.parent is not None
        upper = Node(node.edge[:at], node.parent)
        node.parent.children[upper.edge[0]] = upper
        node.edge, node.parent = node.edge[at:], upper
        upper.children[node.edge[0]] = node
        return upper


def _n_common(edge: str, text: str, start: int) -> int:
    """The length of the common beginning of `edge` and `text[start:]`."""
    low, high = 0, min(len(edge), len(text) - start)
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(edge[low:middle], start + low):
            low = middle
        else:
            high = middle - 1
    return low
