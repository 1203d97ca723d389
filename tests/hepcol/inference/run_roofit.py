"""Everything of RooFit that the tests compare with, in a process of its own.

ROOT warns loudly, and changes signals and streams of the process that imports it.
"""

import array
import json
import sys

import ROOT

LOW, HIGH, BINS = 84.0, 98.0, 50
CACHE_LOW, CACHE_HIGH, CACHE_BINS = 64.0, 118.0, 10_000  # of the Fourier transform of the original study
WINDOW = 200.0  # GeV to either side, of the convolution by quadrature


class Variables:
    """The observable and the parameters; ROOT's objects live as long as this."""

    def __init__(self):
        self.x = ROOT.RooRealVar("x", "", 91.0, LOW, HIGH)
        self.x.setBins(BINS)
        self.x.setBins(CACHE_BINS, "cache")
        self.x.setMin("cache", CACHE_LOW)
        self.x.setMax("cache", CACHE_HIGH)
        self.kept = []
        self.parameters = {}

    def keep(self, thing):
        self.kept.append(thing)
        return thing

    def __getitem__(self, name):
        return self.parameters[name]

    def add(self, name, value, *bounds):
        self.parameters[name] = ROOT.RooRealVar(name, "", value, *bounds)
        return self.parameters[name]

    def set(self, values):
        for name, value in values.items():
            if name in self.parameters:
                self.parameters[name].setVal(value)


def response(of, kind, position):
    v = [of[name] for name in ("sigma", *RESPONSES[kind])]
    made = ROOT.RooCBShape if kind == "crystal ball" else ROOT.RooCrystalBall
    return of.keep(made("response", "", of.x, position, *v))


RESPONSES = {
    "crystal ball": ("alpha", "n"),
    "double crystal ball": ("alpha_low", "n_low", "alpha_high", "n_high"),
}
# negative masses are nothing, but a window of the convolution may reach there
FORMULAS = {
    "fixed": "(x > 0) * x / ((x*x - mass*mass)^2 + mass*mass*width*width)",
    "running": "(x > 0) * x / ((x*x - mass*mass)^2 + x*x*x*x*width*width/mass/mass)",
}


def resonance(of, kind):
    mass, width = of["mass"], of["width"]
    if kind == "non-relativistic":
        return of.keep(ROOT.RooBreitWigner("resonance", "", of.x, mass, width))
    return of.keep(ROOT.RooGenericPdf("resonance", FORMULAS[kind], ROOT.RooArgList(of.x, mass, width)))


def density(of, shape):
    """The pdf of a shape, by the names that the tests give it."""
    match shape:
        case ["response", kind]:
            return response(of, kind, of["mean"])
        case ["resonance", kind]:
            return resonance(of, kind)
        case ["chebychev"]:
            return of.keep(ROOT.RooChebychev("pdf", "", of.x, ROOT.RooArgList(of["c1"], of["c2"], of["c3"])))
        case ["smeared", width, tails, "fourier"]:
            parts = resonance(of, width), response(of, tails, of.add("zero", 0.0))
            return of.keep(ROOT.RooFFTConvPdf("pdf", "", of.x, *parts))
        case ["smeared", width, tails, "quadrature"]:
            parts = resonance(of, width), response(of, tails, of.add("zero", 0.0))
            pdf = of.keep(ROOT.RooNumConvPdf("pdf", "", of.x, *parts))
            pdf.setConvolutionWindow(of["zero"], of.add("gev", 1.0), WINDOW)
            precise(pdf.convIntConfig())
            return pdf
    raise ValueError(f"no shape {shape}")


def precise(integration):
    """Let RooFit integrate numerically as well as it can: its own choice is right to 1e-3 for a narrow resonance."""
    integration.setEpsAbs(1e-10)
    integration.setEpsRel(1e-8)
    integration.method1D().setLabel("RooAdaptiveGaussKronrodIntegrator1D")


def heights(shape, parameters, points):
    """Density at points, normalised over the range, for each set of parameters."""
    of = Variables()
    for name, value in parameters[0].items():
        of.add(name, value)
    pdf = density(of, shape)
    integration = of.keep(ROOT.RooNumIntConfig(ROOT.RooAbsReal.defaultIntegratorConfig()))
    precise(integration)
    pdf.setIntegratorConfig(integration)
    found = []
    for values in parameters:
        of.set(values)
        row = []
        for point in points:
            of.x.setVal(point)
            row.append(pdf.getVal(ROOT.RooArgSet(of.x)))
        found.append(row)
    return found


def histogram(of, contents, variances):
    filled = ROOT.TH1D("h", "", BINS, LOW, HIGH)
    filled.SetDirectory(ROOT.nullptr)
    filled.SetContent(array.array("d", [0.0, *contents, 0.0]))
    filled.Sumw2()
    for number, variance in enumerate(variances):
        filled.SetBinError(number + 1, variance**0.5)
    return of.keep(ROOT.RooDataHist("data", "", ROOT.RooArgList(of.x), of.keep(filled)))


def fit(of, pdf, data, **options):
    """Fit with the bins' integrals."""
    chosen = [getattr(ROOT.RooFit, name)(value) for name, value in options.items()]
    return pdf.fitTo(
        data,
        ROOT.RooFit.Save(),
        ROOT.RooFit.PrintLevel(-1),
        ROOT.RooFit.Minimizer("Minuit2"),
        ROOT.RooFit.IntegrateBins(1e-3),
        *chosen,
    )


def original(contents, mean, ours):
    """The fit of the original study, and its likelihood at our parameters."""
    of = Variables()
    of.add("mass", mean, LOW, HIGH)
    of.add("width", 2.49, 1.0, 4.0)
    of.add("sigma", 2.6, 1.0, 5.0)
    of.add("alpha", 1.3)
    of.add("n", 5.1)
    of.add("fraction", 0.9, 0.0, 1.0)
    for name in ("c1", "c2", "c3"):
        of.add(name, 0.0, -0.01, 0.01)
    signal = density(of, ["smeared", "non-relativistic", "crystal ball", "fourier"])
    background = of.keep(
        ROOT.RooChebychev("background", "", of.x, ROOT.RooArgList(*(of[name] for name in ("c1", "c2", "c3"))))
    )
    model = ROOT.RooAddPdf("model", "", ROOT.RooArgList(signal, background), ROOT.RooArgList(of["fraction"]))
    data = histogram(of, contents, contents)
    result = fit(of, model, data, Hesse=False)
    values = {name: parameter.getVal() for name, parameter in of.parameters.items()}
    likelihood = model.createNLL(data, ROOT.RooFit.IntegrateBins(1e-3))
    minimum = likelihood.getVal()
    of.set(ours)
    return {
        "status": result.status(),
        "values": values,
        "minimum": minimum,
        "at_ours": likelihood.getVal(),
    }


def weighted(contents, variances, start, free):
    """Values and errors of a double Crystal Ball with corrected errors for weighted events."""
    of = Variables()
    for name, value in start.items():
        of.add(name, value, *((0.8 * value, 1.2 * value) if name in free else ()))
    model = density(of, ["response", "double crystal ball"])
    fit(of, model, histogram(of, contents, variances), SumW2Error=True)
    return {name: [of[name].getVal(), of[name].getError()] for name in free}


TASKS = {"heights": heights, "original": original, "weighted": weighted}

if __name__ == "__main__":
    ROOT.gErrorIgnoreLevel = ROOT.kError
    ROOT.RooMsgService.instance().setGlobalKillBelow(ROOT.RooFit.FATAL)
    answers = {key: TASKS[name](**arguments) for key, (name, arguments) in json.load(sys.stdin).items()}
    json.dump(answers, sys.stdout)
