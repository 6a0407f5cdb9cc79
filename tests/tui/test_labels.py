"""What is given to a widget to show is never a `str`: textual reads those as markup (interface.md, "Screen")."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import icat_tui.tui

ROOM = Path(icat_tui.tui.__file__).parent
TAKES_A_TEXT = {"Static", "Label", "Button", "Checkbox", "RadioButton", "Option", "Selection", "Collapsible", "Tab"}
TAKES_A_TEXT |= {"TabPane", "Toast", "Link"}
SETS_A_TEXT = {"update", "write", "add_option", "add_column", "add_row", "set_label"}
MARKED_UP = {"from_markup", "render"}
TITLES = {"border_title", "border_subtitle", "tooltip", "label"}
NOTIFIES = {"notify"}


def is_text(node: ast.expr) -> bool:
    """Return whether an expression is, to all appearance, a str."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, right=right):
            return is_text(left) or is_text(right)
        case ast.IfExp(body=body, orelse=orelse):
            return is_text(body) or is_text(orelse)
        case ast.Call(func=ast.Name(id="str" | "visible" | "repr" | "format")):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join", value=value)):
            return is_text(value)
    return False


def complaints(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and is_text(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr in TITLES:
                    yield node.lineno, target.attr
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("label", "title"))]
        if name in MARKED_UP and isinstance(node.func, ast.Attribute) and name == "from_markup":
            yield node.lineno, name
        if name in TAKES_A_TEXT | SETS_A_TEXT and any(is_text(each) for each in given):
            yield node.lineno, name
        if name in NOTIFIES and not any(
            keyword.arg == "markup" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            for keyword in node.keywords
        ):
            yield node.lineno, name


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOM)))
def test_no_widget_is_given_a_str(path: Path) -> None:
    assert list(complaints(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "Static('a[b]c')",
        "Label(f'{name}')",
        "self.query_one(Static).update('x' + name)",
        "log.write(visible(name))",
        "button.label = str(name)",
        "pane.border_title = f'{name}'",
        "Content.from_markup(name)",
        "self.notify(name)",
        "table.add_row(Text(a), 'b')",
        "Collapsible(title='x')",
        "Static(a if b else 'c')",
        "Label(', '.join(names))",
    ],
)
def test_a_str_that_is_given_to_a_widget_is_found(code: str) -> None:
    assert list(complaints(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["Static(Content(name))", "self.notify(name, markup=False)", "log.write(Text('x'))", "write_file('a')"]
)
def test_texts_that_are_objects_are_let_through(code: str) -> None:
    assert not list(complaints(ast.parse(code)))
