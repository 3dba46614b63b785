"""Check that files and functions stay readable: the limits of the house, with the few exceptions named."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
TABLES = {"core/catalogue.py"}
"""Data tables may be longer than code."""


def main() -> int:
    faults = []
    files = functions = 0
    for path in sorted((ROOT / "src").rglob("*.py")):
        name = str(path.relative_to(ROOT / "src" / "posthouse"))
        text = path.read_text()
        lines = text.count("\n")
        files += 1
        if lines > MAX_FILE_LINES and name not in TABLES:
            faults.append(f"{name}: {lines} lines, limit {MAX_FILE_LINES}: split it by subject")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions += 1
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > MAX_FUNCTION_LINES:
                    faults.append(
                        f"{name}:{node.lineno}: {node.name} has {size} lines, limit {MAX_FUNCTION_LINES}"
                    )
    print("\n".join(faults) or f"sizes: {files} files, {functions} functions, all within the limits")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
