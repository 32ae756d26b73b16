"""Resolves names of a file through its imports, classes, assignments and annotations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from starcoder_lsp.context.index.reader import DefinitionSite, Index
from starcoder_lsp.context.index.stored_symbols import StoredSymbols
from starcoder_lsp.context.resolve.imports import ImportStyle, imported_files, styles
from starcoder_lsp.context.retrieve.scene import IDENTIFIER, Scene
from starcoder_lsp.context.symbols import MEMBERS, Definition, Import, Symbols

CLASSES = frozenset(("class", "interface", "enum", "type"))
TYPES = CLASSES | {"module"}
FUNCTIONS = frozenset(("function", "method"))
OWN_OBJECT = frozenset(("self", "this", "cls", "Self", "super"))
MAX_DEPTH = 3
# A name that this many files define means none of them without an import.
WIDESPREAD = 4
# At most this many names of an expression or signature are looked up.
MAX_NAMES = 6


class NameResolver:
    """Finds definitions for one scene, and caches what it has read."""

    def __init__(self, scene: Scene, index: Index) -> None:
        self.scene, self.index = scene, index
        self._symbols: dict[str, Symbols | StoredSymbols] = {scene.path: scene.symbols}
        self._found: dict[tuple[str, str], DefinitionSite | None] = {}
        self._brought: dict[str, Brought] = {}

    def symbols(self, path: str) -> Symbols | StoredSymbols:
        if path not in self._symbols:
            self._symbols[path] = self.index.symbols(path) or Symbols("")
        return self._symbols[path]

    def files(self, each: Import, path: str) -> Sequence[str]:
        """Return `imported_files`, cached without regard to the import's line."""
        question = (each._replace(line=0), path, self.symbols(path).language)
        return self.index.recall(imported_files, question)

    def exported(self, path: str, name: str, depth: int = 0) -> DefinitionSite | None:
        """Return the definition that `path` exports as `name`, followed through re-exports."""
        found = self.symbols(path).named(name)
        for each in sorted(found, key=lambda each: bool(each.container)):
            if self._is_top(DefinitionSite(path, each)):
                return DefinitionSite(path, each)
        if depth >= MAX_DEPTH:
            return None
        for import_, real in self._bringing(path, name):
            for file in self.files(import_, path):
                if found_there := self.exported(file, real, depth + 1):
                    return found_there
        return None

    def _bringing(self, path: str, name: str) -> list[tuple[Import, str]]:
        """Yield imports of `path` that bring or may bring `name`, with its name there."""
        if path not in self._brought:
            symbols = self.symbols(path)
            self._brought[path] = _brought(tuple(symbols.imports), symbols.language)
        return self._brought[path].of(name)

    def meaning(self, name: str, path: str = "") -> DefinitionSite | None:
        """Resolve `name` in `path`: its own definition, an imported one, or the only one."""
        key = (path or self.scene.path, name)
        if key not in self._found:
            self._found[key] = self.exported(*key) or self._only(name)
        return self._found[key]

    def _only(self, name: str) -> DefinitionSite | None:
        if not self.index.may_mean(name, WIDESPREAD):
            return None
        places = self.index.definitions(name, WIDESPREAD)
        places = [place for place in places if self._is_akin(place.path)]
        top = [place for place in places if self._is_top(place)]
        return top[0] if len(top) == 1 and len(places) < WIDESPREAD else None

    def _is_akin(self, path: str) -> bool:
        """Return whether the languages of both files can use each other's definitions."""
        here, there = self.scene.language, self.symbols(path).language
        style = styles().get(here)
        return here == there or (style is not None and style == styles().get(there))

    def _is_top(self, place: DefinitionSite) -> bool:
        """Return whether only namespaces enclose a definition."""
        container = place.definition.container
        if not container:
            return True
        if place.definition.kind in MEMBERS:
            return False
        owner = container.rpartition(".")[2]
        around = self.symbols(place.path).named(owner)
        return all(each.kind == "module" for each in around)

    def members(self, place: DefinitionSite) -> Sequence[Definition]:
        return self.symbols(place.path).inside(place.definition.qualified_name)

    def members_elsewhere(self, place: DefinitionSite) -> list[DefinitionSite]:
        """Return members in other files, for languages that spread a type over a package."""
        style = styles().get(self.symbols(place.path).language)
        if style is None or not style.siblings:
            return []
        container = place.definition.qualified_name
        folder = place.path.rpartition("/")[0]
        found = self.index.members_in_folder(folder, container)
        return [each for each in found if each.path != place.path]

    def with_bases(
        self, place: DefinitionSite, depth: int = 0
    ) -> Iterator[DefinitionSite]:
        """Yield a type and the types that its signature names, such as base classes."""
        yield place
        if depth >= MAX_DEPTH:
            return
        for name in IDENTIFIER.findall(place.definition.signature)[:MAX_NAMES]:
            found = self.meaning(name, place.path)
            if found and found.definition.kind in CLASSES and found != place:
                yield from self.with_bases(found, depth + 1)

    def type_of(self, names: tuple[str, ...]) -> DefinitionSite | None:
        """Infer the type of `a.b` from assignments and annotations; None if unknown."""
        head, *rest = names
        here = self._own_type() if head in OWN_OBJECT else self._type_of_name(head)
        for name in rest:
            here = self._type_of_member(here, name) if here else None
        return here

    def _own_type(self) -> DefinitionSite | None:
        around = [each for each in self.scene.enclosing if each.kind in TYPES]
        return DefinitionSite(self.scene.path, around[-1]) if around else None

    def _type_of_name(self, name: str) -> DefinitionSite | None:
        """Infer the type of a name; bindings in this file rank before other files."""
        found = self.exported(self.scene.path, name)
        if found and found.definition.kind in TYPES:
            return found
        for expression in self.scene.expressions_of(name):
            if type_ := self.type_in(expression, self.scene.path):
                return type_
        found = self._only(name)
        return found if found and found.definition.kind in TYPES else None

    def _type_of_member(
        self, place: DefinitionSite, name: str
    ) -> DefinitionSite | None:
        for base in self.with_bases(place):
            here = [DefinitionSite(base.path, each) for each in self.members(base)]
            for each in (*here, *self.members_elsewhere(base)):
                if each.definition.name == name:
                    is_type = each.definition.kind in TYPES
                    return each if is_type else self._declared_type(each)
        return None

    def type_in(
        self, expression: str, path: str, depth: int = 0
    ) -> DefinitionSite | None:
        """Return the first type that an expression names, or that a function in it returns.

        A namespace counts only if no better name follows it.
        """
        space: DefinitionSite | None = None
        files: list[str] = []
        for name in IDENTIFIER.findall(expression)[:MAX_NAMES]:
            inside = (found for file in files if (found := self.exported(file, name)))
            place = next(inside, None) or self.meaning(name, path)
            files = self._files_called(name, path)
            if place is None:
                continue
            if place.definition.kind == "module":
                space = space or place
            elif place.definition.kind in TYPES:
                return place
            elif returned := self._returned_by(place, depth + 1):
                return returned
        return space

    def _returned_by(self, place: DefinitionSite, depth: int) -> DefinitionSite | None:
        if place.definition.kind not in FUNCTIONS or depth > MAX_DEPTH:
            return None
        return self._declared_type(place, depth)

    def _declared_type(
        self, place: DefinitionSite, depth: int = 0
    ) -> DefinitionSite | None:
        """Return the type that a function returns or a member holds, by its signature."""
        for text in type_texts(place.definition):
            if OWN_OBJECT.intersection(IDENTIFIER.findall(text)):
                return self._owner(place)
            if found := self.type_in(text, place.path, depth):
                return found
        return None

    def _owner(self, place: DefinitionSite) -> DefinitionSite | None:
        for each in self.symbols(place.path).definitions:
            if each.qualified_name == place.definition.container:
                return DefinitionSite(place.path, each)
        return None

    def _files_called(self, name: str, path: str) -> list[str]:
        """Return the files that `name` stands for in `path` as a module or package."""
        return [
            file
            for each in self.symbols(path).imports
            if name in (local_name(each), *(each.aliases or each.names))
            for file in self.files(each, path)
        ]


class Brought:
    """The names that the imports of one file bring into it.

    >>> path = Import("os", 0, ("path", "sep"), ("p", "sep"))
    >>> Brought([path], ImportStyle()).of("p") == [(path, "path")]
    True
    """

    def __init__(self, imports: Iterable[Import], style: ImportStyle) -> None:
        self._named: defaultdict[str, list[tuple[int, Import, str]]] = defaultdict(list)
        # Wildcard imports may bring any name.
        self._open: list[tuple[int, Import]] = []
        for n, each in enumerate(imports):
            for local, real in zip(
                each.aliases or each.names, each.names, strict=False
            ):
                self._named[local].append((n, each, real))
            if "*" in each.names or (style.passes_on and not each.names):
                self._open.append((n, each))
            elif style.symbol and style.relative != "dots" and not each.names:
                real = local_name(each._replace(aliases=()))
                self._named[local_name(each)].append((n, each, real))

    def of(self, name: str) -> list[tuple[Import, str]]:
        """Return imports that bring `name`, with its original name, in source order."""
        found = [(n, each, name) for n, each in self._open]
        found += self._named.get(name, ())
        return [(each, real) for _, each, real in sorted(found)]


@lru_cache(maxsize=256)
def _brought(imports: tuple[Import, ...], language: str) -> Brought:
    return Brought(imports, styles().get(language, ImportStyle()))


def local_name(each: Import) -> str:
    """Return the local name of a module that is imported as a whole; else "".

    >>> local_name(Import("example.com/shop/store", 0))
    'store'
    """
    if each.names:
        return ""
    return (
        each.aliases[0] if each.aliases else IDENTIFIER.findall("_ " + each.module)[-1]
    )


def type_texts(definition: Definition) -> Iterator[str]:
    """Yield the parts of a signature that may state the type of what it defines.

    >>> list(type_texts(Definition("f", "function", 0, 0, 1, "func f(n int) *Row")))
    [' *Row', 'func ']
    """
    word = rf"(?<!\w){re.escape(definition.name)}(?!\w)"
    before, *rest = re.split(word, definition.signature, maxsplit=1)
    after = rest[0] if rest else ""
    _, arrow, returned = definition.signature.rpartition("->")
    if arrow:
        yield returned
    elif definition.kind in FUNCTIONS:
        yield _after_parameters(after).partition("throws")[0]
    else:
        yield after
    yield before


def _after_parameters(text: str) -> str:
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return text[i + 1 :]
    return text
