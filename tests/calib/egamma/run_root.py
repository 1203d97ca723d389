"""Everything of ROOT that the tests of the calibration area compare with, in a process of its own.

ROOT warns loudly, changes signals and streams, and its LLVM does not go with numba's.
"""

import array
import json
import sys

import numpy as np
import ROOT

OLD_TF1 = """
void as_in_a_file(ROOT::v5::TF1Data &function, int parameters) {
   function.fParErrors = new double[parameters]{};
   function.fParMin = new double[parameters]{};
   function.fParMax = new double[parameters]{};
}
double a_function(double *x, double *p) { return p[0] * sin(x[0]); }
"""


def doubles(values):
    return array.array("d", values)


class Kept:
    """A TList, which owns nothing, and what is in it."""

    def __init__(self):
        self.list = ROOT.TList()
        self.entries = []

    def add(self, entry):
        self.entries.append(entry)
        self.list.Add(entry)
        return entry


def histograms():
    edges = doubles([-2.5, -1.37, 0.0, 0.1, 1.52, 2.5])
    for kind in ("F", "D"):
        uniform = getattr(ROOT, f"TH1{kind}")(f"uniform{kind}", "", 7, -0.3, 0.9)
        variable = getattr(ROOT, f"TH1{kind}")(f"variable{kind}", "", 5, edges)
        plane = getattr(ROOT, f"TH2{kind}")(f"plane{kind}", "", 5, edges, 3, 0.0, 1.0)
        for histogram in (uniform, variable, plane):
            for number in range(histogram.GetNcells()):
                histogram.SetBinContent(number, (-1) ** number * 0.1 * (number + 1))
        variable.Sumw2()
        plane.Sumw2()
        for number in range(plane.GetNcells()):
            plane.SetBinError(number, 0.01 * number)
        variable.SetBinError(2, 0.7)
        yield from (uniform, variable, plane)
    for option in ("", "s", "i", "g"):
        for weighted in (False, True):
            name = f"profile{option}{'_weighted' if weighted else ''}"
            profile = ROOT.TProfile(name, "", 5, edges, option)
            plane = ROOT.TProfile2D(f"{name}2d", "", 5, edges, 2, doubles([0.0, 1.0, 5.0]), option)
            for number in range(200):
                x, y, z = -3 + 0.031 * number, (0.37 * number) % 6, (1.7 * number) % 11
                weight = 1.0 + number % 3 if weighted else 1.0
                profile.Fill(x, z, weight)
                plane.Fill(x, y, z, weight)
            yield from (profile, plane)


def graphs():
    shapes = {
        "ordered": ([1, 2, 4, 7], [1, 3, 2, 5]),
        "backwards": ([7, 4, 2, 1], [5, 2, 3, 1]),
        "unordered": ([1, 7, 2, 4], [1, 5, 3, 2]),
        "unordered below": ([4, 7, 5, 1], [1, 5, 3, 2]),
        "shuffled": ([4, 1, 7, 2], [1, 5, 3, 2]),
        "twice": ([1, 2, 2, 4], [1, 3, 5, 2]),
        "twice first": ([1, 1, 2, 4], [1, 3, 5, 2]),
        "twice last": ([1, 2, 4, 4], [1, 3, 5, 2]),
        "one": ([3], [4]),
        "one place": ([3, 3], [4, 5]),
        "none": ([], []),
    }
    made = Kept()
    for x, y in shapes.values():
        made.add(ROOT.TGraph(len(x), doubles(x), doubles(y)) if x else ROOT.TGraph())
    for name in ("ordered", "unordered", "twice", "twice first", "twice last"):
        x, y = shapes[name]
        graph = made.add(ROOT.TGraph(len(x), doubles(x), doubles(y)))
        graph.Sort()
        graph.SetBit(ROOT.TGraph.kIsSortedX)
    return made


def functions():
    ROOT.gInterpreter.Declare(OLD_TF1)
    made = Kept()
    for text, parameters in (
        ("[0]+[1]*log(x/40000.)", (1.5, -0.25)),
        ("[offset]+[slope]*x^2", (1.5, -0.25)),
        ("gaus", (2.0, 4.0, 1.5)),
        ("pol3", (1.0, -0.5, 0.25, 0.125)),
        ("1/2*x+7/2", ()),
        ("[1]*x+[4]", (0.0, 2.0, 0.0, 0.0, 3.0)),
    ):
        function = made.add(ROOT.TF1(f"function{len(made.entries)}", text, 0, 10))
        for number, value in enumerate(parameters):
            function.SetParameter(number, value)
    made.entries[0].SetParName(1, "Slope")
    normalised = made.add(ROOT.TF1("normalised", "gaus", 0, 10))
    normalised.SetParameters(2.0, 4.0, 1.5)
    normalised.SetNormalized(True)
    normalised.Eval(1.0)
    made.add(ROOT.TF1("compiled", ROOT.a_function, 0.5, 9.7, 1)).SetParameter(0, 3.0)
    python = made.add(ROOT.TF1("python", lambda x, p: p[0] * x[0] ** 2, -1, 10, 1))
    python.SetParameter(0, 3.0)
    python.SetNpx(17)
    return made


def old_functions():
    """TF1 as ROOT 5 wrote it, under the name that ROOT 6 keeps it by."""
    made = Kept()
    for text, parameters in (("[0]+[1]*x^2", (1.5, -0.25)), ("pol2(0)", (1.0, -0.5, 0.25)), ("exp(-x/[0])", (3.0,))):
        function = made.add(ROOT.v5.TF1Data())
        function.Compile(text)
        function.SetTitle(text)
        for number, value in enumerate(parameters):
            function.SetParameter(number, value)
        ROOT.as_in_a_file(function, len(parameters))
    return made


def single(entry):
    made = Kept()
    made.add(entry)
    return made


def write(path):
    """Write an area's main file with one object of each kind."""
    file = ROOT.TFile(path, "RECREATE")
    folder = file.mkdir("some").mkdir("folder")
    folder.cd()
    for histogram in histograms():
        folder.WriteObject(histogram, histogram.GetName())
    folder.WriteObject(ROOT.TAxis(5, 0.1, 0.7), "uniform_axis")
    folder.WriteObject(ROOT.TAxis(3, doubles([0, 1, 1.37, 2.5])), "variable_axis")
    for name, made in (
        ("graphs", graphs()),
        ("functions", functions()),
        ("old_functions", old_functions()),
        ("unknown", single(ROOT.TF1("f", "TMath::Landau(x,0,1)"))),
        ("two_variables", single(ROOT.TF2("f", "x*y"))),
        ("convolution", single(ROOT.TF1("f", "CONV(gaus,expo)"))),
        ("names", single(ROOT.TNamed("a", "b"))),
    ):
        made.list.Write(name, ROOT.TObject.kSingleKey)
    file.Close()


def points_of(axis):
    """Points on, beside and between the edges, and outside."""
    edges = np.array([axis.GetBinLowEdge(number) for number in range(1, axis.GetNbins() + 2)])
    steps = np.linspace(edges[0] - 1, edges[-1] + 1, 50)
    sides = [np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)]
    return np.concatenate([edges, *sides, steps, [-np.inf, np.inf, np.nan]])


def describe_axis(axis):
    points = points_of(axis)
    return {
        "points": points,
        "bins": [axis.FindFixBin(point) for point in points],
        "centres": [axis.GetBinCenter(number) for number in range(axis.GetNbins() + 2)],
    }


def describe_histogram(histogram):
    cells = range(histogram.GetNcells())
    found = {
        "contents": [histogram.GetBinContent(cell) for cell in cells],
        "errors": [histogram.GetBinError(cell) for cell in cells],
    }
    for name, axis in (("x", histogram.GetXaxis()), ("y", histogram.GetYaxis()))[: histogram.GetDimension()]:
        found |= {f"{name}_{key}": value for key, value in describe_axis(axis).items()}
    return found


def describe_curves(curves, points):
    return {
        "points": points,
        **{f"curve{number}": [curve.Eval(point) for point in points] for number, curve in enumerate(curves)},
    }


def describe(path, names, points):
    """Contents, errors, bins and values of objects of a file, as flat arrays."""
    file = ROOT.TFile.Open(path)
    found = {}
    for name in names:
        stored = file.Get(name)
        if stored.InheritsFrom("TList"):
            described = describe_curves(stored, points)
        elif stored.InheritsFrom("TAxis"):
            described = describe_axis(stored)
        else:
            described = describe_histogram(stored)
        found |= {f"{name}|{key}": value for key, value in described.items()}
    file.Close()
    return found


def formulas(texts, parameters, points):
    """Values of formulas; null where ROOT does not take one."""
    found = []
    for number, text in enumerate(texts):
        formula = ROOT.TFormula(f"formula{number}", text)
        if formula.IsValid():
            formula.SetParameters(doubles(parameters))
        found.append([formula.Eval(point) for point in points] if formula.IsValid() else None)
    return found


if __name__ == "__main__":
    ROOT.gErrorIgnoreLevel = ROOT.kFatal
    tasks = json.load(sys.stdin)
    if "write" in tasks:
        write(tasks["write"])
    if "formulas" in tasks:
        json.dump(formulas(**tasks["formulas"]), sys.stdout)
    found = {}
    for file, arguments in tasks.get("describe", {}).items():
        found |= {f"{file}|{key}": value for key, value in describe(**arguments).items()}
    if found:
        np.savez(tasks["into"], **found)
