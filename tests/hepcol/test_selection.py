import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.selection import Cut, Region, apply

X = Cut("x", "x", above=1.0, below=3.0)
Y = Cut("y", "y", at_least=0.0)


def test_bounds_are_strict_or_not_as_they_are_called():
    values = np.array([1.0, 1.5, 3.0])
    assert Cut("", "x", above=1.0).passed(values).tolist() == [False, True, True]
    assert Cut("", "x", at_least=1.0).passed(values).tolist() == [True, True, True]
    assert Cut("", "x", below=3.0).passed(values).tolist() == [True, True, False]
    assert Cut("", "x", at_most=1.0).passed(values).tolist() == [True, False, False]
    assert X.passed(values).tolist() == [False, True, False]


def test_single_precision_is_compared_in_double_precision():
    just_above = np.array([0.44], dtype=np.float32)  # 0.4399999976
    assert not Cut("", "x", above=0.44).passed(just_above).any()
    assert Cut("", "x", below=0.44).passed(just_above).all()


def test_nothing_accepts_what_is_not_a_number():
    values = np.array([np.nan])
    for cut in (X, Y, Cut("", "x", below=0.0), Cut("", "x", equal=(0.0,)), Cut("", "x", equal=(0.0, 1.0))):
        assert not cut.passed(values).any()


def test_accepted_values():
    assert Cut("", "n", equal=(2.0,)).passed(np.array([1, 2, 3], dtype=np.int8)).tolist() == [False, True, False]
    assert Cut("", "n", equal=(1.0, 3.0)).passed(np.array([1, 2, 3])).tolist() == [True, False, True]
    assert Cut("", "flag", equal=(1.0,)).passed(np.array([True, False])).tolist() == [True, False]


def test_a_cut_may_be_for_some_kinds_only():
    region = Region("r", (X, Cut("y", "y", above=0, kinds=("data",))))
    assert [cut.label for cut in region.of("data").cuts] == ["x", "y"]
    assert [cut.label for cut in region.of("prompt").cuts] == ["x"]


@given(st.lists(st.tuples(st.floats(0, 4), st.floats(-1, 1)), min_size=1, max_size=30))
def test_rows_steps_and_all_but_agree_with_plain_python(rows):
    columns = {"x": np.array([x for x, _ in rows]), "y": np.array([y for _, y in rows])}
    (passed,) = apply([Region("r", (X, Y))], columns)
    first = [1 < x < 3 for x, _ in rows]
    second = [y >= 0 for _, y in rows]
    both = [a and b for a, b in zip(first, second, strict=True)]
    assert passed.rows.tolist() == [n for n, one in enumerate(both) if one]
    assert passed.steps().tolist() == [2 if b else 1 if a else 0 for a, b in zip(first, both, strict=True)]
    assert passed.all_but("x").tolist() == [n for n, one in enumerate(second) if one]
    assert passed.all_but("y").tolist() == [n for n, one in enumerate(first) if one]
    assert passed.all_but("x", "y").tolist() == list(range(len(rows)))


def test_a_cut_of_several_regions_is_made_once():
    one, two = apply([Region("one", (X, Y)), Region("two", (X,))], {"x": np.array([2.0]), "y": np.array([2.0])})
    assert one.masks[0] is two.masks[0]


def test_accepted_values_of_single_precision_are_compared_in_double_precision():
    values = np.array([0.1, 5.0], dtype=np.float32)
    assert not Cut("", "x", equal=(0.1,)).passed(values).any()
    assert Cut("", "x", equal=(0.1, 5.0)).passed(values).tolist() == [False, True]


def test_thresholds_are_those_that_are_given():
    assert X.thresholds == (1.0, 3.0)
    assert Cut("", "x", equal=(1.0,)).thresholds == ()


def test_a_region_names_its_columns_once():
    assert Region("r", (X, Cut("", "x", below=2), Y)).columns == ("x", "y")


@pytest.mark.parametrize("kinds", [(), ("a",)])
def test_is_for(kinds):
    assert Cut("", "x", above=0, kinds=kinds).is_for("a")
    assert Cut("", "x", above=0, kinds=kinds).is_for("b") == (not kinds)
