"""``python -m hepcol``."""

from hepcol.cli import main

if __name__ == "__main__":
    main()
