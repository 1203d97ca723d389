"""What the user can put right, told in one line."""


class SampleError(ValueError):
    """A sample cannot be made or replicated as asked."""
