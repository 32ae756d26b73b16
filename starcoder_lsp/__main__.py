"""`python -m starcoder_lsp`, which is refused where it would import a project's files."""

import sys
from pathlib import Path

if not sys.flags.safe_path and Path(sys.path[0] or ".").resolve() == Path.cwd():
    sys.exit(
        "`python -m` imports modules from the current directory; "
        "run `starcoder-lsp`, or `python -P -m starcoder_lsp`"
    )

from starcoder_lsp.cli import main

main()
