"""Formulas beside Python and beside ROOT's TFormula."""

import json
import math
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.egamma.formula import CONSTANTS, FUNCTIONS, compile_formula
from calib.egamma.kernels.programs import NUMBER, STACK_SIZE
from hepcol.errors import InputError

PARAMETERS = [0.75, 2.5, -1.25, 3.0]
POINTS = [-2.5, -1.0, -0.3, 0.0, 0.4, 1.0, 1.7, 3.0, 40000.0]
ROOT_NAMES = {"pow": "Power", "sq": "Sq", "fabs": "", "int": "", "sinh": "SinH", "cosh": "CosH", "tanh": "TanH",
              "asin": "ASin", "acos": "ACos", "atan": "ATan", "asinh": "ASinH", "acosh": "ACosH", "atanh": "ATanH",
              "atan2": "ATan2", "erf": "Erf", "erfc": "Erfc"}  # fmt: skip
TWO = {"pow", "atan2", "min", "max"}
FIXED = [
    "-x^2", "2^3^2", "x^-2", "2^-x", "-2^2*x", "x**2", "-x**2", "(x+1)^2", "exp(x/10)^2", "2*-x", "x--1", "x-+1", "+x",
    "x^2^3", "-x^2^[0]", "[0]^2", "x/2/3", "2-3-x", "2*x^2/3", "x*x^0.5*2", "(x^2)^3", "2^x^2", "x-2^2-x", "-[0]^2^x",
    "1/2*x", "3/2", "7/2*x", "2*3/4", "-7/2*x", "7/-2", "1/(1+2)*x", "5/2.*x", "x^(1/2)", "1/2+x/2", "1./2*x",
    "10*(x>1)/4", "(x>1)/2", "(x>1)*7/2", "-(x>1)/2", "!(x>1)/2", "(x>0&&x<2)*3/2", "int(x)/2", "int(x)*7/2",
    "sqrt(4)/3", "abs(-7)/2", "TMath::Max(1,2)/4*x", "TMath::Power(10,-3)*x", "TMath::Sq(3)/2", "floor(x)/2",
    "(x>1?3:5)/2", "(x>1?3.:5)/2", "pow(3,2)/2",
    "x>1", "x<=1", "x==1", "x!=1", "x>=1.7", "!x", "!!x", "x&&0||1", "x||0&&0", "1-x>0",
    "x>1?2:3", "x>1?x<3?1:2:4", "x>1?x:x<0?-x:2", "(x<0)*x+(x>=0)*2*x", "x<1==0", "1<x+1&&x*2<5",
    "pol0", "pol1", "pol2", "pol3", "expo", "gaus", "pol1(1)", "pol2(1)", "2*pol1", "pol1+x", "gaus(1)",
    "[0]*pol1(1)", "[0]+[1]*x", "[p0]+[p1]*x", "[a]*x", "1e-3*x", "1.E3*x", ".5*x", "2e+2*x",
    "[0]+[1]*exp(-x/[3])", "[0]+[1]*log(x/40000.)+[2]*log(x/40000.)*log(x/40000.)", "[0]+[1]/sqrt(x/1000.)",
    "[0]*pow(x/40000.,[1])", "sqrt2*x", "pi*x", "TMath::Pi()*x", "TMath::E()*x", "e^x", "x[0]*2", "TMath::Min(x,2.)",
    "exp(-0.5*((x-[0])/[1])^2)", "atan2(x,-1)", "x / 2 + 1", "((x))", "std::sqrt(x*x)",
]  # fmt: skip


def root_values(texts):
    script = Path(__file__).with_name("run_root.py")
    tasks = {"formulas": {"texts": texts, "parameters": [*PARAMETERS, *[0.5] * 6], "points": POINTS}}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script], input=json.dumps(tasks), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def functions_by_root():
    for name in FUNCTIONS:
        arguments = "(x,1.5)" if name in TWO else "(x)"
        yield f"{name}{arguments}"
        if ROOT_NAMES.get(name, name):
            yield f"TMath::{ROOT_NAMES.get(name, name.capitalize())}{arguments}"


def random_formula(draw, depth):
    """Text of a formula that C++ and Python read alike: no quotients of integers."""
    if depth == 0:
        return draw(["x", "[0]", "[1]", "[2]", "x", "0.5", "2", "3.", "1.25e-1"])

    def inner():
        return random_formula(draw, depth - 1)

    return draw(
        [
            lambda: f"{inner()}+{inner()}",
            lambda: f"{inner()}-{inner()}",
            lambda: f"{inner()}*{inner()}",
            lambda: f"({inner()})/(1.5*({inner()}))",
            lambda: f"({inner()})-({inner()})*({inner()})",
            lambda: f"-({inner()})",
            lambda: f"({inner()})^2",
            lambda: f"-({inner()})^3",
            lambda: f"exp(-abs({inner()}))",
            lambda: f"log(abs({inner()})+0.1)",
            lambda: f"sqrt(abs({inner()}))*({inner()})",
            lambda: f"({inner()}<{inner()})*({inner()})",
            lambda: f"atan(({inner()})*1.)",
            inner,
        ]
    )()


@pytest.fixture(scope="session")
def by_root():
    """Values of formulas, of every function and of random ones, as ROOT works them out."""
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    chosen = random.Random(1)
    texts = [*FIXED, *functions_by_root(), *(random_formula(chosen.choice, 3) for _ in range(150))]
    return dict(zip(texts, root_values(texts), strict=True))


def test_agrees_with_root(by_root):
    taken = 0
    for text, expected in by_root.items():
        if expected is None:  # as of min(x,2), which mixes types
            continue
        taken += 1
        names = [f"p{k}" for k in range(4)] if "[a]" not in text else ["a"]
        found = compile_formula(text, [*PARAMETERS, *[0.5] * 6][: len(names)], names)(POINTS)
        np.testing.assert_allclose(found, expected, rtol=2e-14, atol=1e-15, err_msg=text)
    assert taken > len(by_root) - 5


PYTHON = {
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "abs": abs, "atan": math.atan,
}  # fmt: skip


@given(st.data(), st.floats(-5, 5))
def test_agrees_with_python(data, x):
    text = random_formula(lambda choices: data.draw(st.sampled_from(choices)), 4)
    program = compile_formula(text, PARAMETERS)
    python = text.replace("^", "**").replace("[", "p[")
    try:
        expected = float(eval(python, {"__builtins__": {}}, {**PYTHON, "x": x, "p": PARAMETERS}))
    except (ZeroDivisionError, OverflowError):
        return
    if abs(expected) < 1e200:
        assert program(x) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_takes_numbers_out_of_the_loop():
    program = compile_formula("2.*[0]*(1+[1])+x*[2]/([3]-1)", PARAMETERS)
    assert len(program.codes) == 4
    assert compile_formula("2.*[0]*(1+[1])", PARAMETERS).codes.tolist() == [NUMBER]


def test_works_out_a_repeated_part_once():
    once = compile_formula("log(x/40000.)")
    thrice = compile_formula("log(x/40000.)*log(x/40000.)*log(x/40000.)")
    assert len(thrice.codes) == len(once.codes) + 5  # stored, and recalled and multiplied twice
    assert thrice(1e4) == math.log(0.25) ** 3


def test_the_deeper_operand_comes_first():
    """A polynomial in Horner's form would need an entry of the stack per degree from left to right."""
    text = "[0]+x*([1]+x*([2]+x*([3]+x*([0]+x*([1]+x*([2]+x*([3]+x)))))))"
    found = compile_formula(text, PARAMETERS)(1.5)
    assert found == pytest.approx(np.polyval([1.0, *(2 * PARAMETERS)[::-1]], 1.5), rel=1e-15)


def balanced(depth):
    return "x" if depth == 0 else f"({balanced(depth - 1)}+sin({balanced(depth - 1)}*{depth}))"


def test_the_stack_is_as_deep_as_it_says():
    x = 0.7
    python = eval(balanced(STACK_SIZE - 1), {"x": x, "sin": math.sin})
    assert compile_formula(balanced(STACK_SIZE - 1))(x) == pytest.approx(python, rel=1e-14)
    with pytest.raises(InputError, match="nested too deeply: 7 intermediate results at a time, 6 can be"):
        compile_formula(balanced(STACK_SIZE))


def test_names_of_parameters():
    assert compile_formula("[offset]+[slope]*x", [1.0, 2.0], ["offset", "slope"])(3.0) == 7.0
    assert compile_formula("[p0]+[p2]*x", [1.0, 2.0], ["p0", "p2"])(3.0) == 7.0
    assert compile_formula("[0]+[1]*x", [1.0, 2.0], ["offset", "slope"])(3.0) == 7.0
    assert compile_formula("gaus", [1.0, 2.0, 3.0], ["Constant", "Mean", "Sigma"])(2.0) == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foo(x)+1", "formula 'foo(x)+1': unknown name 'foo'; known are x, exp, log"),
        ("TMath::Landau(x)", "unknown name 'TMath::Landau'; known are x, exp"),
        ("landau", "unknown name 'landau'; known are x, exp"),
        ("x*y", "unknown name 'y'; known are x, exp"),
        ("x+", "a number, x, a parameter, a function or '(' was expected, not the end"),
        ("", "a number, x, a parameter, a function or '(' was expected, not the end"),
        ("(x+1", "')' was expected, not the end"),
        ("2 x", "an operator or the end was expected, not 'x'"),
        ("x+1)", "an operator or the end was expected, not ')'"),
        ("pow(x)", "pow takes 2 arguments, not 1"),
        ("exp(x,2)", "exp takes 1 argument, not 2"),
        ("exp x", "'(' was expected, not 'x'"),
        ("[7]*x", "no parameter [7], there are p0, p1"),
        ("[slope]*x", "no parameter [slope], there are p0, p1"),
        ("x ? 1", "':' was expected, not the end"),
        ("x % 2", "cannot read '% 2'"),
        ("x*1/0", "cannot"),
        ("1/0*x", "an integer is divided by 0"),
        ("pol1(x)", "the number of the first parameter was expected, not 'x'"),
        ("[](double *x, double *p){ return x[0]; }", "cannot read '[](double *x"),
    ],
)
def test_says_in_one_line_what_is_wrong(text, said):
    if said == "cannot":
        assert compile_formula(text)(1.0) == np.inf  # a double divided by 0
        return
    with pytest.raises(InputError) as error:
        compile_formula(text, [1.0, 2.0])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_constants_are_those_of_root():
    assert CONSTANTS["ln10"] == 2.302585092994046
    assert CONSTANTS["loge"] == 0.4342944819032518
