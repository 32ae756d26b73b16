"""The stored symbols of a file, decoded only as far as needed.

A lookup mostly wants one of the hundreds of names that a file defines.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from starcoder_lsp.context.index.entry import definitions_from, imports_from
from starcoder_lsp.context.index.stored_rows import decoding
from starcoder_lsp.context.symbols import Definition, Import

DECODER = json.JSONDecoder()


@dataclass
class StoredSymbols:
    """The fields of `Symbols` without references; `written_` ones are JSON of `entry.py`."""

    language: str
    package: str
    is_complete: bool
    written_definitions: str
    written_imports: str
    _named: dict[str, list[Definition]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def definitions(self) -> Sequence[Definition]:
        return definitions_from(self.written_definitions)

    @cached_property
    def imports(self) -> Sequence[Import]:
        return imports_from(self.written_imports)

    def named(self, name: str) -> Sequence[Definition]:
        """Return the definitions of an identifier."""
        if name not in self._named:
            with decoding():
                self._named[name] = list(self._find(name))
        return self._named[name]

    def inside(self, container: str) -> Sequence[Definition]:
        """Return the direct members of the container with this qualified name."""
        return self._by_container.get(container, ())

    @cached_property
    def _by_container(self) -> Mapping[str, Sequence[Definition]]:
        found: defaultdict[str, list[Definition]] = defaultdict(list)
        for each in self.definitions:
            found[each.container].append(each)
        return found

    def _find(self, name: str) -> Iterator[Definition]:
        """Yield positions in the JSON where a definition of `name` starts.

        A textual match is always a definition: quotes inside strings are escaped, and no
        identifier follows a string in JSON.
        """
        start = f"[{json.dumps(name)},"
        at = self.written_definitions.find(start)
        while at >= 0:
            row, at = DECODER.raw_decode(self.written_definitions, at)
            yield Definition._make(row)
            at = self.written_definitions.find(start, at)
