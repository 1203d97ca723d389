"""Manifests fit the API of Kubernetes and the definitions of Dask's operator, each other, and what we ask of them."""

import copy
import shutil
import subprocess
import tomllib

import pytest
import yaml

from tests.deploy.manifests import (
    DEPLOY,
    FOLDER,
    NAMES,
    admits,
    built,
    errors,
    everything,
    is_of_the_operator,
    load,
    pods,
    the,
)

pytest.importorskip("kubernetes", reason="the models of Kubernetes come with the extra kubernetes")
pytest.importorskip("dask_kubernetes", reason="the definitions of the operator come with the extra kubernetes")

VERSION = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]["version"]
# the oldest that JupyterHub's chart takes, and one of the newest
KUBERNETES = ("1.32", "1.37")
CLIENT = {"hepcol/dask-client": "true"}


def every_pod():
    return [
        pytest.param(pod, id=f"{name}-{part}")
        for name in NAMES
        for document in load(name)
        for part, pod in pods(document).items()
    ]


def containers(pod):
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("name", NAMES)
def test_objects_fit_the_api_and_the_definitions_of_the_operator(name):
    assert [problem for document in load(name) for problem in errors(document)] == []


def remove(*path):
    def change(document):
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return change


def put(value, *path):
    def change(document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


WORKER = ("spec", "worker", "spec", "containers", 0)
BROKEN = {
    "a misspelt field": ("cluster.yaml", "DaskCluster", put([], *WORKER, "arg"), "'arg'"),
    "no service": ("cluster.yaml", "DaskCluster", remove("spec", "scheduler", "service"), "'service' is a required"),
    "a number as argument": ("cluster.yaml", "DaskCluster", put([1], *WORKER, "args"), "1 is not of type 'string'"),
    "a minimum in words": ("autoscaler.yaml", "DaskAutoscaler", put("one", "spec", "minimum"), "'one' is not of type"),
    "a cluster without pods": ("daskjob.yaml", "DaskJob", remove("spec", "cluster"), "'cluster' is a required"),
    "a misspelt policy": ("job.yaml", "Job", put({}, "spec", "podFailPolicy"), "no field 'podFailPolicy'"),
    "a container without name": (
        "job.yaml",
        "Job",
        remove("spec", "template", "spec", "containers", 0, "name"),
        "no 'name', which must be there",
    ),
    "exit codes in words": (
        "job.yaml",
        "Job",
        put(["two"], "spec", "podFailurePolicy", "rules", 0, "onExitCodes", "values"),
        "'two' is not int",
    ),
    "verbs that are no list": ("rbac.yaml", "Role", put("get", "rules", 0, "verbs"), "'get' is not a list"),
    "a binding to nothing": ("rbac.yaml", "RoleBinding", remove("roleRef"), "no 'roleRef', which must be there"),
}


@pytest.mark.parametrize(("name", "kind", "change", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_object_is_found(name, kind, change, says):
    document = copy.deepcopy(the(kind, load(name)))
    change(document)
    assert says in " ".join(errors(document))


@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_fit_the_published_schemas(version):
    """With kubernetes-validate, which brings those of many versions; what the operator makes of ours, too."""
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate, 22 MB of schemas, is not installed"
    )
    core = [document for document in everything() if not is_of_the_operator(document)]
    made = [
        part
        for document in everything()
        if pods(document) and is_of_the_operator(document)
        for part in built(document).values()
    ]
    for document in [*core, *made]:
        kubernetes_validate.validate(document, version, strict=True)
    broken = copy.deepcopy(the("Job", core))
    broken["spec"]["template"]["spec"]["containers"][0]["ressources"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="ressources"):
        kubernetes_validate.validate(broken, version, strict=True)


@pytest.mark.parametrize("name", ["cluster.yaml", "daskjob.yaml"])
def test_what_the_operator_makes_fits_together(name):
    (document,) = load(name)
    made = built(document)
    template = made["scheduler"]["spec"]["template"]
    service = made["service"]
    labels = template["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert {port["port"]: ports[port["targetPort"]] for port in service["spec"]["ports"]} == {8786: 8786, 8787: 8787}
    worker = made["worker"]["spec"]["template"]["spec"]["containers"][0]
    environment = {item["name"]: item for item in worker["env"]}
    assert environment["DASK_SCHEDULER_ADDRESS"]["value"].startswith(f"tcp://{service['metadata']['name']}.hepcol.svc")
    # the arguments name variables that the container has
    assert {"DASK_WORKER_NAME", "MEMORY_LIMIT"} <= environment.keys()
    assert environment["MEMORY_LIMIT"]["valueFrom"]["resourceFieldRef"]["containerName"] == worker["name"]
    assert "memory" in worker["resources"]["limits"]


def test_jobs_ask_the_scheduler_of_their_cluster():
    addresses = {
        name: {
            item["value"]
            for container in containers(pod)
            for item in container["env"]
            if item["name"] == "DASK_SCHEDULER_ADDRESS"
        }
        for name in ("job.yaml", "daskjob.yaml")
        for document in load(name)
        for pod in [pods(document)["job"]]
    }
    names = {"job.yaml": the("DaskCluster", load("cluster.yaml")), "daskjob.yaml": the("DaskJob", load("daskjob.yaml"))}
    for name, document in names.items():
        service = built(document)["service"]["metadata"]["name"]
        assert addresses[name] == {f"tcp://{service}.{document['metadata']['namespace']}.svc:8786"}


def test_the_cluster_has_a_worker_at_all_times():
    cluster, scaler = the("DaskCluster", load("cluster.yaml")), the("DaskAutoscaler", load("autoscaler.yaml"))["spec"]
    assert scaler["cluster"] == cluster["metadata"]["name"]
    assert 1 <= scaler["minimum"] <= cluster["spec"]["worker"]["replicas"] <= scaler["maximum"]


@pytest.mark.parametrize("pod", every_pod())
def test_pods_have_no_rights_and_are_of_one_image(pod):
    accounts = {
        document["metadata"]["name"]: document for document in load("rbac.yaml") if document["kind"] == "ServiceAccount"
    }
    assert pod["serviceAccountName"] in accounts
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in containers(pod):
        assert container["image"] == f"hepcol:{VERSION}"
        context = container["securityContext"]
        assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["requests"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        # what is written: hepcol's cache, and Dask's and Python's temporary files
        assert {"/cache", "/scratch", "/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize("pod", every_pod())
def test_probes_ask_ports_that_are_there(pod):
    for container in containers(pod):
        names = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe in container:
                assert container[probe]["httpGet"]["port"] in names
                assert container[probe]["httpGet"]["path"] == "/health"


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_written_down(name):
    for document in load(name):
        assert document["kind"] != "Secret"
        for pod in pods(document).values():
            for container in containers(pod):
                for item in container.get("env", []):
                    # the name of a file, but no key and no token
                    if any(word in item["name"] for word in ("KEY", "SECRET", "TOKEN", "PASSWORD")):
                        assert item["name"].endswith("_FILE")
                for source in container.get("envFrom", []):
                    assert source["secretRef"]["optional"] is True


SCHEDULER = {"dask.org/component": "scheduler", "dask.org/cluster-name": "hepcol"}
A_WORKER = {"dask.org/component": "worker", "dask.org/cluster-name": "hepcol"}


@pytest.mark.parametrize(
    ("sender", "namespace", "may"),
    [
        (A_WORKER, "hepcol", True),
        (CLIENT, "hepcol", True),
        ({"dask.org/component": "job-runner"}, "hepcol", True),
        (CLIENT, "jupyterhub", True),
        ({}, "dask-operator", True),
        ({}, "hepcol", False),
        ({}, "jupyterhub", False),
        (CLIENT, "default", False),
        (A_WORKER, "default", False),
    ],
)
def test_the_scheduler_is_reached_by_its_own_alone(sender, namespace, may):
    assert admits(load("network-policy.yaml"), SCHEDULER, 8786, sender, namespace) is may


def test_workers_are_reached_by_workers_and_their_scheduler_alone():
    policies = load("network-policy.yaml")
    assert admits(policies, A_WORKER, 40001, SCHEDULER)
    assert admits(policies, A_WORKER, 40001, A_WORKER)
    assert not admits(policies, A_WORKER, 40001, CLIENT)
    assert not admits(policies, SCHEDULER, 22, CLIENT)
    assert not admits(policies, CLIENT, 80, A_WORKER)


def test_policies_meet_the_labels_that_the_operator_and_the_job_give():
    made = built(the("DaskCluster", load("cluster.yaml")))
    labels = {part: made[part]["spec"]["template"]["metadata"]["labels"] for part in ("scheduler", "worker")}
    job = the("Job", load("job.yaml"))["spec"]["template"]["metadata"]["labels"]
    policies = load("network-policy.yaml")
    assert admits(policies, labels["scheduler"], 8786, labels["worker"])
    assert admits(policies, labels["scheduler"], 8786, job)
    assert admits(policies, labels["worker"], 40001, labels["scheduler"])
    runner = built(the("DaskJob", load("daskjob.yaml")))["job"]["metadata"]["labels"]
    assert admits(policies, labels["scheduler"], 8786, runner)


def test_users_may_do_what_kubecluster_does():
    rules = the("Role", load("rbac.yaml"))["rules"]
    may = {
        (group, resource): set(rule["verbs"])
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    for resource in ("daskclusters", "daskworkergroups", "daskautoscalers", "daskjobs"):
        assert {"get", "list", "watch", "create", "patch", "delete"} <= may["kubernetes.dask.org", resource]
    for resource in ("pods", "services", "events"):
        assert may["", resource] == {"get", "list", "watch"}
    assert not any("*" in verbs for verbs in may.values())
    assert not any("secrets" in resource for _, resource in may)


def test_another_try_is_not_made_after_what_would_end_alike():
    from hepcol import cli

    (rule,) = the("Job", load("job.yaml"))["spec"]["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["values"] == [cli.UsageError.exit_code, cli.INCOMPLETE]
    job = the("Job", load("job.yaml"))["spec"]["template"]["spec"]
    assert rule["onExitCodes"]["containerName"] in {container["name"] for container in job["containers"]}
    # which a policy of failures asks for
    assert job["restartPolicy"] == "Never"


def test_the_kustomization_takes_all_but_the_other_way_to_run():
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted({*NAMES} - {"daskjob.yaml"})


def test_kustomize_names_the_registry():
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run([kubectl, "kustomize", FOLDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert [problem for document in made for problem in errors(document)] == []
    images = {
        container["image"] for document in made for pod in pods(document).values() for container in containers(pod)
    }
    assert images == {f"registry.example.org/hepcol:{VERSION}"}
