"""Draw architecture.svg: what runs where, and which package it is of."""

from html import escape
from pathlib import Path

WIDTH, HEIGHT = 760, 520
# Fills are light and texts dark, and what is outside of boxes is of a grey that both themes of the pages show
FILL = {"hepcol": "#dbe7f7", "calib": "#fbe3c8", "processors": "#d9efd9", "files": "#ececec", "outside": "#f3e3f1"}
INK, LINE = "#1b2430", "#7a8694"
BOXES = {  # name: left, top, width, height, package, title, text
    "files": (20, 20, 210, 70, "files", "files", "EDM4hep, PHYSLITE, NanoAOD, flat;\nlocal, root://, s3://, https://"),
    "driver": (275, 20, 210, 70, "hepcol", "execution", "fileset, chunks, ledger,\nretry, resume, snapshots"),
    "command": (530, 20, 210, 70, "hepcol", "hepcol run, hepcol.run", "options, provenance,\nexit codes"),
    "executor": (275, 135, 210, 60, "outside", "coffea's executors", "this process, processes, Dask"),
    "events": (45, 245, 150, 60, "outside", "NanoEvents", "uproot, awkward:\ncolumns when touched"),
    "calibrate": (225, 245, 140, 60, "calib", "calibrate", "nominal and all\nvariations"),
    "process": (395, 245, 150, 60, "processors", "select, observe, fill", "cuts and axes as data"),
    "result": (575, 245, 140, 60, "hepcol", "Result", "histograms, cutflow,\nexact sums"),
    "kernels": (225, 340, 490, 36, "hepcol", "kernels, random: loops over flat arrays, draws by counter", ""),
    "folder": (20, 440, 210, 60, "files", "output folder", "histograms, ledger, provenance,\nresult.zip, report.html"),
    "after": (275, 440, 210, 60, "hepcol", "report, inference, export", "read results, never events"),
    "merge": (530, 440, 210, 60, "hepcol", "merged result", "the same bits in any order;\nevents against the files"),
}
ARROWS = (  # from x, y to x, y
    (530, 55, 487, 55),
    (230, 55, 273, 55),
    (380, 90, 380, 133),
    (195, 275, 223, 275),
    (365, 275, 393, 275),
    (545, 275, 573, 275),
    (645, 394, 645, 438),
    (230, 470, 273, 470),
)


def main() -> None:
    """Write the picture beside this file."""
    root = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img"'
    head = 'id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
    parts = [
        f'<svg {root} aria-label="From files through chunks on workers to a merged result and what reads it">',
        f'<defs><marker {head}><path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>',
        f'<rect x="20" y="215" width="720" height="179" rx="8" fill="none" stroke="{LINE}" stroke-dasharray="5 4"/>',
        f'<text x="32" y="234" font-size="12" fill="{LINE}">on a worker, for each chunk</text>',
        *map(_arrow, ARROWS),
        _path("M 380 195 L 380 213"),
        _path("M 530 460 L 508 460 L 508 420 L 125 420 L 125 438"),
        *(_box(*box) for box in BOXES.values()),
        "</svg>",
    ]
    Path(__file__).with_name("architecture.svg").write_text("\n".join(parts) + "\n")


def _arrow(ends: tuple[int, int, int, int]) -> str:
    return _path("M {} {} L {} {}".format(*ends))


def _path(course: str) -> str:
    return f'<path d="{course}" fill="none" stroke="{LINE}" stroke-width="1.6" marker-end="url(#head)"/>'


def _box(left: int, top: int, width: int, height: int, package: str, title: str, text: str) -> str:
    middle = left + width / 2
    lines = text.splitlines()
    first = top + height / 2 - 7.5 * len(lines) + 5
    rows = [f'<text x="{middle}" y="{first}" font-size="13" font-weight="bold">{escape(title)}</text>']
    rows += [
        f'<text x="{middle}" y="{first + 16 + 14 * number}" font-size="11">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{FILL[package]}" stroke="{LINE}"/>'
        f'<g fill="{INK}" text-anchor="middle">{"".join(rows)}</g>'
    )


if __name__ == "__main__":
    main()
