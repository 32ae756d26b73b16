"""Tells secrets from code, paths and placeholders."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Literal

Mark = Literal["KEY", "PASSWORD", "EMAIL"]

# Something that a program replaces.
TEMPLATE = re.compile(
    r"\A[\"'][ ]?[+.,)&]|\$\{|\$\(|\{\{|#\{|<[\w .:|/-]*>|\A<|%\(|%[sdrv@]|\{[\w.!:\[\] ]*\}|@[\w.-]+@"
    r"|\A\$[A-Za-z_][\w:.]*\Z|\A%\w+%\Z|\A![A-Za-z]+(?: |\Z)|\*\*\*|\.\.\.|…|\A[-_=.*#•x]+\Z",
    re.IGNORECASE,
)
# Every template has one of these.
SIGN = re.compile(r"[][$%{<@!*.…\"'#•=_-]")
# Something that a person is to replace.
PLACEHOLDER = re.compile(
    r"(?-i:xxxx|XXXX)|example|change|replace|placeholder|your|dummy|sample|redacted|hidden|todo|fixme"
    r"|insert|lorem|foobar|abcdef|012345(?!6789)",
    re.IGNORECASE,
)
# A type, a constant, or words for a password and its like.
SAYS_NOTHING = re.compile(
    r"(?:null|nil|none|undefined|true|false|yes|no|on|off|empty|optional|required|string|str|int"
    r"|integer|bool(?:ean)?|object|array|text|binary|bytes|hidden|input|field|base64|plain"
    r"|unset|default|prompt|never|always|auto|env|vault|static|basic|bearer"
    r"|passwort|kennwort|contrase[nñ]a|senha|wachtwoord|lösenord|adgangskode|passord|salasana"
    r"|hasło|heslo|jelszó|parola|lozinka|şifre|пароль|密码|密碼|パスワード|비밀번호|"
    r"(?:user|pass|my|the|old|new|current|db|test|admin|auth|access|api|client|root|secret"
    r"|token|key|word|wd|phrase|code|pwd|pw|id|name|value|credentials?|file|path|url|hash"
    r"|invalid|wrong|bad|good|some|fake|mock|foo|bar|baz|[_\s.:/-]|\d(?!\d))+)",
    re.IGNORECASE,
)
# Most values with such a word are no secrets, but a random one may be.
SAID = re.compile(
    r"pass(?:word|phrase|wd)|secret|token|test|null|none|true|false", re.IGNORECASE
)
# Names with digits, places in other objects, versions and numbers.
IS_CODE = re.compile(
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Z_]+\d?|[a-z]+(?:[_-][a-z\d]+)+|[\d.]+"
    r"|[A-Za-z_][\w.:]*\([\w ,.\"']*\)|[A-Za-z_]\w*\[[\w\"']*\]|[A-Za-z_]\w*(?:::|->)\w+"
)
IS_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SLASHES = re.compile(r"[/\\]")
IS_URL = re.compile(r"[a-z][a-z\d+.-]{1,16}://", re.IGNORECASE)
PATH_BEGINS = re.compile(r"[.~]{0,2}[/\\]|[A-Za-z]:[/\\]|\w{1,16}:[/\\]")
MIN_KEY_CHARACTERS = 16
# Of a key that has capitals, small letters and digits or punctuation.
MIN_MIXED_CHARACTERS = 8
MIN_PASSWORD_CHARACTERS = 6
# Of a password that is nothing but letters.
MIN_WORD_CHARACTERS = 8
MIN_KEY_BITS = 2.8
MIN_DIFFERENT = 5
LOWER, UPPER, DIGIT = map(re.compile, ("[a-z\x80-\U0010ffff]", "[A-Z]", r"\d"))
LETTER = re.compile("[A-Za-z\x80-\U0010ffff]")
PUNCTUATION = re.compile("[^A-Za-z0-9\x80-\U0010ffff]")
KINDS = (LOWER, UPPER, DIGIT, PUNCTUATION)
CHANGE = re.compile("|".join(
    f"(?<=[{kind}])[^{kind}]" for kind in ("a-z\x80-\U0010ffff", "A-Z", "0-9", "!-/:-@[-`{-~")
))  # fmt: skip
# Characters that join the parts of a name do not count as a change.
JOINTS = re.compile("[-_.]")
SPACE = re.compile(r"\s")
# The kind changes after two thirds of the characters of a random text of letters and
# digits, and after a fifth of those of a name in camel case.
MIN_CHANGES, MIN_CHANGES_IN_LONG, LONG_KEY_CHARACTERS = 0.35, 0.28, 30
# The same for a value that begins like a path.
MIN_CHANGES_OF_KEY = 0.4
MIN_KINDS = 3


def is_placeholder(value: str) -> bool:
    """Return whether a value only stands for a secret.

    >>> is_placeholder("${DB_PASSWORD}"), is_placeholder("hunter2")
    (True, False)
    """
    if PLACEHOLDER.search(value) or SAYS_NOTHING.fullmatch(value):
        return True
    if not (SIGN.search(value) and TEMPLATE.search(value)):
        return False
    # A random key may have the look of a template somewhere.
    rest = TEMPLATE.sub("", value)
    return len(rest) < MIN_KEY_CHARACTERS or not looks_random(rest)


def is_path(value: str) -> bool:
    """Return whether a value with slashes is a path, and not base64.

    >>> is_path("config/master.key"), is_path("wJalrXUtnFEMI/K7MDENG/bPxRfiCY")
    (True, False)
    """
    if not ("/" in value or "\\" in value) or value.endswith("="):
        return False
    if IS_URL.match(value):
        return True
    if PATH_BEGINS.match(value):
        return changes(SLASHES.sub("", value)) < MIN_CHANGES_OF_KEY
    return not changes_often(SLASHES.sub("", value))


def is_secret_value(value: str, *, is_password: bool) -> bool:
    """Return whether a quoted value after a secret's name is one."""
    if not (_may_be_password(value) if is_password else _may_be_key(value)):
        return False
    if is_password and value.isdigit():
        return True
    if is_placeholder(value) or IS_CODE.fullmatch(value) or is_path(value):
        return False
    return not SAID.search(value) or looks_random(value)


def _may_be_key(value: str) -> bool:
    if SPACE.search(value) or len(set(value)) < MIN_DIFFERENT:
        return False
    is_mixed = len(value) >= MIN_MIXED_CHARACTERS and looks_random(value)
    return is_mixed or is_random(value) or IS_UUID.fullmatch(value) is not None


def _may_be_password(value: str) -> bool:
    if SPACE.search(value):
        return is_passphrase(value)
    if value.isalpha():
        return len(value) >= MIN_WORD_CHARACTERS
    return (
        len(value) >= MIN_PASSWORD_CHARACTERS
        and (LETTER.search(value) or DIGIT.search(value)) is not None
    )


def is_secret_setting(value: str, *, is_password: bool) -> bool:
    """Return whether a value without quotes is a secret, where settings need none."""
    if len(value) < MIN_PASSWORD_CHARACTERS or is_placeholder(value) or is_path(value):
        return False
    if SPACE.search(value):
        return is_password and is_passphrase(value)
    return is_password or not IS_CODE.fullmatch(value)


def is_passphrase(value: str) -> bool:
    """Return whether a value is at least three words in lower case, without punctuation.

    >>> is_passphrase("correct horse battery staple"), is_passphrase("Enter it again:")
    (True, False)
    """
    words = value.split(" ")
    return len(words) >= 3 and all(re.fullmatch("[a-z0-9]{2,}", word) for word in words)


def is_random(value: str) -> bool:
    """Return whether a long value is a mixture of letters and digits, as keys are."""
    if len(value) < MIN_KEY_CHARACTERS or not LETTER.search(value):
        return False
    is_mixed = DIGIT.search(value) is not None or changes_often(value)
    return is_mixed and entropy(value) >= MIN_KEY_BITS


def looks_random(value: str) -> bool:
    """Return whether kinds of characters change more than in words and names.

    >>> looks_random("hunter2!"), looks_random("BCrypt10Encoder")
    (True, False)
    """
    joined = JOINTS.sub("", value)
    n_kinds = sum(kind.search(joined) is not None for kind in KINDS)
    return n_kinds >= MIN_KINDS and (
        PUNCTUATION.search(joined) is not None or changes_often(value)
    )


def changes_often(value: str) -> bool:
    """Return whether kinds change too often for a name; a long text needs fewer changes."""
    least = MIN_CHANGES if len(value) < LONG_KEY_CHARACTERS else MIN_CHANGES_IN_LONG
    return changes(value) > least


def changes(value: str) -> float:
    """Return the share of characters that one of another kind follows.

    >>> changes("aB1c"), changes("some-name")
    (0.75, 0.0)
    """
    joined = JOINTS.sub("", value)
    return len(CHANGE.findall(joined)) / max(len(joined), 1)


def entropy(text: str) -> float:
    """Return the entropy in bits per character, from how often each occurs.

    >>> entropy("aaaa"), entropy("abcd")
    (-0.0, 2.0)
    """
    shares = (count / len(text) for count in Counter(text).values())
    return -sum(share * math.log2(share) for share in shares)
