"""Minimax polynomials of the kernels in single precision: the coefficients in ``hepcol/kernels/single.py``.

Minimises the largest error on a dense grid, as a linear program; rounds to single precision at the end.
"""

import numpy as np
from scipy.optimize import linprog

SCALE = 1e6  # errors of 1e-7 would drown in the solver's tolerances


def minimax(target, weight, x, degree):
    """Coefficients, lowest power first, of the polynomial p with the smallest largest ``|target - weight p(x)|``."""
    powers = SCALE * np.vander(x, degree + 1, increasing=True) * weight[:, np.newaxis]
    bound = -np.ones((len(x), 1))
    solution = linprog(
        np.append(np.zeros(degree + 1), 1),
        A_ub=np.block([[powers, bound], [-powers, bound]]),
        b_ub=SCALE * np.append(target, -target),
        bounds=[(None, None)] * (degree + 1) + [(0, None)],
        method="highs-ipm",
    )
    return solution.x[:-1], solution.x[-1] / SCALE


def main():
    low, high = np.sqrt(0.5) - 1, np.sqrt(2) - 1
    f = (low + high) / 2 + (high - low) / 2 * np.cos(np.linspace(0, np.pi, 2001))
    w = np.linspace(1e-4, 0.5, 2001)
    for name, fitted in {
        "LOG": minimax(-2 * np.log1p(f), f, f, 6),
        "SIN": minimax(np.sin(np.pi * w), w, w * w, 3),
        "COS": minimax(np.cos(np.pi * w), np.ones_like(w), w * w, 4),
    }.items():
        coefficients, error = fitted
        print(f"{name} = {[float(np.float32(c)) for c in coefficients]}  # error {error:.1e}")


if __name__ == "__main__":
    main()
