"""Reads and parses files for the indexer, in a process that may hang or crash.

It answers one frame at a time. A parser can get stuck where nothing in this process would
notice, so the kernel's timer ends it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, replace
from pathlib import Path
from typing import BinaryIO

from starcoder_lsp.context import base_of, messages
from starcoder_lsp.context.files.glance import NEEDS_WALK, glance
from starcoder_lsp.context.files.reading import FileTooLarge, NotRegular, read_regular
from starcoder_lsp.context.files.unwanted import MAX_FILE_BYTES, Unwanted, text_of
from starcoder_lsp.context.files.walk import RACY_S, Bounds, Walk, admits, stamp_of
from starcoder_lsp.context.index.entry import Entry, entry_of, to_wire
from starcoder_lsp.context.secrets.redact import redact
from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.context.syntax import ParsedDocument, parse
from starcoder_lsp.context.syntax.judge import judge
from starcoder_lsp.languages import language_of
from starcoder_lsp.languages.lines import n_common_ends
from starcoder_lsp.runtime import frames, log, parent_watch
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.garbage_collection import collect_rarely

SOFT_BUDGET_MS = 300
# Processor time: a busy machine is no reason to give up a file.
HARD_BUDGET_S = 2.0
FOUND_PER_FRAME = 256
MAX_OPEN_DOCUMENTS = 32
BACKGROUND_NICENESS = 10

TROUBLES: Sequence[tuple[type[OSError], str]] = (
    (FileNotFoundError, "gone"),
    (NotADirectoryError, "gone"),
    (NotRegular, "not a file"),
    (FileTooLarge, "too large"),
    (OSError, "unreadable"),
)


def digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _walk(request: Frame) -> Iterator[Frame]:
    started_s = time.process_time()
    bounds = Bounds(max_files=request["max_files"])
    walk = Walk(request["root"], request["extra"], bounds)
    files = iter(walk)
    while batch := list(itertools.islice(files, FOUND_PER_FRAME)):
        yield {"op": "found", "files": batch}
    _walks[walk.root] = walk
    yield {
        "op": "walked", "skipped": walk.skipped, "is_partial": walk.is_partial,
        "computed_s": time.process_time() - started_s,
    }  # fmt: skip


# The last walk of each root, for glances.
_walks: dict[str, Walk] = {}


def _glance(request: Frame) -> Iterator[Frame]:
    """Files that changed since the last walk, if this process has made one."""
    started_s = time.process_time()
    walk = _walks.get(request["root"])
    seen = glance(walk) if walk is not None else NEEDS_WALK
    yield {
        "op": "glanced", "files": seen.changed, "needs_walk": seen.needs_walk,
        "computed_s": time.process_time() - started_s,
    }  # fmt: skip


def _read(request: Frame) -> Iterator[Frame]:
    """Read the files of a walk, or paths that may have changed."""
    raw: list[bytes] = []
    files = [_answer(request, raw, *one) for one in request["files"]]
    yield {"op": "read", "files": files, "raw": b"".join(raw)}


def _answer(
    request: Frame, raw: list[bytes], path: str, is_admitted: bool, digest: str
) -> Frame:
    """For one file; `digest` is that of the content which is known, `raw` takes texts."""
    root = request["root"]
    answer: Frame = {"reason": None, "digest": "", "stamp": "", "n_bytes": 0}
    try:
        if not is_admitted:
            _check_path(root, path, request["extra"])
        content = _content(base_of(root) + path, answer)
        if answer["digest"] in request["avoid"]:
            raise Unwanted("crashes its parser")
        if answer["digest"] != digest:
            entry = _entry(language_of(Path(path)), text_of(content))
            answer["entry"], texts = to_wire(entry)
            answer["n_bytes"] = len(texts)
            raw.append(texts)
    except Unwanted as exc:
        answer["reason"] = str(exc)
    except OSError as exc:
        answer["reason"] = next(
            reason for kind, reason in TROUBLES if isinstance(exc, kind)
        )
    return answer


def _check_path(root: str, path: str, extra: list[str]) -> None:
    """Check that both the given path and its real path are allowed."""
    whole = base_of(root) + path
    if stat.S_ISDIR(os.lstat(whole).st_mode):
        raise NotRegular(whole)
    if os.path.realpath(whole) != whole or not admits(root, path, extra):
        raise Unwanted("ignored")


def _content(path: str, answer: Frame) -> bytes:
    content, status = read_regular(path, MAX_FILE_BYTES)
    age_s = time.time() - max(status.st_mtime, status.st_ctime)
    answer["stamp"] = stamp_of(status) if age_s > RACY_S else ""
    answer["digest"] = digest_of(content)
    return content


def _document(request: Frame) -> Iterator[Frame]:
    """Parse the text of an open document incrementally."""
    uri, language = request["uri"], request["language"]
    text = redact(request["text"], language)
    source = text.encode("utf-8", "replace")
    known_language, document = _open_documents.pop(uri, ("", None))
    with _hard_budget():
        if document is None or known_language != language:
            document = ParsedDocument(language, source, SOFT_BUDGET_MS)
        elif document.source != source:
            document.edit(*_difference(document.source, source))
        symbols = document.symbols()
    _open_documents[uri] = language, document
    while len(_open_documents) > MAX_OPEN_DOCUMENTS:
        del _open_documents[next(iter(_open_documents))]
    yield {
        "op": "parsed",
        "text": text,
        "symbols": messages.symbols_row(_kept(symbols)),
    }


# By URI and language; the one parsed last stands last.
_open_documents: dict[str, tuple[str, ParsedDocument]] = {}


def _difference(old: bytes, new: bytes) -> tuple[int, int, bytes]:
    """Return the one edit from `old` to `new`: start, end of the removed text, new text."""
    start, end = n_common_ends(old, new)
    return start, len(old) - end, new[start : len(new) - end]


def _judge(request: Frame) -> Iterator[Frame]:
    language, text, offset = request["language"], request["text"], request["offset"]
    with _hard_budget():
        judgements = judge(language, text, offset, request["texts"])
    yield {"op": "judged", "judgements": [astuple(one) for one in judgements]}


def _digest(request: Frame) -> Iterator[Frame]:
    """Return only the hash of a file that has killed another worker."""
    try:
        content, status = read_regular(request["path"], MAX_FILE_BYTES)
    except OSError:
        yield {"op": "digest", "digest": "", "stamp": ""}
        return
    yield {"op": "digest", "digest": digest_of(content), "stamp": stamp_of(status)}


def _place(request: Frame) -> Iterator[Frame]:
    """Return the folder of a document, and whether other documents may see it."""
    real = os.path.realpath(request["path"])
    inside = [root for root in request["roots"] if real.startswith(base_of(root))]
    root = max(inside, key=len, default="")
    relative = real.removeprefix(base_of(root)) if root else ""
    is_admitted = bool(root) and admits(root, relative, request["extra"])
    yield {"op": "place", "root": root, "path": relative, "is_admitted": is_admitted}


def _entry(language: str, text: str) -> Entry:
    text = redact(text, language)
    with _hard_budget():
        symbols = parse(language, text.encode("utf-8", "replace"), SOFT_BUDGET_MS)
    return entry_of(text, symbols)


@contextmanager
def _hard_budget() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, HARD_BUDGET_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _kept(symbols: Symbols) -> Symbols:
    """Drop references, which the index does not keep."""
    return replace(symbols, references=())


OPERATIONS: Mapping[str, Callable[[Frame], Iterator[Frame]]] = {
    "walk": _walk,
    "glance": _glance,
    "read": _read,
    "document": _document,
    "judge": _judge,
    "digest": _digest,
    "place": _place,
}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    while (request := frames.read(requests)) is not None:
        for answer in OPERATIONS[request["op"]](request):
            answers.write(frames.encode(answer))
            answers.flush()


def main() -> None:
    parent_watch.end_with_parent()
    out = frames.claim_stdout()
    log.set_up("warning")
    # Its default is to end the process, which Python cannot delay.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    collect_rarely()
    if sys.argv[1:] == ["background"]:
        os.nice(BACKGROUND_NICENESS)
    try:
        serve(sys.stdin.buffer, out)
    except (OSError, frames.BadFrame):
        os._exit(0)  # the indexer is gone


if __name__ == "__main__":
    main()
