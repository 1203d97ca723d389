"""Pictures of a folder, and of figures, as a page holds them."""

import base64
import io
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hepcol import store
from hepcol.report.blocks import Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SIZE = struct.Struct(">II")  # at byte 16, of the first chunk, which is the header


def read_picture(path: Path, title: str) -> Picture | None:
    """Read a PNG file; None if it is not one."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return picture_of(content, title)


def picture_of(content: bytes, title: str) -> Picture | None:
    """Take the content of a PNG file; None if it is not one."""
    if not content.startswith(_SIGNATURE) or len(content) < 16 + _SIZE.size:
        return None
    width, height = _SIZE.unpack_from(content, 16)
    return Picture(title, base64.b64encode(content).decode(), width, height)


def draw_picture(figure: Figure, title: str) -> Picture | None:
    """Draw a figure, within :func:`hepcol.report.style.style`."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return picture_of(file.getvalue(), title)


def find_pictures(folder: Path, names: Iterable[str]) -> list[Path]:
    """Find the PNG files among names of files and folders in a folder, and nowhere else."""
    found: dict[Path, None] = {}
    for name in names:
        path = folder / name
        if not is_inside(folder, path):
            continue
        inside = _inside(path) if path.is_dir() else [path] if path.suffix == ".png" and path.is_file() else []
        found |= dict.fromkeys(sorted(inside, key=_natural))
    return [path for path in found if store.PARTIAL not in path.relative_to(folder).parts]


def _inside(folder: Path) -> Iterator[Path]:
    """Find the PNG files of a folder, but not those of other runs in it."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if not (path / store.SUMMARY).exists():
                yield from _inside(path)
        elif path.suffix == ".png":
            yield path


def is_inside(folder: Path, path: Path) -> bool:
    """Whether a path does not lead out of a folder, whatever somebody wrote into its summary."""
    return folder.resolve() in (path.resolve(), *path.resolve().parents)


def read_pictures(paths: Sequence[Path], titles: Sequence[str]) -> Iterator[Picture]:
    """Read those of some files that are pictures."""
    for path, title in zip(paths, titles, strict=True):
        picture = read_picture(path, title)
        if picture is not None:
            yield picture


def _natural(path: Path) -> list[tuple[str, int]]:
    """Order names with numbers in them by these."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", str(path))]
