from __future__ import annotations

import sqlite3

import pytest

from starcoder_lsp.context.imports import imported_files
from starcoder_lsp.context.index import Index
from starcoder_lsp.context.symbols import Import, Symbols

# language, files of the workspace, the importing one, module, names, what is found
CASES = [
    ("python", "a.py util.py", "a.py", "util", "f", "util.py"),
    ("python", "src/app/a.py src/app/b.py", "src/app/a.py", "app.b", "f", "src/app/b.py"),
    ("python", "app/a.py app/b.py", "app/a.py", ".b", "f", "app/b.py"),
    ("python", "app/x/a.py app/b.py", "app/x/a.py", "..b", "f", "app/b.py"),
    ("python", "app/x/a.py app/b.py", "app/x/a.py", "..", "b", "app/b.py"),
    ("python", "a.py app/__init__.py app/b.py", "a.py", "app", "b", "app/b.py app/__init__.py"),
    ("python", "a.py deep/in/json.py", "a.py", "json", "", ""),
    ("python", "tests/a.py src/lib/core.py", "tests/a.py", "lib.core", "f", "src/lib/core.py"),
    ("typescript", "src/a.ts src/b.ts", "src/a.ts", "./b", "f", "src/b.ts"),
    ("typescript", "src/a.ts src/b.ts", "src/a.ts", "./b.js", "f", "src/b.ts"),
    ("typescript", "src/a.ts src/ui/index.tsx", "src/a.ts", "./ui", "f", "src/ui/index.tsx"),
    ("typescript", "src/x/a.ts src/b.ts", "src/x/a.ts", "../b", "f", "src/b.ts"),
    ("typescript", "src/a.ts src/lib/deep/b.ts", "src/a.ts", "@/lib/deep/b", "f", "src/lib/deep/b.ts"),
    ("typescript", "src/a.ts node/react.ts", "src/a.ts", "react-dom", "f", ""),
    ("javascript", "a.js b.mjs", "a.js", "./b.mjs", "f", "b.mjs"),
    ("go", "cmd/main.go pkg/store/db.go pkg/store/tx.go", "cmd/main.go", "github.com/me/app/pkg/store", "", "pkg/store/db.go pkg/store/tx.go"),
    ("rust", "src/main.rs src/net/mod.rs", "src/main.rs", "crate::net", "Client", "src/net/mod.rs"),
    ("rust", "src/main.rs src/net/http.rs", "src/main.rs", "crate::net::http", "get", "src/net/http.rs"),
    ("rust", "src/net/mod.rs src/net/http.rs", "src/net/mod.rs", "self::http", "get", "src/net/http.rs"),
    ("rust", "src/net/tcp.rs src/net/http.rs", "src/net/tcp.rs", "super::http", "get", "src/net/http.rs"),
    ("java", "src/main/java/org/me/A.java src/main/java/org/me/io/B.java", "src/main/java/org/me/A.java", "org.me.io.B", "", "src/main/java/org/me/io/B.java"),
    ("java", "org/me/A.java org/me/io/B.java org/me/io/C.java", "org/me/A.java", "org.me.io", "*", "org/me/io/B.java org/me/io/C.java"),
    ("kotlin", "app/A.kt app/io/B.kt", "app/A.kt", "app.io.B", "", "app/io/B.kt"),
    ("scala", "app/A.scala app/io/B.scala", "app/A.scala", "app.io", "B", "app/io/B.scala"),
    ("csharp", "Shop/A.cs Shop/Models/Item.cs Shop/Models/Price.cs", "Shop/A.cs", "Shop.Models", "", "Shop/Models/Item.cs Shop/Models/Price.cs"),
    ("c", "src/a.c src/b.h", "src/a.c", "b.h", "", "src/b.h"),
    ("cpp", "src/a.cpp include/lib/b.hpp", "src/a.cpp", "lib/b.hpp", "", "include/lib/b.hpp"),
    ("cpp", "src/a.cpp include/vector.h", "src/a.cpp", "<vector>", "", ""),
    ("php", "src/A.php src/Models/User.php", "src/A.php", "App\\Models\\User", "", "src/Models/User.php"),
    ("ruby", "lib/a.rb lib/b.rb", "lib/a.rb", "./b", "", "lib/b.rb"),
    ("ruby", "bin/a.rb lib/app/b.rb", "bin/a.rb", "app/b", "", "lib/app/b.rb"),
    ("lua", "main.lua app/util.lua", "main.lua", "app.util", "", "app/util.lua"),
    ("dart", "lib/a.dart lib/src/b.dart", "lib/a.dart", "package:app/src/b.dart", "", "lib/src/b.dart"),
    ("elixir", "lib/app/a.ex lib/app/mail.ex", "lib/app/a.ex", "App.Mail", "", "lib/app/mail.ex"),
    ("haskell", "src/A.hs src/Data/Tree.hs", "src/A.hs", "Data.Tree", "", "src/Data/Tree.hs"),
    ("nobody-knows-this", "a.x b.x", "a.x", "b", "", ""),
]  # fmt: skip


def index_of(paths: str) -> Index:
    """Files that declare their folder as their package, as each language does."""
    index = Index(sqlite3.connect(":memory:"))
    for path in paths.split():
        folder = path.rpartition("/")[0]
        is_go = path.endswith(".go")
        package = folder.rpartition("/")[2] if is_go else folder.replace("/", ".")
        index.put(path, "", Symbols("", package=package))
    return index


@pytest.mark.parametrize(
    ("language", "files", "path", "module", "names", "expected"),
    CASES,
    ids=[f"{case[0]} {case[3]} {case[4]}" for case in CASES],
)
def test_an_import_leads_to_its_file(
    language: str, files: str, path: str, module: str, names: str, expected: str
) -> None:
    each = Import(module, 0, tuple(names.split()))
    found = imported_files(each, path, language, index_of(files))
    assert found == expected.split()


CONFIG = '{"compilerOptions": { // why\n "paths": {"~shared/*": ["code/shared/*"],}}}'


@pytest.mark.parametrize(
    ("configs", "found"),
    [
        ({"tsconfig.json": CONFIG}, "code/shared/b.ts"),
        ({"tsconfig.json": "{}", "tsconfig.base.json": CONFIG}, "code/shared/b.ts"),
        (
            {"tsconfig.json": CONFIG, "web/tsconfig.json": CONFIG},
            "web/code/shared/b.ts",
        ),
        ({"other/tsconfig.json": CONFIG}, ""),
    ],
)
def test_paths_of_a_tsconfig_hold_below_it(configs: dict[str, str], found: str) -> None:
    index = index_of("web/a.ts code/shared/b.ts web/code/shared/b.ts code/other/b.ts")
    for path, text in configs.items():
        index.put(path, text, Symbols("json"))
    each = Import("~shared/b", 0, ("f",))
    assert imported_files(each, "web/a.ts", "typescript", index)[:1] == found.split()


def test_of_two_files_the_nearer_one_is_meant() -> None:
    index = index_of("one/lib/util.py two/lib/util.py two/app.py")
    each = Import("lib.util", 0, ("f",))
    assert imported_files(each, "two/app.py", "python", index) == ["two/lib/util.py"]
