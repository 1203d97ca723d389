"""Files of correctionlib for tests: scale factors of electrons, a weight of pile-up, and compound ones."""

import json

ETA_EDGES, PT_EDGES = [0.0, 0.8, 1.5, 2.5], [10.0, 20.0, 40.0, 1000.0]


def _input(name, kind="real"):
    return {"name": name, "type": kind}


def _correction(name, inputs, data):
    return {
        "name": name,
        "version": 1,
        "inputs": inputs,
        "output": {"name": "weight", "type": "real"},
        "data": data,
    }


def _category(of, cases, **more):
    content = [{"key": key, "value": value} for key, value in cases.items()]
    return {"nodetype": "category", "input": of, "content": content, **more}


def by_eta_and_pt(shift, flow="error"):
    content = [0.9 + 0.01 * number + shift * (1 + 0.1 * number) for number in range(9)]
    return {
        "nodetype": "multibinning",
        "inputs": ["abs_eta", "pt"],
        "edges": [ETA_EDGES, PT_EDGES],
        "content": content,
        "flow": flow,
    }


def by_pt(values, flow="clamp"):
    return {"nodetype": "binning", "input": "pt", "edges": PT_EDGES, "content": values, "flow": flow}


def _shifts(size, flow="error"):
    return {
        "nominal": by_eta_and_pt(0.0, flow),
        "up": by_eta_and_pt(size, flow),
        "down": by_eta_and_pt(-size, flow),
    }


ETA_PT = [_input("abs_eta"), _input("pt")]
CONTENT = {
    "schema_version": 2,
    "corrections": [
        _correction(
            "identification", [_input("systematic", "string"), *ETA_PT], _category("systematic", _shifts(0.02))
        ),
        _correction(
            "clamped", [_input("systematic", "string"), *ETA_PT], _category("systematic", _shifts(0.02, "clamp"))
        ),
        # as files of CMS: a working point and a year, and other names of the systematic's values
        _correction(
            "cms",
            [_input("ValType", "string"), _input("WorkingPoint", "string"), *ETA_PT],
            _category(
                "WorkingPoint",
                {
                    "Medium": _category(
                        "ValType",
                        {
                            "sf": by_eta_and_pt(0.0),
                            "systup": by_eta_and_pt(0.03),
                            "systdown": by_eta_and_pt(-0.03),
                            "statup": by_eta_and_pt(0.01),
                            "statdown": by_eta_and_pt(-0.01),
                        },
                    ),
                    "Loose": _category("ValType", {"sf": by_eta_and_pt(0.0)}),
                },
            ),
        ),
        _correction(
            "defaulted",
            [_input("systematic", "string"), _input("pt")],
            _category("systematic", {"nominal": by_pt([1.1, 1.2, 1.3])}, default=1.0),
        ),
        _correction("trigger", [_input("pt")], by_pt([0.8, 0.9, 1.0])),
        _correction("trigger_up", [_input("pt")], by_pt([0.85, 0.95, 1.02])),
        _correction("trigger_down", [_input("pt")], by_pt([0.75, 0.85, 0.98])),
        _correction("unused", [_input("label", "string"), _input("pt")], by_pt([0.8, 0.9, 1.0])),
        _correction("of_eta_only", [_input("abs_eta")], 1.0),
        _correction("pileup", [_input("n", "int")], _category("n", {1: 1.1, 2: 0.9, 3: 1.3})),
        _correction(
            "mixed", [_input("pt"), _input("n", "int")], _category("n", {1: by_pt([1.0, 1.1, 1.2]), 2: 2.0, 3: 3.0})
        ),
        _correction(
            "logarithm",
            [_input("pt")],
            {"nodetype": "formula", "expression": "log(x)", "parser": "TFormula", "variables": ["pt"]},
        ),
        _correction("constant", [_input("year", "string")], _category("year", {"2022": 1.25, "2023": 1.5})),
    ],
    "compound_corrections": [
        {
            "name": "both",
            "inputs": [_input("systematic", "string"), *ETA_PT],
            "output": {"name": "weight", "type": "real"},
            "inputs_update": [],
            "input_op": "*",
            "output_op": "*",
            "stack": ["identification", "trigger"],
        }
    ],
}


def written(folder, name="sf.json", content=None):
    path = folder / name
    path.write_text(json.dumps(CONTENT if content is None else content))
    return path
