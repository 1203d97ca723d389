"""The note in which a file of a sample says what it is, as JSON."""

from importlib.metadata import PackageNotFoundError, version

NOTE_KEY = "hepcol_sample"


def created_by() -> str:
    """Name hepcol and its version."""
    try:
        return f"hepcol {version('hepcol')}"
    except PackageNotFoundError:
        return "hepcol unknown"
