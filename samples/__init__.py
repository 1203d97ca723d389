"""Sample definitions, generators, and the small samples shipped with hepcol."""
