"""Builds llama.cpp's own programs from the copy of llama.cpp in llama-cpp-python.

The programs stay in `build/llama.cpp` beside the benchmarks, and are built only once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

BUILD = Path(__file__).parent / "build" / "llama.cpp"
CONFIGURE = ("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF", "-DLLAMA_CURL=OFF",
             "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF")  # fmt: skip


def tool(name: str) -> Path:
    """Return the path of a program such as `llama-bench`; build it if it is missing.

    This needs cmake, a C++ compiler and, the first time, a package index.
    """
    folder = BUILD / version("llama-cpp-python")
    binary = folder / "out" / "bin" / name
    if binary.exists():
        return binary
    cmake = shutil.which("cmake") or sys.exit("cmake is needed to build llama.cpp")
    source = _source(folder) / "vendor" / "llama.cpp"
    configure = [cmake, "-S", source, "-B", folder / "out", *CONFIGURE]
    subprocess.run(configure, check=True, stdout=sys.stderr)
    build = [cmake, "--build", folder / "out", "--target", name, "--parallel"]
    subprocess.run(build, check=True, stdout=sys.stderr)
    return binary


def _source(folder: Path) -> Path:
    requirement = f"llama-cpp-python=={version('llama-cpp-python')}"
    unpacked = folder / requirement.replace("-", "_").replace("==", "-")
    if not unpacked.exists():
        folder.mkdir(parents=True, exist_ok=True)
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary",
                    "llama-cpp-python", "--dest", folder, requirement]  # fmt: skip
        subprocess.run(download, check=True, stdout=sys.stderr)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
    return unpacked
