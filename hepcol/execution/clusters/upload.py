"""Modules of the user, on their way to workers."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

_NOT_SENT = {"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def checked(path: str) -> str:
    """Return the full name of what is to be sent.

    Raises
    ------
    ValueError
        If it is no module, package or wheel.
    """
    given = Path(path).expanduser().absolute()
    is_package = (given / "__init__.py").is_file()
    if not (is_package or (given.is_file() and given.suffix in (".py", ".whl", ".zip"))):
        what = "has no __init__.py" if given.is_dir() else "is none of these" if given.exists() else "is not there"
    elif given.suffix in (".whl", ".zip") and not is_package and not zipfile.is_zipfile(given):
        what = "is no archive"
    else:
        return str(given)
    raise ValueError(f"expected a module.py, the folder of a package, a wheel or a .zip of them: '{path}' {what}")


def packed(paths: Sequence[str]) -> bytes:
    """Pack what is to be sent, by the names that Python looks for."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in map(Path, paths):
            for name, content in _files(path):
                # with a date of its own, so that the same files are the same archive
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Return the files of a module, package or archive by their names from where Python looks."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and not _NOT_SENT & set(file.relative_to(path).parts):
                yield str(Path(path.name) / file.relative_to(path)), file.read_bytes()
    elif path.suffix == ".py":
        yield path.name, path.read_bytes()
    else:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    yield name, archive.read(name)
