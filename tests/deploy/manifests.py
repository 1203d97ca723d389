"""Manifests of Kubernetes, and what is asked of them: by its API, by Dask's operator, and by us."""

import copy
import functools
import importlib.resources
import re
from pathlib import Path

import yaml

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
FOLDER = DEPLOY / "kubernetes"
NAMES = tuple(sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml"))
OPERATOR_GROUP = "kubernetes.dask.org/v1"
# of the models; a port, say, may be a name or a number, and is an object to them
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object, "datetime": object}


def load(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def the(kind, documents):
    (found,) = (document for document in documents if document["kind"] == kind)
    return found


def everything():
    return [document for name in NAMES for document in load(name)]


def is_of_the_operator(document):
    return document["apiVersion"] == OPERATOR_GROUP


def model_errors(document):
    """Say what in a core object is not as the models of Kubernetes' client have it, which are made of its OpenAPI."""
    name = document["apiVersion"].rpartition("/")[2].upper() + document["kind"]
    return list(_model_errors(document, name, document["kind"]))


def _model_errors(value, type_name, where):
    """Compare a value with a type of a model, such as ``str``, ``List[V1Container]``, ``Dict[str, str]``, ``V1Pod``."""
    from kubernetes import client

    inner = re.fullmatch(r"(list|dict)[(\[](?:.*, )?(.*)[)\]]", type_name, re.IGNORECASE)
    if type_name in PLAIN:
        # True is an int to Python, and not to Kubernetes
        if not isinstance(value, PLAIN[type_name]) or (type_name == "int" and isinstance(value, bool)):
            yield f"{where}: {value!r} is not {type_name}"
    elif not isinstance(value, list if inner and inner[1].lower() == "list" else dict):
        yield f"{where}: {value!r} is not a {inner[1].lower() if inner else 'map'}"
    elif inner:
        items = enumerate(value) if isinstance(value, list) else value.items()
        for key, item in items:
            yield from _model_errors(item, inner[2], f"{where}[{key}]")
    else:
        yield from _fields_errors(value, getattr(client, type_name), where)


def _fields_errors(value, model, where):
    fields = {outside: inside for inside, outside in model.attribute_map.items()}
    for key in value.keys() & fields.keys():
        yield from _model_errors(value[key], model.openapi_types[fields[key]], f"{where}.{key}")
    yield from (f"{where}: no field {key!r}" for key in sorted(value.keys() - fields.keys()))
    required = {model.attribute_map[name] for name, field in model.model_fields.items() if field.is_required()}
    yield from (f"{where}: no {key!r}, which must be there" for key in sorted(required - value.keys()))


@functools.cache
def definition(kind):
    """Return the schema of a kind of the operator, closed: a field that it does not know is an error, not dropped."""
    crds = importlib.resources.files("dask_kubernetes") / "operator/deployment/helm/dask-kubernetes-operator/crds"
    crd = yaml.load((crds / f"{kind.lower()}.yaml").read_text(), yaml.CSafeLoader)  # 10 times as fast
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"] |= {name: {} for name in ("apiVersion", "kind", "metadata")}
    return _closed(schema)


def _closed(schema):
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def definition_errors(document):
    """Say what in an object of the operator is not as its definition has it."""
    import jsonschema

    validator = jsonschema.Draft7Validator(definition(document["kind"]))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def errors(document):
    return definition_errors(document) if is_of_the_operator(document) else model_errors(document)


def pods(document):
    """Specifications of the pods in a document, by what they are for."""
    kind, spec = document["kind"], document.get("spec", {})
    if kind == "DaskJob":
        return {"job": spec["job"]["spec"], **_of_cluster(spec["cluster"]["spec"])}
    if kind == "DaskCluster":
        return _of_cluster(spec)
    return {"job": spec["template"]["spec"]} if kind == "Job" else {}


def _of_cluster(spec):
    return {part: spec[part]["spec"] for part in ("scheduler", "worker")}


def built(document):
    """Make what the operator makes of a DaskCluster or DaskJob."""
    from dask_kubernetes.operator.controller import controller

    name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
    spec = copy.deepcopy(document["spec"])
    cluster = spec["cluster"]["spec"] if document["kind"] == "DaskJob" else spec
    made = {
        "scheduler": controller.build_scheduler_deployment_spec(name, cluster["scheduler"]["spec"], {}, {}),
        "service": controller.build_scheduler_service_spec(name, cluster["scheduler"]["service"], {}, {}),
        "worker": controller.build_worker_deployment_spec(
            f"{name}-default", namespace, name, "0123456789", cluster["worker"]["spec"], {}, {}
        ),
    }
    if document["kind"] == "DaskJob":
        made["job"] = controller.build_job_pod_spec(name, name, namespace, spec["job"]["spec"], {}, {})
    return made


def admits(policies, labels, port, sender, namespace="hepcol"):
    """Whether network policies let a pod with the labels ``sender`` of a namespace reach one with ``labels``."""
    chosen = [policy["spec"] for policy in policies if _selects(policy["spec"]["podSelector"], labels)]
    if not chosen:
        return True
    return any(
        _is_from(rule["from"], sender, namespace)
        and port in [item["port"] for item in rule.get("ports", [{"port": port}])]
        for policy in chosen
        for rule in policy.get("ingress", [])
    )


def _is_from(peers, sender, namespace):
    return any(
        _selects(peer.get("podSelector", {}), sender)
        and (
            _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
            if "namespaceSelector" in peer
            else namespace == "hepcol"
        )
        for peer in peers
    )


def _selects(selector, labels):
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        {"In": labels.get(rule["key"]) in rule["values"]}[rule["operator"]]
        for rule in selector.get("matchExpressions", [])
    )
