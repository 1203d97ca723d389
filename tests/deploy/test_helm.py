"""Values of Helm charts name what the charts have; charts are not rendered here, as Helm is not installed."""

import copy
import importlib
import importlib.resources
import inspect
import os
import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import DEPLOY, definition_errors, model_errors

HELM = DEPLOY / "helm"
CHARTS = yaml.safe_load((Path(__file__).parent / "charts.yaml").read_text())
FILES = {
    "dask-gateway.yaml": "dask-gateway",
    "jupyterhub.yaml": "jupyterhub",
    "jupyterhub-operator.yaml": "jupyterhub",
}
CONSTRAINTS = dict(re.findall(r"^(\S+)==(\S+)$", (DEPLOY.parent / "constraints.txt").read_text(), flags=re.MULTILINE))
OVERRIDES = {"cpu_guarantee": (int, float), "cpu_limit": (int, float), "mem_guarantee": str, "mem_limit": str}


def values(name):
    return yaml.safe_load((HELM / name).read_text())


def is_map_of(kind, value):
    return isinstance(value, dict) and all(isinstance(item, kind) for item in value.values())


def policy(direction, rules):
    spec = {"podSelector": {}, direction: rules}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a"}, "spec": spec}


def a_pod(pod, container):
    whole = {"containers": [{"name": "a", "image": "a", **container}], **pod}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": whole}


def is_profile(profile):
    return profile.keys() <= {"display_name", "description", "slug", "default", "kubespawner_override"} and all(
        isinstance(value, OVERRIDES[key]) for key, value in profile.get("kubespawner_override", {}).items()
    )


KINDS = {
    "text": lambda value: isinstance(value, str),
    "texts": lambda value: is_map_of(str, value),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in {int, float},
    "amount": lambda value: type(value) in {int, float, str},
    "flag": lambda value: isinstance(value, bool),
    "anything": lambda value: isinstance(value, dict),
    "files": lambda value: all(
        file.keys() <= {"mountPath", "data", "stringData", "binaryData", "mode"} for file in value.values()
    ),
    "profiles": lambda value: all(is_profile(profile) for profile in value),
    "ingress": lambda value: not model_errors(policy("ingress", value)),
    "egress": lambda value: not model_errors(policy("egress", value)),
    "container": lambda value: not model_errors(a_pod({}, value)),
    "pod": lambda value: not model_errors(a_pod(value, {})),
}


def unfit(given, chart, where=""):
    """Say what in values is not as a chart has it."""
    if isinstance(chart, list):
        return [] if given in chart else [f"{where}: {given!r}"]
    if isinstance(chart, str):
        return [] if KINDS[chart](given) else [f"{where}: {given!r} is not {chart}"]
    unknown = [f"{where}.{key}: unknown" for key in given.keys() - chart.keys()]
    return unknown + [
        problem
        for key in sorted(given.keys() & chart.keys())
        for problem in unfit(given[key], chart[key], f"{where}.{key}")
    ]


@pytest.mark.parametrize(("name", "chart"), FILES.items())
def test_values_are_those_that_the_chart_has(name, chart):
    pytest.importorskip("kubernetes", reason="the models of Kubernetes come with the extra kubernetes")
    assert unfit(values(name), CHARTS[chart]) == []


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("jupyterhub.yaml", ("singleuser", "defaultURL"), "/lab"),
        ("jupyterhub.yaml", ("singleuser", "uid"), "1000"),
        ("jupyterhub.yaml", ("singleuser", "networkPolicy", "egress"), [{"too": []}]),
        ("jupyterhub.yaml", ("singleuser", "profileList"), [{"name": "Small"}]),
        ("dask-gateway.yaml", ("gateway", "auth", "type"), "hub"),
        ("dask-gateway.yaml", ("gateway", "backend", "worker", "extraContainerConfig"), {"environment": []}),
    ],
)
def test_values_that_the_chart_has_not_are_found(name, path, value):
    pytest.importorskip("kubernetes", reason="the models of Kubernetes come with the extra kubernetes")
    broken = values(name)
    inside = broken
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    assert len(unfit(broken, CHARTS[FILES[name]])) == 1


def operator_values():
    package = importlib.resources.files("dask_kubernetes")
    chart = package / "operator/deployment/helm/dask-kubernetes-operator/values.yaml"
    return yaml.safe_load(chart.read_text())


def test_the_operator_s_chart_has_what_is_set():
    pytest.importorskip("dask_kubernetes", reason="the chart comes with the extra kubernetes")
    ours, chart = values("dask-kubernetes-operator.yaml"), operator_values()
    assert ours.keys() <= chart.keys()
    assert ours["workerAllocation"].keys() == chart["workerAllocation"].keys()
    pod = {"securityContext": ours["podSecurityContext"]}
    assert model_errors(a_pod(pod, {"resources": ours["resources"]})) == []


@pytest.mark.parametrize(
    ("name", "package"), [("dask-kubernetes-operator.yaml", "dask-kubernetes"), ("dask-gateway.yaml", "dask-gateway")]
)
def test_charts_have_the_version_of_the_client(name, package):
    (version,) = re.findall(r"--version (\S+)", (HELM / name).read_text())
    assert version == CONSTRAINTS[package]


def merged(ours, more):
    """Values as Helm merges those of a second file."""
    both = copy.deepcopy(ours)
    for key, value in more.items():
        both[key] = merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def factory(*names):
    both = {}
    for name in names:
        both = merged(both, values(name))
    data = both["singleuser"]["extraFiles"]["labextension"]["data"]["labextension"]
    made = data["factory"]
    return getattr(importlib.import_module(made["module"]), made["class"]), made, data["default"]


def test_the_dask_panel_makes_clusters_of_the_gateway():
    pytest.importorskip("dask_gateway", reason="comes with the extra gateway")
    made, settings, default = factory("jupyterhub.yaml")
    inspect.signature(made).bind(*settings["args"], **settings["kwargs"])
    assert default["adapt"]["minimum"] == 1


def test_the_dask_panel_makes_clusters_of_the_operator():
    pytest.importorskip("dask_kubernetes", reason="comes with the extra kubernetes")
    from dask_kubernetes.operator import make_cluster_spec

    made, settings, _ = factory("jupyterhub.yaml", "jupyterhub-operator.yaml")
    inspect.signature(made).bind(*settings["args"], **settings["kwargs"])
    asked = dict(settings["kwargs"])
    asked.pop("namespace")
    asked["name"] = asked["name"].format(JUPYTERHUB_USER="ada", uuid="0123456789")
    spec = make_cluster_spec(**asked, env=[])
    assert definition_errors(spec) == []
    assert spec["spec"]["worker"]["spec"]["containers"][0]["args"][:4] == ["dask", "worker", "--nthreads", "1"]


def test_the_gateway_is_found_by_settings_that_dask_gateway_reads():
    pytest.importorskip("dask_gateway", reason="comes with the extra gateway")
    import dask.config
    import dask_gateway

    defaults = yaml.safe_load((Path(dask_gateway.__file__).parent / "gateway.yaml").read_text())["gateway"]
    given = {
        key: value
        for key, value in values("jupyterhub.yaml")["singleuser"]["extraEnv"].items()
        if key.startswith("DASK_")
    }
    read = dask.config.collect_env(given)["gateway"]
    assert {dask.config.canonical_name(key, defaults) for key in read} <= defaults.keys()
    assert read["auth"].keys() <= defaults["auth"].keys()
    assert read["auth"]["type"] == values("dask-gateway.yaml")["gateway"]["auth"]["type"]
    # the hub hands on what is below this to the gateway, which has to know it
    assert read["address"].endswith(values("dask-gateway.yaml")["gateway"]["prefix"])


def test_configuration_of_the_gateway_is_python():
    for code in values("dask-gateway.yaml")["gateway"]["extraConfig"].values():
        compile(code, "extraConfig", "exec")


def test_notebooks_have_the_label_that_schedulers_let_in():
    assert values("jupyterhub.yaml")["singleuser"]["extraLabels"] == {"hepcol/dask-client": "true"}


def test_images_are_those_of_the_manifests():
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    (image,) = kustomization["images"]
    assert values("dask-gateway.yaml")["gateway"]["backend"]["image"]["name"] == image["newName"]
    tags = [
        values("dask-gateway.yaml")["gateway"]["backend"]["image"]["tag"],
        values("jupyterhub.yaml")["singleuser"]["image"]["tag"],
        factory_image().rpartition(":")[2],
    ]
    assert {image["newTag"]} == set(tags)
    assert factory_image().rpartition(":")[0] == image["newName"]


def factory_image():
    panel = values("jupyterhub-operator.yaml")["singleuser"]["extraFiles"]["labextension"]["data"]["labextension"]
    return panel["factory"]["kwargs"]["image"]


def test_no_token_is_written_down():
    for path in HELM.glob("*.yaml"):
        assert not re.search(r"(?i)(apiToken|password|secretToken|api_token)\s*:", path.read_text())
    assert "JUPYTERHUB_API_TOKEN" not in os.linesep.join(path.read_text() for path in HELM.glob("*.yaml"))
