"""Files are read together, and one that ends its worker is found all the same."""

from __future__ import annotations

from starcoder_lsp.context.indexer.read_queue import (
    BATCH_BYTES,
    MAX_BATCH,
    Queue,
    Waiting,
)


def queue_of(*paths: str, n_bytes: int = 1) -> Queue:
    queue = Queue()
    for path in paths:
        queue.found(path, n_bytes)
    return queue


def paths_of(batch: list[Waiting]) -> list[str]:
    return [one.path for one in batch]


def test_small_files_come_together_in_their_order() -> None:
    queue = queue_of(*(f"{i}.py" for i in range(MAX_BATCH + 1)))
    assert paths_of(queue.take(set())) == [f"{i}.py" for i in range(MAX_BATCH)]
    assert paths_of(queue.take(set())) == [f"{MAX_BATCH}.py"]
    assert queue.take(set()) == []


def test_a_large_file_ends_its_batch() -> None:
    queue = queue_of("a.py", "b.py", n_bytes=BATCH_BYTES)
    assert paths_of(queue.take(set())) == ["a.py"]


def test_a_suspected_path_is_not_admitted_by_a_walk_until_one_finds_it() -> None:
    queue = Queue()
    queue.suspect("a.py")
    assert queue.take(set()) == [Waiting("a.py", None)]
    queue.found("a.py", 3)
    queue.suspect("a.py")
    assert queue.take(set()) == [Waiting("a.py", 3)]


def test_after_a_death_each_file_comes_alone_and_the_second_death_proves_it() -> None:
    queue = queue_of("good.py", "bad.py", "other.py")
    assert queue.blame(queue.take(set())) is None
    good = queue.take(set())
    assert paths_of(good) == ["good.py"]
    queue.succeeded(good)
    assert queue.blame(queue.take(set())) == "bad.py"
    assert paths_of(queue.take(set())) == ["other.py"]


def test_a_file_that_was_read_is_no_longer_suspicious() -> None:
    queue = queue_of("a.py", "b.py")
    queue.blame(queue.take(set()))
    for _ in range(2):
        queue.succeeded(queue.take(set()))
    queue.found("a.py", 1)
    queue.found("b.py", 1)
    assert paths_of(queue.take(set())) == ["a.py", "b.py"]


def test_one_death_proves_nothing() -> None:
    queue = queue_of("a.py")
    assert queue.blame(queue.take(set())) is None
    assert queue.blame(queue.take(set())) == "a.py"


def test_a_worker_reads_on_with_what_it_knows_and_else_with_what_no_other_reads() -> (
    None
):
    queue = queue_of("a.py", "b.cpp", "c.cu", n_bytes=BATCH_BYTES)
    queue.found("d.py", BATCH_BYTES)
    one, other = set[str](), set[str]()
    read_by_one = [paths_of(queue.take(one)) for _ in range(2)]
    read_by_other = [paths_of(queue.take(other)) for _ in range(2)]
    assert read_by_one == [["a.py"], ["d.py"]]
    assert read_by_other == [["b.cpp"], ["c.cu"]]
    queue.found("e.py", 1)
    assert paths_of(queue.take(other)) == ["e.py"]
