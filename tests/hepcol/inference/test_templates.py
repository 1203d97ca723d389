"""Templates: what is kept, what is changed, and that it is told."""

import math

import hist
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.errors import InputError
from hepcol.inference.templates import (
    FLOOR,
    Template,
    clipped,
    floored,
    identical,
    one_sided_ratios,
    pair_sides,
    settle,
    sum_templates,
    symmetrised,
    two_sided_ratios,
)

events = st.floats(-100, 1000)
positive = st.floats(0.01, 1000)
ratios = st.floats(0.01, 3)


def one(content, variance=1.0, entries=None):
    return Template.of_one_bin(content, variance, entries)


def content(template):
    (value,) = template.contents
    return value


@pytest.fixture
def with_flow():
    """Weights of 1 to 6 below, in and above four bins."""
    histogram = hist.Hist(hist.axis.Regular(4, 0, 4, name="x"), storage=hist.storage.Weight())
    histogram.fill([-1, 0.5, 1.5, 2.5, 3.5, 9], weight=[1, 2, 3, 4, 5, 6])
    return histogram


def test_bug_2_flow_bins_are_folded_with_their_variances(with_flow):
    template = Template.from_hist(with_flow)
    assert template.contents.tolist() == [1 + 2, 3, 4, 5 + 6]
    assert template.variances.tolist() == [1 + 4, 9, 16, 25 + 36]
    assert (template.total, template.variance) == (21, 91)


def test_counts_are_their_own_variances(with_flow):
    entries = hist.Hist(*with_flow.axes, storage=hist.storage.Int64())
    entries.fill([-1, 0.5, 1.5, 2.5, 3.5, 9])
    counted = Template.from_hist(entries)
    assert counted.contents.tolist() == counted.variances.tolist() == [2, 1, 1, 2]


@given(st.lists(st.tuples(st.floats(-2, 6), st.floats(-3, 3)), max_size=20))
def test_folding_loses_nothing(filled):
    histogram = hist.Hist(hist.axis.Variable([0, 1, 3, 4], name="x"), storage=hist.storage.Weight())
    for x, weight in filled:
        histogram.fill(x, weight=weight)
    template = Template.from_hist(histogram)
    assert template.total == pytest.approx(sum(weight for _, weight in filled))
    assert template.variance == pytest.approx(sum(weight**2 for _, weight in filled))


def test_an_axis_without_flow_bins_is_taken_as_it_is():
    histogram = hist.Hist(hist.axis.Regular(2, 0, 2, underflow=False, overflow=False), storage=hist.storage.Weight())
    histogram.fill([0.5, 1.5, 7], weight=2)
    assert Template.from_hist(histogram).contents.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("axes", "storage", "message"),
    [
        ([hist.axis.Regular(2, 0, 1)] * 2, hist.storage.Weight(), "one axis of numbers"),
        ([hist.axis.StrCategory(["a"])], hist.storage.Weight(), "one axis of numbers, got StrCategory"),
        ([hist.axis.Regular(2, 0, 1)], hist.storage.Double(), "made of weights or counts, got Double"),
    ],
)
def test_other_histograms_are_refused_in_one_line(axes, storage, message):
    with pytest.raises(InputError, match=message) as error:
        Template.from_hist(hist.Hist(*axes, storage=storage))
    assert "\n" not in str(error.value)


@given(positive, positive, ratios)
def test_scaling_keeps_the_relative_error(value, variance, factor):
    template = one(value, variance, 7).scaled(factor)
    assert template.total == pytest.approx(factor * value)
    assert template.error == pytest.approx(factor * math.sqrt(variance))
    assert template.entries.tolist() == [7]


@given(st.lists(st.tuples(events, positive), min_size=1, max_size=8), st.randoms())
def test_sums_do_not_depend_on_the_order(values, random):
    shuffled = random.sample(values, len(values))
    first, second = (sum_templates(one(*value) for value in some) for some in (values, shuffled))
    assert np.array_equal(first.contents, second.contents)
    assert np.array_equal(first.variances, second.variances)


def test_entries_of_a_sum_are_known_if_all_are():
    assert sum_templates([one(1, entries=2), one(1, entries=3)]).entries.tolist() == [5]
    assert sum_templates([one(1, entries=2), one(1)]).entries is None


@given(events, events)
def test_bug_1_the_mirrored_side_is_never_negative(nominal, high):
    low = content(symmetrised(one(nominal), one(high)))
    assert low == max(0.0, 2 * nominal - high)


@given(positive, st.floats(0, 2))
def test_mirroring_twice_gives_the_side_back(nominal, ratio):
    low = symmetrised(one(nominal), one(ratio * nominal))
    assert content(symmetrised(one(nominal), low)) == pytest.approx(ratio * nominal, abs=1e-9)


def test_bug_1_every_channel_and_bin_gets_a_low_side_and_a_note():
    nominal = {"SRA": one(2.0), "SRB": Template(np.array([5.0, 1.0]), np.ones(2))}
    high = {"SRA": one(2.5), "SRB": Template(np.array([4.0, 3.0]), np.ones(2))}
    pairs = pair_sides(nominal, high, None)
    assert pairs["SRA"][1].contents.tolist() == [1.5]
    assert pairs["SRB"][1].contents.tolist() == [6.0, 0.0]
    for up, low in pairs.values():
        assert [note.text for note in low.notes] == ["low made by mirroring high"]
        assert up.notes == ()


def test_a_high_side_that_is_missing_is_mirrored_too():
    ((high, low),) = pair_sides({"SR": one(2.0)}, None, {"SR": one(1.5)}).values()
    assert (content(high), content(low)) == (2.5, 1.5)
    assert high.notes[0].text == "high made by mirroring low"


def test_bug_12_an_identical_side_is_mirrored_and_told():
    nominal = {"SRA": one(2.0, entries=10), "SRB": one(3.0, entries=20)}
    high = {"SRA": one(2.5, entries=11), "SRB": one(3.0, entries=20)}
    pairs = pair_sides(nominal, high, dict(nominal))
    assert [content(pairs[channel][1]) for channel in nominal] == [1.5, 3.0]
    note = pairs["SRA"][1].notes[0]
    assert (note.kind, note.text) == (
        "identical",
        "low is identical to nominal, made by mirroring high",
    )


def test_bug_12_equal_contents_of_other_entries_are_not_identical():
    nominal = {"SR": one(2.0, entries=10)}
    ((_, low),) = pair_sides(nominal, {"SR": one(2.5, entries=11)}, {"SR": one(2.0, entries=9)}).values()
    assert content(low) == 2.0
    assert not identical(one(2.0), one(2.0))  # nobody knows


def test_bug_12_a_side_that_is_equal_in_one_channel_only_may_be_so_by_chance():
    nominal = {"SRA": one(2.0, entries=10), "SRB": one(3.0, entries=20)}
    high = {"SRA": one(2.5, entries=11), "SRB": one(3.5, entries=21)}
    low = {"SRA": one(2.0, entries=10), "SRB": one(2.9, entries=19)}
    assert content(pair_sides(nominal, high, low)["SRA"][1]) == 2.0


def test_bug_12_two_identical_sides_do_nothing():
    nominal = {"SR": one(2.0, entries=10)}
    ((high, low),) = pair_sides(nominal, dict(nominal), dict(nominal)).values()
    assert content(high) == content(low) == 2.0
    assert high.notes[0].kind == "no effect"
    ((high, low),) = pair_sides(nominal, dict(nominal), None).values()
    assert content(high) == content(low) == 2.0


@given(events, positive)
def test_bug_11_the_floor_keeps_the_error_and_is_told(value, variance):
    template = floored(one(value, variance, 3))
    assert template.variance == variance
    assert template.total == (value if value > 0 else FLOOR)
    assert [note.kind for note in template.notes] == ([] if value > 0 else ["negative"] if value < 0 else ["empty"])
    assert all(note.is_warning for note in template.notes)


def test_bug_11_a_floor_tells_the_bin_and_what_was_there():
    template = floored(Template(np.array([1.0, -0.25]), np.ones(2)))
    assert template.notes[0].text == "in bin 1 -0.25 events, taken as 0.0001; the error stays"
    assert floored(one(0.0)).notes[0].text == "0 events, taken as 0.0001; the error stays"


def test_bug_11_sides_end_at_zero():
    template = clipped(one(-0.5), "low")
    assert content(template) == 0.0
    assert template.notes[0].text == "low has -0.5 events, taken as 0"
    ((high, low),) = pair_sides({"SR": one(1.0)}, {"SR": one(-0.5)}, {"SR": one(1.5)}).values()
    assert (content(high), content(low)) == (0.0, 1.5)


def test_bug_11_nothing_is_relative_to_a_floor():
    high, low = settle(one(-0.2, 0.5), one(0.4), one(0.0))
    assert content(high) == content(low) == FLOOR
    assert high.variance == 0.5
    assert high.notes[0].kind == "not relative"
    assert low.notes == ()
    some = Template(np.array([2.0, 0.0]), np.ones(2))
    high, _ = settle(some, Template(np.array([3.0, 1.0]), np.ones(2)), some)
    assert high.contents.tolist() == [3.0, FLOOR]


@given(ratios, ratios)
def test_theory_ratios_on_both_sides_of_1_are_used_as_given_and_others_symmetrised(first, second):
    (high, low), as_given = two_sided_ratios(first, second)
    if min(first, second) < 1 < max(first, second):
        assert as_given
        assert (high, low) == (first, second)
    else:
        size = max(abs(first - 1), abs(second - 1))
        assert not as_given
        assert (high, low) == pytest.approx((1 + size, max(0.0, 1 - size)))


@given(st.floats(0, 5))
def test_bug_11_a_one_sided_ratio_leaves_at_least_no_events(ratio):
    high, low = one_sided_ratios(ratio)
    assert high == 1 + abs(1 - ratio)
    assert low == max(0.0, 1 - abs(1 - ratio))


def test_a_theory_template_has_no_error():
    template = one(2.0, 0.3, 5).varied(1.5)
    assert (template.total, template.error) == (3.0, 0.0)


def test_a_note_keeps_the_place_it_has():
    note = floored(one(-1.0)).notes[0].at(sample="Wt", region="SRA")
    assert (note.at(sample="VV", systematic="JES").sample, note.sample, note.region) == ("Wt", "Wt", "SRA")
