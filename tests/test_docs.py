"""References to the pages of `docs/` lead somewhere: the page, the heading, the rule and the fault are there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
AS_THEY_CAME = {ROOT / "tests" / "fieldkit" / name for name in ("icatplus.py", "maketree.py")}
SOURCES = {
    tree: sorted(set(ROOT.glob(f"{tree}/**/*.py")) - AS_THEY_CAME - {Path(__file__)}) for tree in ("icat_tui", "tests")
}

NUMBERS = r"\d+[a-z]?(?:(?:,\ |\ and\ |\ to\ )\d+[a-z]?)*"
REFERENCE = re.compile(
    rf"""\b(?P<page>[a-z][a-z-]*\.md)\b
    (?:\ (?P<promises>{NUMBERS}))?
    (?P<headings>(?:(?:,|,?\ and)\ "[^"]+"(?:,\ (?:D\d+|{NUMBERS})\b)*)*)""",
    re.VERBOSE,
)
HEADING = re.compile(rf'"(?P<heading>[^"]+)"(?P<places>(?:, (?:D\d+|{NUMBERS})\b)*)')


class Reference(NamedTuple):
    """What a text refers to: a page, and in it a heading and a numbered place."""

    page: str
    heading: str = ""
    places: tuple[str, ...] = ()
    """Ids of faults, numbers of rules or of promises."""


def references(text: str) -> Iterator[Reference]:
    """Return the references of a text to pages; it may be a comment or docstring of several lines."""
    for found in REFERENCE.finditer(re.sub(r"\s*\n[ \t]*(?:#[ \t]*)?", " ", text)):
        page = found["page"]
        yield Reference(page, "", tuple(numbers(found["promises"] or "")))
        for heading in HEADING.finditer(found["headings"]):
            faults = re.findall(r"D\d+", heading["places"])
            yield Reference(page, heading["heading"], (*faults, *numbers(re.sub(r"D\d+", "", heading["places"]))))


def numbers(text: str) -> list[str]:
    """Return the numbers of an enumeration, those between as well: `3 to 5` is 3, 4, 5."""
    found = []
    for first, last in re.findall(r"(\d+[a-z]?)(?: to (\d+))?", text):
        found += [str(number) for number in range(int(first), int(last) + 1)] if last else [first]
    return found


@cache
def sections(page: str) -> dict[str, str]:
    """Return the text below each heading of a page, up to the next heading."""
    parts = re.split(r"^#+ +(.+?) *$", (DOCS / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def places_of(page: str, heading: str) -> set[str]:
    """Return what can be referred to below a heading: ids in a table of faults, numbers of rules with their letters."""
    if page == "promises.md" and not heading:
        return {title.partition(".")[0] for title in sections(page)}
    text = sections(page)[heading]
    ids, rule = set(re.findall(r"^\| (D\d+) \|", text, flags=re.MULTILINE)), ""
    for number, letter in re.findall(r"^(?:(\d+)\. |   ([a-z])\. )", text, flags=re.MULTILINE):
        rule = number or rule
        ids.add(f"{rule}{letter}")
    return ids


def mistake(reference: Reference) -> str | None:
    """Return what is wrong with a reference; None if it leads somewhere."""
    page, heading, places = reference
    if not (DOCS / page).is_file():
        return f"there is no page docs/{page}"
    if heading and heading not in sections(page):
        return f'docs/{page} has no heading "{heading}"'
    lost = sorted(set(places) - places_of(page, heading)) if places else []
    return f'docs/{page}, "{heading}" has no {", ".join(lost)}' if lost else None


@pytest.mark.parametrize("tree", ["icat_tui", "tests"])
def test_every_reference_leads_to_a_page_and_a_place_in_it(tree: str) -> None:
    mistakes = {
        str(path.relative_to(ROOT)): [wrong for each in references(path.read_text()) if (wrong := mistake(each))]
        for path in SOURCES[tree]
    }
    assert {path: wrong for path, wrong in mistakes.items() if wrong} == {}


def test_the_package_refers_to_faults_rules_and_promises() -> None:
    found = [each for path in SOURCES["icat_tui"] for each in references(path.read_text())]
    places = {(page, heading) for page, heading, places in found if places}
    assert places >= {("promises.md", ""), ("icat.md", "Known faults"), ("icat.md", "Rules of choice")}
    assert sum(bool(each.heading) for each in found) > 100


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('(icat.md, "Raw data")', 'docs/icat.md has no heading "Raw data"'),
        ('icat.md, "Paths", "Rules of chance".', 'docs/icat.md has no heading "Rules of chance"'),
        ('# what (interface.md,\n    # "No such\n    # thing")', 'docs/interface.md has no heading "No such thing"'),
        ('icat.md, "Known faults", D999', 'docs/icat.md, "Known faults" has no D999'),
        ('icat.md, "Rules of choice", 9 and 99', 'docs/icat.md, "Rules of choice" has no 99'),
        ('icat.md, "Rules of choice", 5z', 'docs/icat.md, "Rules of choice" has no 5z'),
        ("promises.md 12 to 15", 'docs/promises.md, "" has no 14, 15'),
        ("facts.md", "there is no page docs/facts.md"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(text: str, wrong: str) -> None:
    assert [mistake(each) for each in references(text) if mistake(each)] == [wrong]


def test_the_promises_name_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[^`]*)`", (DOCS / "promises.md").read_text())
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
