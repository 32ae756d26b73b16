"""JSON read in steps says what JSON read at once says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.lsp.messages import json_in_steps
from starcoder_lsp.lsp.messages.json_in_steps import TooManyValues, loads

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def tiny_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_in_steps, "FEW_VALUES", 0)
    monkeypatch.setattr(json_in_steps, "SMALL_CHARACTERS", 8)


@given(values, st.sampled_from([None, 1]))
def test_any_value_is_read_as_at_once(value: Any, indent: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_in_steps, "FEW_VALUES", 0)
        patch.setattr(json_in_steps, "SMALL_CHARACTERS", 8)
        body = f" {json.dumps(value, indent=indent)}\n".encode()
        assert asyncio.run(loads(body)) == value


@given(values, st.data())
def test_what_is_damaged_is_an_error_where_it_is_one_at_once(
    value: Any, data: st.DataObject
) -> None:
    text = json.dumps([value, {"a": value}])
    at = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from(["", "{", "]", ",", '"', ":", "x", "[,", "}"]))
    body = (text[:at] + sign + text[at + 1 :]).encode()
    try:
        expected = json.loads(body)
    except ValueError:
        expected = ValueError
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_in_steps, "FEW_VALUES", 0)
        patch.setattr(json_in_steps, "SMALL_CHARACTERS", 8)
        try:
            found = asyncio.run(loads(body))
        except ValueError:
            found = ValueError
    assert found == expected


@pytest.mark.parametrize(
    "body", [b"", b" ", b"[1,]", b'{"a":1,}', b"[1 2]", b"{1:2}", b"[1] 2", b'{"a" 1}']
)
async def test_what_is_no_json_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # all of them are the same
        await loads(body)


@pytest.mark.parametrize("sign", [b"[", b'{"a":'])
async def test_nesting_has_an_end(sign: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        await loads(sign * 100_000)


@pytest.mark.parametrize("one", [b"{}", b"1", b'"a"', b"[1,1,1]"])
async def test_too_many_values_are_not_made(
    monkeypatch: pytest.MonkeyPatch, one: bytes
) -> None:
    monkeypatch.setattr(json_in_steps, "MAX_VALUES", 99)
    await loads(b"[" + b",".join([one] * 20) + b"]")
    with pytest.raises(TooManyValues):
        await loads(b"[" + b",".join([one] * 100) + b"]")


async def test_bytes_that_are_no_utf_8_cost_themselves() -> None:
    assert await loads(b'"a\xffb"') == "a\ufffdb"
