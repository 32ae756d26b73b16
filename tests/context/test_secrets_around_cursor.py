"""Secrets in the document itself are hidden, wherever its windows are cut."""

from __future__ import annotations

import pytest
from canaries import PROVIDERS, lines, made
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.completion.prompt.family import with_marks
from starcoder_lsp.context.secrets import around_cursor
from starcoder_lsp.context.secrets.around_cursor import secrets_around
from starcoder_lsp.context.secrets.detect import secrets
from starcoder_lsp.context.secrets.redact import redact
from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.flow import Cursor, Document, readable

BODY = "\n".join(made("{b6464}", n) for n in range(25))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----\n"
CODE = "".join(f"value_{n} = compute_{n}(value)\n" for n in range(2000))


def shown(picture: str, language: str = "python") -> str:
    """Return the document as a model may read it; the bar marks the cursor."""
    cursor = Cursor.marked(picture, language)
    text = cursor.document.text
    hidden = secrets_around(cursor, 0, len(text))
    before = with_marks(text, 0, cursor.offset, hidden)
    after = with_marks(text, cursor.offset, len(text), hidden)
    return readable(f"{before}█{after}")


@pytest.mark.parametrize(
    ("language", "picture", "wanted"),
    [
        ("python", 'password = "h█', 'password = "<PASSWORD>█'),
        ("python", 'password = "hun█"', 'password = "<PASSWORD>█"'),
        ("python", 'password = "hunter█2!"', 'password = "<PASSWORD>█"'),
        ("python", 'f(user, password="hu█, x="y")', 'f(user, password="<PASSWORD>█, x="y")'),
        ("python", "auth = ('me', 'hun█')", "auth = ('me', '<PASSWORD>█')"),
        ("python", 'db = "postgres://me:s3c█"', 'db = "postgres://me:<PASSWORD>█"'),
        ("python", f'key = "{made(PROVIDERS["github"])[:12]}█"', 'key = "<KEY>█"'),
        ("python", 'x = "Server=a;Pwd=h█"', 'x = "Server=a;Pwd=<PASSWORD>█"'),
        ("yaml", "password: h█\nuser: me\n", "password: <PASSWORD>█\nuser: me\n"),
        ("yaml", "- name: DB_PASSWORD\n  value: h█", "- name: DB_PASSWORD\n  value: <PASSWORD>█"),
        ("shellscript", "export API_TOKEN=a1█", "export API_TOKEN=<KEY>█"),
        ("shellscript", "curl -u me:h█ https://a.b", "curl -u me:<PASSWORD>█ https://a.b"),
        ("python", 'ftp.login("me", "h█")', 'ftp.login("me", "<PASSWORD>█")'),
        ("java", 'x.login(user, "hun█', 'x.login(user, "<PASSWORD>█'),
        ("shellscript", "mysql -u me -ph█", "mysql -u me -p<PASSWORD>█"),
        ("http", "Authorization: Bearer abcd█", "Authorization: Bearer <KEY>█"),
    ],
)  # fmt: skip
def test_a_secret_is_hidden_from_its_first_character_on(
    language: str, picture: str, wanted: str
) -> None:
    assert shown(picture, language) == wanted


@pytest.mark.parametrize(
    ("language", "picture"),
    [
        ("python", "password = █"),
        ("python", "password = hash_of(us█"),
        ("python", 'password = "█"'),
        ("python", 'password = os.environ["DB_PASS█"]'),
        ("python", 'if token == "ID█"'),
        ("python", 'passwordLabel = "Ent█'),
        ("python", 'login("me", █'),
        ("python", 'login("me", "█")'),
        ("python", 'connect("clicked", self, "but█")'),
        ("shellscript", "mysql -u me -p█"),
        ("shellscript", "mysql -u me -p$PASS█"),
        ("python", 'x = "http://localhost:80█"'),
        ("yaml", "password: ${DB█"),
        ("shellscript", 'export PASSWORD="$(pass █'),
    ],
)
def test_text_that_may_become_code_is_shown(language: str, picture: str) -> None:
    assert shown(picture, language) == picture


@pytest.mark.parametrize("n_lines", [0, 5, 24, 200, 900])
def test_a_private_key_is_hidden_wherever_it_begins(n_lines: int) -> None:
    """In a window, above and below it, and where the window lacks its beginning."""
    above = CODE + f"KEY = '''\n{PEM}'''\n"
    below = CODE[: CODE.index(f"value_{n_lines} ")] + f"KEY = '''\n{PEM}'''\n" + CODE
    text = f"{above}{CODE[: n_lines * 28]}x = \n{below}"
    offset = text.index("x = ") + 4
    cursor = Cursor(Document(text, language="python"), offset)
    for start, end in ((offset - 900, offset + 900), (0, len(text))):
        hidden = secrets_around(cursor, max(start, 0), end)
        piece = with_marks(text, max(start, 0), end, hidden)
        assert not any(line in piece for line in BODY.split("\n"))
        assert piece.count("\n") == text[max(start, 0) : end].count("\n")


PIECES = st.sampled_from(
    [CODE[:900], CODE[:20_000], PEM, *(f"{line}\n" for _, line, _ in list(lines())[::9])]
)  # fmt: skip


@given(st.lists(PIECES, min_size=1, max_size=6), st.floats(0, 1), st.floats(0, 1))
def test_a_secret_of_the_whole_document_is_hidden_in_every_window(
    pieces: list[str], at: float, seen_from: float
) -> None:
    text = "".join(pieces)
    offset = int(len(text) * at)
    start = int(offset * seen_from)
    cursor = Cursor(Document(text, language="python"), offset)
    hidden = secrets_around(cursor, start, len(text))
    covered = {i for first, last, _ in hidden for i in range(first, last)}
    for first, last, _ in secrets(Searchable(text), "python"):
        assert covered.issuperset(range(max(first, start), last)), text[first:last]


def test_only_the_line_of_the_cursor_is_searched_again() -> None:
    offset = CODE.index("value_1000 =")
    for region in (around_cursor._in_region, around_cursor._in_block):
        region.cache_clear()

    def n_looked_through(text: str, offset: int) -> int:
        cursor = Cursor(Document(text, language="python"), offset)
        secrets_around(cursor, offset - 20_000, offset + 20_000)
        return around_cursor._in_block.cache_info().misses

    n_first = n_looked_through(CODE, offset)
    assert n_first > 4
    for typed in ("t", "to", "tok", "toke", "token = f("):
        text = CODE[:offset] + typed + CODE[offset:]
        # The line is another one; then it only grows.
        assert n_looked_through(text, offset + len(typed)) == n_first
    above = CODE[:offset] + "token = 1\n"
    assert n_looked_through(above + CODE[offset:], len(above)) <= n_first + 1


def test_a_line_of_a_megabyte_is_searched_only_near_the_cursor() -> None:
    text = "x = [" + "1, " * 400_000 + "]"
    cursor = Cursor(Document(text, language="python"), 600_000)
    around_cursor._in_block.cache_clear()
    secrets_around(cursor, 580_000, 620_000)
    assert around_cursor._in_block.cache_info().misses < 10


def test_prompts_and_index_hide_the_same_secrets_of_a_plain_document() -> None:
    text = f"password = 'hunter2!'\n{CODE}# by jo@corp.com\n{PEM}x = 1\n"
    cursor = Cursor(Document(text, language="python"), len(text))
    hidden = secrets_around(cursor, 0, len(text))
    assert with_marks(text, 0, len(text), hidden) == redact(text, "python")
