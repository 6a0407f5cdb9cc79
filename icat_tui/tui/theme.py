"""Our own themes, and what the colour names of `domain.status` look like in each of them.

What must stay true: every text has a contrast of at least 4.5 to 1 to what it stands on, in every number of colours
that the theme is used with. Glyphs and words say the same as colours, so that the theme without any loses nothing.
"""

from textual.theme import Theme

COLOURS = ("green", "magenta", "yellow", "cyan", "red", "blue", "grey", "reverse")
"""The colour names of `domain.status`. `reverse` is the text's own colour, reversed."""
DARK, LIGHT, LIGHT_16, MONO = "icat-dark", "icat-light", "icat-light-16", "icat-mono"


def _palette(foreground: str, **colours: str) -> dict[str, str]:
    """Return a theme's variables for statuses and for the texts that textual would fade below a legible contrast."""
    shades = {f"status-{name}": colour for name, colour in colours.items()}
    styles = {f"status-{name}-style": "none" for name in COLOURS} | {"status-reverse-style": "reverse"}
    texts = dict.fromkeys(
        ("text", "text-muted", "text-disabled", "foreground-muted", "foreground-disabled"), foreground
    )
    return {**shades, "status-reverse": foreground, **styles, **texts, "cursor-style": "bold"}


def _cursor(foreground: str, background: str) -> dict[str, str]:
    return {
        "cursor-foreground": foreground,
        "cursor-background": background,
        "block-cursor-foreground": foreground,
        "block-cursor-background": background,
        "block-cursor-blurred-foreground": foreground,
        "block-cursor-blurred-background": background,
        "input-selection-foreground": foreground,
        "input-selection-background": background,
        "screen-selection-foreground": foreground,
        "screen-selection-background": background,
    }


def _furniture(foreground: str, background: str, key: str) -> dict[str, str]:
    """Return the variables of what stands around: footer, scrollbars, inputs, buttons."""
    return {
        "footer-foreground": foreground,
        "footer-background": background,
        "footer-description-foreground": foreground,
        "footer-description-background": background,
        "footer-item-background": background,
        "footer-key-foreground": key,
        "footer-key-background": background,
        "input-cursor-foreground": background,
        "input-cursor-background": foreground,
        "button-foreground": foreground,
        "button-color-foreground": background,
        "button-focus-text-style": "bold reverse",
        "scrollbar": key,
        "scrollbar-hover": key,
        "scrollbar-active": key,
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
        "link-color": key,
        "link-style": "underline",
    }


def _dark() -> Theme:
    foreground, background, key = "#e4e4e4", "#121212", "#87d7ff"
    return Theme(
        name=DARK,
        primary=key,
        secondary="#a8a8a8",
        warning="#ffd75f",
        error="#ff8787",
        success="#5fd75f",
        accent="#ff87ff",
        foreground=foreground,
        background=background,
        surface=background,
        panel="#1c1c1c",
        boost=background,
        dark=True,
        variables={
            **_palette(
                foreground,
                green="#5fd75f",
                magenta="#ff87ff",
                yellow="#ffd75f",
                cyan="#00afaf",
                red="#ff8787",
                blue="#87d7ff",
                grey="#a8a8a8",
            ),
            **_cursor("#ffffff", "#0000af"),
            **_furniture(foreground, background, key),
        },
    )


def _light(name: str, **colours: str) -> Theme:
    foreground, background = "#1c1c1c", "#ffffff"
    return Theme(
        name=name,
        primary=colours["blue"],
        secondary=colours["grey"],
        warning=colours["yellow"],
        error=colours["red"],
        success=colours["green"],
        accent=colours["magenta"],
        foreground=foreground,
        background=background,
        surface=background,
        panel="#eeeeee",
        boost=background,
        dark=False,
        variables={
            **_palette(foreground, **colours),
            **_cursor("#ffffff", "#0000af"),
            **_furniture(foreground, background, colours["blue"]),
        },
    )


def _mono() -> Theme:
    """Return a theme in the terminal's own two colours: what stands out is bold or reversed."""
    plain = Theme(
        name=MONO,
        ansi=True,
        primary="ansi_default",
        foreground="ansi_default",
        background="ansi_default",
        variables={
            **_palette("ansi_default", **dict.fromkeys(COLOURS, "ansi_default")),
            **dict.fromkeys(_cursor("", ""), "ansi_default"),
            "ansi-foreground": "ansi_default",  # textual's style sheets want these of a theme with `ansi`
            "ansi-background": "ansi_default",
            "cursor-style": "reverse",
            "block-cursor-text-style": "reverse",
            "block-cursor-blurred-text-style": "reverse",
        },
    )
    for name, value in plain.to_color_system().generate().items():
        if "ansi" in value and value != "ansi_default":
            plain.variables[name] = "ansi_default"
    return plain


_LIGHT = {
    "green": "#005f00",
    "magenta": "#870087",
    "yellow": "#5f4700",
    "cyan": "#005f5f",
    "red": "#af0000",
    "blue": "#0000af",
    "grey": "#4e4e4e",
}
_NEARLY_BLACK = {"green": "#005000", "cyan": "#003030", "yellow": "#483200", "grey": "#282828"}
"""16 colours have no green, cyan, yellow or grey that can be read on white: these become black."""

THEMES = (_dark(), _light(LIGHT, **_LIGHT), _light(LIGHT_16, **_LIGHT | _NEARLY_BLACK), _mono())
VARIABLES = {name: value for name, value in THEMES[0].variables.items() if name.startswith(("status-", "cursor-"))}
"""For `App.get_theme_variable_defaults`: our style sheets hold on to these under textual's own themes too."""


def theme_for(wanted: str, colour_system: str | None, *, no_color: bool) -> str:
    """Return the name of the theme for what was `wanted` (`dark`, `light` or `mono`) on this terminal.

    `colour_system` is rich's word for it: `truecolor`, `256`, `standard` (16 colours), None (none at all). An app under
    NO_COLOR has to be made with `ansi_color=True`, or else textual sends greys.
    """
    if no_color or colour_system is None or wanted == "mono":
        return MONO
    if wanted == "light":
        return LIGHT_16 if colour_system == "standard" else LIGHT
    return DARK


def style(colour: str) -> str:
    """Return the style of a colour name for a span of `Content`."""
    if not colour:
        return ""
    return "reverse" if colour == "reverse" else f"$status-{colour}"


STATUS_CSS = "\n".join(
    f"& > .status--{name} {{ color: $status-{name}; text-style: $status-{name}-style; }}" for name in COLOURS
)
"""For the style sheet of a widget that draws lines: its component classes are `STATUS_CLASSES`."""
STATUS_CLASSES = {f"status--{name}" for name in COLOURS}
