from itertools import product

import pytest
from rich.color import Color, ColorSystem
from rich.color_triplet import ColorTriplet
from textual.theme import Theme

from icat_tui.domain.status import Category, Status
from icat_tui.tui.theme import COLOURS, DARK, LIGHT, LIGHT_16, MONO, THEMES, VARIABLES, style, theme_for

XTERM = ["#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"]
XTERM += ["#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"]
LINUX = ["#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa"]
LINUX += ["#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff"]
ON = {
    "background": ("foreground", "text", "text-muted", "text-disabled", "primary", "secondary", "warning", "error"),
    "surface": ("foreground", "text", "link-color", "button-foreground"),
    "panel": ("foreground", "text-muted", "foreground-muted"),
    "cursor-background": ("cursor-foreground",),
    "block-cursor-background": ("block-cursor-foreground",),
    "block-cursor-blurred-background": ("block-cursor-blurred-foreground",),
    "footer-background": ("footer-foreground",),
    "footer-key-background": ("footer-key-foreground",),
    "footer-description-background": ("footer-description-foreground",),
    "input-selection-background": ("input-selection-foreground",),
    "input-cursor-background": ("input-cursor-foreground",),
    "screen-selection-background": ("screen-selection-foreground",),
}
"""What stands on what."""
COLOURED = [theme for theme in THEMES if theme.name != MONO]


def seen(colour: str, depth: str) -> ColorTriplet:
    """Return what a colour becomes on a terminal."""
    parsed = Color.parse(colour)
    match depth:
        case "truecolor":
            return parsed.get_truecolor()
        case "256":
            return parsed.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    number = parsed.downgrade(ColorSystem.STANDARD).number
    assert number is not None
    return Color.parse((XTERM if depth == "xterm" else LINUX)[number]).get_truecolor()


def luminance(colour: ColorTriplet) -> float:
    """Return the relative luminance by WCAG 2."""
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def depths(theme: Theme) -> list[str]:
    """Return the kinds of terminal that a theme is used on."""
    return {DARK: ["truecolor", "256", "xterm", "linux"], LIGHT: ["truecolor", "256"], LIGHT_16: ["xterm", "linux"]}[
        theme.name
    ]


def test_the_measure_of_contrast_is_that_of_wcag() -> None:
    assert contrast(ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255)) == pytest.approx(21)
    assert contrast(ColorTriplet(119, 119, 119), ColorTriplet(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("theme", "depth"), [(theme, depth) for theme in COLOURED for depth in depths(theme)])
def test_every_text_has_a_contrast_of_four_and_a_half(theme: Theme, depth: str) -> None:
    colours = {**theme.to_color_system().generate(), **theme.variables}
    pairs = [(text, ground) for ground, texts in ON.items() for text in texts]
    pairs += product((f"status-{name}" for name in COLOURS), ("background", "panel"))
    short = {
        (text, ground): round(contrast(seen(colours[text], depth), seen(colours[ground], depth)), 1)
        for text, ground in pairs
        if contrast(seen(colours[text], depth), seen(colours[ground], depth)) < 4.5
    }
    assert not short


def test_mono_has_the_colours_of_the_terminal_and_no_others() -> None:
    (mono,) = [theme for theme in THEMES if theme.name == MONO]
    colours = {**mono.to_color_system().generate(), **mono.variables}
    allowed = {"ansi_default", "transparent", "none", "bold", "underline", "not underline", "reverse", "b reverse"}
    assert {name: value for name, value in colours.items() if value not in allowed} == {}
    assert colours["cursor-style"] == "reverse"


def test_every_colour_name_of_the_domain_has_a_style_in_every_theme() -> None:
    names = {each.colour for each in (*Status, *Category)}
    assert names <= set(COLOURS)
    for theme in THEMES:
        assert set(VARIABLES) <= set(theme.variables)
        assert all(f"status-{name}" in theme.variables for name in names)
    assert style("green") == "$status-green"
    assert style("reverse") == "reverse"
    assert not style("")


def test_statuses_that_share_a_colour_do_not_share_a_glyph() -> None:
    for kind in (Status, Category):
        assert len({each.glyph for each in kind}) == len(kind)


@pytest.mark.parametrize("wanted", ["dark", "light", "mono"])
def test_without_colour_it_is_mono_whatever_is_wanted(wanted: str) -> None:
    assert theme_for(wanted, "truecolor", no_color=True) == MONO
    assert theme_for(wanted, None, no_color=False) == MONO


@pytest.mark.parametrize("depth", ["truecolor", "256", "standard"])
def test_the_theme_that_is_wanted_is_the_one_for_this_number_of_colours(depth: str) -> None:
    assert theme_for("dark", depth, no_color=False) == DARK
    assert theme_for("light", depth, no_color=False) == (LIGHT_16 if depth == "standard" else LIGHT)
