"""Numbers that grow like rabbits."""


def fibonacci(n: int) -> int:
    """The n-th Fibonacci number, counted from 0."""
    if n < 2:
        return n
    return █


def first(count: int) -> list[int]:
    return [fibonacci(n) for n in range(count)]
