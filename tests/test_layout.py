"""The layout of the tests: fixtures in conftest.py only, what is shared in `tests/support`, no test imports another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
AS_THEY_CAME = {TESTS / "fieldkit" / name for name in ("icatplus.py", "maketree.py")}
MODULES = {
    str(path.relative_to(TESTS)): ast.parse(path.read_text())
    for path in sorted(TESTS.rglob("*.py"))
    if path not in AS_THEY_CAME
}
CONFTESTS = [name for name in MODULES if Path(name).name == "conftest.py"]


def is_fixture(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(each).startswith("pytest.fixture") for each in node.decorator_list
    )


def is_hook(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("pytest_")


def imported(tree: ast.AST) -> Iterator[str]:
    """Return the names of modules that are imported, anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_fixtures_stand_in_conftest_files_only() -> None:
    assert {name for name, tree in MODULES.items() if any(map(is_fixture, ast.walk(tree)))} == set(CONFTESTS)


@pytest.mark.parametrize("name", CONFTESTS)
def test_a_conftest_file_holds_fixtures_and_hooks_and_nothing_else(name: str) -> None:
    first, *others = MODULES[name].body
    assert isinstance(first, ast.Expr), "what it is for"
    rest = [node for node in others if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in rest if not is_fixture(node) and not is_hook(node)] == []


def test_no_module_imports_from_a_test_module_or_a_conftest_file() -> None:
    wrong = [
        f"{name}: {module}"
        for name, tree in MODULES.items()
        for module in imported(tree)
        if module.startswith("tests.") and any(is_no_support(part) for part in module.split(".")[1:-1])
    ]
    assert wrong == []


def is_no_support(module: str) -> bool:
    return module == "conftest" or module.startswith("test_")


def test_no_test_sleeps() -> None:
    calls = {
        name: [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"]
        for name, tree in MODULES.items()
        if Path(name).name.startswith("test_") or name.startswith("support/")
    }
    assert {name for name, found in calls.items() if found} == set()
