"""What goes wrong in a run over three files of markers, at random."""

from hypothesis import strategies as st

EVENTS = 300

faults = st.tuples(
    st.sampled_from(["error", "timeout", "reset", "exit", "interrupt", "crash"]),
    st.integers(0, EVENTS - 1),
    st.none() | st.integers(1, 4),
)


def rounds(most_faults, most_rounds, **further):
    """Return runs one after another: their faults, the files that are missing, the size of chunks, and more."""
    told = {
        "faults": st.lists(faults, max_size=most_faults),
        "missing": st.sets(st.integers(0, 2), max_size=2),
        "chunksize": st.integers(7, 120),
        **further,
    }
    return st.lists(st.fixed_dictionaries(told), min_size=1, max_size=most_rounds)
