"""What all figures share: SVG whose colours are the page's and whose text stays text.

The same results give the same bytes: no date, ids from a fixed salt, prefixed a figure.
"""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

#: Colours drawn by matplotlib → CSS variable of the page, and the colour in a file of its own.
PALETTE = {
    "#010203": ("--ink", "#1f2430"),
    "#040506": ("--rule", "#c9cdd6"),
    "#070809": ("--arm0", "#5b6470"),
    "#0a0b0c": ("--arm1", "#0b6e99"),
    "#0d0e0f": ("--arm2", "#a3470d"),
    "#101112": ("--arm3", "#5a3d9a"),
    "#131415": ("--paper", "#ffffff"),
}
INK, RULE, ARM0, ARM1, ARM2, ARM3, PAPER = PALETTE
ARMS = (ARM0, ARM1, ARM2, ARM3)
MARKERS = ("o", "s", "^", "D")


class Shown(Protocol):
    """What figures are made of: it says whether a program drew its data."""

    @property
    def simulated(self) -> bool:
        """Whether it is marked as simulated."""
        ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure: its name, caption, text alternative, and SVG for the page and for a file."""

    name: str
    caption: str
    alternative: str
    inline: str
    standalone: str


@contextmanager
def style() -> Generator[None]:
    import matplotlib as mpl

    settings: Any = {
        "svg.fonttype": "none",
        "text.parse_math": False,  # a label is text: a dollar sign is a dollar sign
        "svg.hashsalt": "equipoise",
        "font.family": "sans-serif",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": RULE,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": RULE,
        "legend.frameon": False,
        "axes.unicode_minus": True,
    }
    with mpl.rc_context(settings):
        yield


#: Stands once on the root of a drawing instead of on each of its words.
_FONTS = "DejaVu Sans, Verdana, Liberation Sans, Arial, sans-serif"

#: What the markers of a line say: id of the line → one text a marker, None for silence.
Points = dict[str, "list[str | None]"]


def tell(points: Points, line: Line2D, texts: Sequence[str | None]) -> None:
    """Let each marker of a line say its numbers, in the order in which they are drawn."""
    key = f"points-{len(points) + 1}"
    line.set_gid(key)
    points[key] = list(texts)


def svg_texts(
    figure: Figure, name: str, alternative: str, origin: str, points: Points | None = None
) -> tuple[str, str]:
    """SVG for the page (CSS variables) and as a file (fixed colours)."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    # The canvas lays the figure out while it draws; `savefig` draws once before, only for that.
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<text style="[^"]*?) ?font-family: [^";]*;', r"\1", svg)
    for key, texts in (points or {}).items():
        svg = _with_titles(svg, key, texts)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", svg)
    title = f"<title>{escape(alternative)}</title>"
    svg = re.sub(r"<svg[^>]*>", lambda found: found.group(0) + title, svg, count=1)
    root = f'<svg role="img" data-origin="{origin}" font-family="{_FONTS}" '
    svg = svg.replace("<svg ", root, 1)
    inline, standalone = svg, svg
    for drawn, (variable, colour) in PALETTE.items():
        inline = inline.replace(drawn, f"var({variable})")
        standalone = standalone.replace(drawn, colour)
    inline = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", inline, count=1)
    header = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return inline, header + standalone


def _with_titles(svg: str, key: str, texts: Sequence[str | None]) -> str:
    """Give each marker of one line its title; a browser shows it where the pointer rests."""
    start = svg.index(f'<g id="{key}">')
    end = svg.index("</g>", svg.index("<use ", start))
    marks = re.findall(r"<use [^>]*/>", svg[start:end])
    if len(marks) != len(texts):
        raise ValueError(f"{len(texts)} texts for {len(marks)} markers")
    told = iter(texts)

    def wrap(found: re.Match[str]) -> str:
        text = next(told)
        if text is None:
            return found.group(0)
        return f'<g class="point"><title>{escape(text)}</title>{found.group(0)}</g>'

    return svg[:start] + re.sub(r"<use [^>]*/>", wrap, svg[start:end]) + svg[end:]


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mark_simulated(axes: Axes, results: Shown) -> None:
    if results.simulated:
        write_simulated(axes)


def write_simulated(axes: Axes) -> None:
    """The word behind what is drawn."""
    axes.text(
        0.5, 0.5, "SIMULATED", transform=axes.transAxes, ha="center", va="center",
        fontsize=26, color=RULE, alpha=0.45, rotation=20, zorder=0, weight="bold",
    )  # fmt: skip


def plain_log_ticks(axes: Axes, axis: str = "y") -> None:
    """Ticks of a ratio axis as plain numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    side = axes.yaxis if axis == "y" else axes.xaxis
    ticks = [t for t in MaxNLocator(6).tick_values(low, high) if low <= t <= high and t > 0]
    if len(ticks) >= 2:
        (axes.set_yticks if axis == "y" else axes.set_xticks)(ticks)
    side.set_minor_locator(NullLocator())
    side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
