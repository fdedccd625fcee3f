"""Break a module in many small ways and see whether its tests notice.

    python scripts/mutants.py am_core/resolution/queue.py tests/core/test_core_queue.py tests/core/test_core_stateful.py

Every mutant changes one operator or constant, or leaves out one statement. Those that all tests let pass are listed
with their line; each wants a test, or a word in tests/core/MUTANTS.md on why it makes no difference. Works on a copy.
"""

from __future__ import annotations

import ast
import copy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 60.0
"""Seconds after which a mutant counts as noticed, because it hangs."""

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[str, object, object]]:
    """Attribute, old and new value of every way to change a node itself."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)) and type(node.op) in SWAPS:
        yield "op", node.op, SWAPS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            yield "ops", node.ops, [*node.ops[:i], SWAPS[type(op)](), *node.ops[i + 1 :]]
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
        yield "value", node.value, not node.value if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "test", node.test, ast.UnaryOp(ast.Not(), node.test)
    for field in ("value", "test", "operand", "left", "right", "elt"):
        inner = getattr(node, field, None)
        if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, (ast.Not, ast.Invert)):
            yield field, inner, inner.operand
    for field in ("body", "orelse"):
        statements = getattr(node, field, None)
        for i, one in enumerate(statements if isinstance(statements, list) else ()):
            if isinstance(one, (ast.Assign, ast.AugAssign, ast.Return, ast.Break, ast.Continue)) or (
                isinstance(one, ast.Expr) and not isinstance(one.value, ast.Constant)
            ):
                kept = ast.copy_location(ast.Pass(), one)
                yield field, statements, [*statements[:i], kept, *statements[i + 1 :]]


def inside(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes inside functions, without annotations."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                hints = {
                    n for one in ast.walk(statement) if isinstance(one, ast.AnnAssign) for n in ast.walk(one.annotation)
                }
                yield from (node for node in ast.walk(statement) if node not in hints)


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what was changed, and the whole text of every mutant."""
    tree = ast.parse(source)
    original = ast.unparse(tree).splitlines()
    seen: set[str] = set()
    for node in dict.fromkeys(inside(tree)):
        for field, old, new in list(changes(node)):
            setattr(node, field, new)
            text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))
            setattr(node, field, old)
            if text in seen:
                continue
            seen.add(text)
            lines = text.splitlines()
            at = next((i for i, (a, b) in enumerate(zip(original, lines, strict=False)) if a != b), 0)
            yield getattr(node, "lineno", 0), f"{original[at].strip()}  ->  {lines[at].strip()}", text


def main(module: str, *tests: str) -> int:
    """Try all mutants of one module; returns how many survived."""
    source = (ROOT / module).read_text()
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder)
        for part in ("am_core", "tests/core"):
            shutil.copytree(ROOT / part, copied / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "tests/conftest.py"):
            shutil.copy(ROOT / part, copied / part)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]

        def passes() -> bool:
            try:
                run = subprocess.run(command, cwd=copied, capture_output=True, timeout=LIMIT, check=False)
                return run.returncode == 0
            except subprocess.TimeoutExpired:
                return False

        if not passes():
            sys.exit("the tests fail before anything is changed")
        total = survived = 0
        for line, what, text in mutants(source):
            (copied / module).write_text(text)
            total += 1
            if passes():
                survived += 1
                print(f"{module}:{line}: {what}", flush=True)
        print(f"{module}: {total - survived} of {total} mutants were noticed")
    return survived


if __name__ == "__main__":
    main(*sys.argv[1:])
