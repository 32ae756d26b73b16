"""Ignore rules of the user, the project and other assistants.

git's own rules decide as in git; the files of assistants can only exclude more.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from starcoder_lsp.context import ASSISTANT_RULES, GIT_RULES, RULE_FILES
from starcoder_lsp.context.files.gitignore import Patterns, TooManyPatterns
from starcoder_lsp.context.files.reading import NotRegular, read_regular

MAX_RULE_BYTES = 1_000_000
MAX_GIT_POINTER_BYTES = 10_000
GIT_PATIENCE_S = 2.0


class UnreadableRules(Exception):
    """A rule file cannot be read, so everything it might hide must stay hidden."""


@dataclass(frozen=True)
class Rules:
    """One ignore file, and the directory to which its patterns are relative."""

    base: str
    patterns: Patterns


@dataclass(frozen=True)
class Scope:
    """All rules in force inside one directory, the nearest first.

    Paths of directories end with a slash. Paths are relative to the root of the walk;
    `above` completes them to the top of the repository, where bases start.
    """

    git: tuple[Rules, ...] = ()
    user: tuple[Rules, ...] = ()
    assistants: tuple[tuple[Rules, ...], ...] = ((),) * len(ASSISTANT_RULES)
    above: str = ""

    def ignores(self, relative: str) -> bool:
        """Return whether an entry of this directory is excluded."""
        path = self.above + relative
        name = os.fsencode(path[path.rstrip("/").rfind("/") + 1 :])
        whole = os.fsencode(path)
        return any(_decides(rules, name, whole) for rules in self._chains)

    @cached_property
    def _chains(self) -> tuple[tuple[Rules, ...], ...]:
        chains = ((*self.git, *self.user), *self.assistants)
        return tuple(rules for rules in chains if rules)

    def inside(self, folder: str, relative: str, names: Collection[str]) -> Scope:
        """Return the scope of a subdirectory that holds `names`.

        Raises UnreadableRules.
        """
        base = self.above + relative
        scope = self
        if ".git" in names:
            # A repository of its own: git ignores the rules of the enclosing one.
            scope = replace(scope, git=repository_rules(folder, base))
        if GIT_RULES in names:
            git = (_read_rules(folder, GIT_RULES, base), *scope.git)
            scope = replace(scope, git=git)
        if RULE_FILES.isdisjoint(names):
            return scope
        return replace(scope, assistants=tuple(
            (_read_rules(folder, file, base), *rules) if file in names else rules
            for file, rules in zip(ASSISTANT_RULES, scope.assistants, strict=True)
        ))  # fmt: skip


def scope_of_root(root: str, extra: Sequence[str] = ()) -> Scope:
    """Return the scope of a root, with rules of the directories above it in its repository.

    `extra` are patterns from the settings. Raises UnreadableRules.
    """
    top = _top_of_repository(root)
    above = os.path.relpath(root, top) + "/" if top != root else ""
    scope = Scope(user=global_rules(root))
    if extra:
        try:
            rules = Rules(above, Patterns("\n".join(extra).encode()))
        except TooManyPatterns as exc:
            raise UnreadableRules("the option `ignore`") from exc
        scope = replace(scope, assistants=((rules,), *scope.assistants[1:]))
    folder, base = top, ""
    for part in above.split("/")[:-1]:
        scope = scope.inside(folder, base, _rule_files_in(folder))
        folder, base = f"{folder}/{part}", f"{base}{part}/"
    return replace(scope, above=above)


def is_ignored(file: str, extra: Sequence[str] = ()) -> bool:
    """Return whether rules exclude a file, or a folder of its repository that holds it.

    `file` is an absolute path, whose folders are no links. True as well if the rules
    cannot be read.
    """
    top = _top_of_repository(os.path.dirname(file))  # noqa: PTH120  # as all paths here
    path = os.path.relpath(file, top)
    *folders, _ = path.split("/")
    try:
        scope, base = scope_of_root(top, extra), ""
        for part in (*folders, ""):
            names = _rule_files_in(f"{top}/{base}")
            scope = scope.inside(f"{top}/{base}", base, names)
            if part:
                base += f"{part}/"
                if scope.ignores(base):
                    return True
        return scope.ignores(path)
    except UnreadableRules:
        return True


def repository_rules(folder: str, base: str) -> tuple[Rules, ...]:
    """Return the rules of a repository besides its `.gitignore` files."""
    return _rules(exclude_file(folder), base)


def exclude_file(folder: str) -> str:
    """Return where the repository in `folder` keeps rules that it does not share."""
    return f"{_git_directory(folder)}/info/exclude"


def global_rules(folder: str) -> tuple[Rules, ...]:
    """Return the user's own excludes, from the file that git's settings name."""
    command = ["git", "-C", folder, "config", "--get", "--path", "core.excludesFile"]
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=GIT_PATIENCE_S
        )
        named = os.fsdecode(done.stdout.rstrip(b"\n"))
    except (OSError, subprocess.TimeoutExpired):
        named = ""
    return _rules(named or _default_excludes(), "")


def _default_excludes() -> str:
    try:
        settings = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    except RuntimeError:  # no home
        return ""
    return f"{settings}/git/ignore"


def _decides(rules: Iterable[Rules], name: bytes, path: bytes) -> bool:
    for one in rules:
        decision = one.patterns.decide(name, path[len(os.fsencode(one.base)) :])
        if decision is not None:
            return decision
    return False


def _read_rules(folder: str, file: str, base: str) -> Rules:
    """Read a rule file that the directory lists; raises UnreadableRules."""
    path = f"{folder}/{file}"
    try:
        # Users often link the file of one assistant to that of another.
        content, _ = read_regular(os.path.realpath(path), MAX_RULE_BYTES)
        return Rules(base, Patterns(content))
    except (FileNotFoundError, NotRegular):
        return Rules(base, Patterns(b""))
    except (OSError, TooManyPatterns) as exc:
        raise UnreadableRules(path) from exc


def _rules(path: str, base: str) -> tuple[Rules, ...]:
    """Read a rule file that need not exist."""
    try:
        content, _ = read_regular(os.path.realpath(path), MAX_RULE_BYTES)
        patterns = Patterns(content)
    except (OSError, ValueError, TooManyPatterns):
        return ()
    return (Rules(base, patterns),) if patterns else ()


def _git_directory(folder: str) -> str:
    """Return the directory that holds `info`; worktrees and submodules point to it."""
    directory = f"{folder}/.git"
    pointer = _first_line(directory).removeprefix("gitdir: ")
    if pointer:
        directory = str(Path(folder, pointer))
    common = _first_line(f"{directory}/commondir")
    return str(Path(directory, common)) if common else directory


def _first_line(path: str) -> str:
    try:
        content, _ = read_regular(path, MAX_GIT_POINTER_BYTES)
    except (OSError, ValueError):
        return ""
    return os.fsdecode(content.partition(b"\n")[0].strip())


def _top_of_repository(root: str) -> str:
    """Return the nearest directory upwards that holds `.git`, or else the root itself."""
    for folder in (root, *map(str, Path(root).parents)):
        if _has(folder, ".git"):
            return folder
    return root


def _has(folder: str, name: str) -> bool:
    return os.path.lexists(f"{folder}/{name}")


def _rule_files_in(folder: str) -> set[str]:
    return {name for name in (*RULE_FILES, ".git") if _has(folder, name)}
