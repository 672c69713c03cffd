"""The manifests for Kubernetes: of its schemas, and consistent in what no schema sees."""

import base64
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.files import COMMAND_LINES, OVERLAYS, containers, of_kind, rendered, variables, workloads
from voice_grpc.settings import Settings

VERSION = "1.37"
LABEL = "app.kubernetes.io/name"

everywhere = pytest.mark.parametrize("overlay", OVERLAYS)


def environment(overlay: str, container: dict[str, Any]) -> dict[str, str]:
    """As the container finds it."""
    maps, secrets = of_kind(overlay, "ConfigMap"), of_kind(overlay, "Secret")

    def secret(name: str) -> dict[str, str]:
        return {key: base64.b64decode(value).decode() for key, value in secrets[name]["data"].items()}

    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= maps[source["configMapRef"]["name"]]["data"]
        else:
            found |= secret(source["secretRef"]["name"])
    for each in container.get("env", []):
        if "value" in each:
            value = each["value"]
            for name, known in list(found.items()):
                value = value.replace(f"$({name})", known)
            found[each["name"]] = value
        else:
            place = each["valueFrom"]["secretKeyRef"]
            found[each["name"]] = secret(place["name"])[place["key"]]
    return found


def ours(overlay: str) -> list[tuple[str, dict[str, Any]]]:
    """Containers of this project's programs, with the command that they run."""
    found = [(each["args"][0], each) for _, each in containers(overlay) if each.get("args")]
    return [(command, each) for command, each in found if command in COMMAND_LINES]


@everywhere
def test_every_manifest_is_of_its_schema(overlay: str) -> None:
    for each in rendered(overlay):
        kubernetes_validate.validate(each, VERSION, strict=True)


def test_a_field_that_is_none_is_found() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@everywhere
def test_every_probe_asks_a_port_that_is_there(overlay: str) -> None:
    for name, container in containers(overlay):
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        probes = [container.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness")]
        assert probes[1], f"{name} has no readiness probe"
        assert probes[2], f"{name} has no liveness probe"
        for probe in filter(None, probes):
            (asked,) = [probe[kind] for kind in ("grpc", "httpGet", "tcpSocket") if kind in probe]
            assert asked["port"] in {*ports, *ports.values()}, name


@everywhere
def test_every_service_leads_to_a_port_of_its_pods(overlay: str) -> None:
    pods = workloads(overlay)
    for name, service in of_kind(overlay, "Service").items():
        (container,) = pods[service["spec"]["selector"][LABEL]]["containers"]
        names = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names, name


@everywhere
def test_budgets_policies_and_the_autoscaler_are_of_pods_that_are_there(overlay: str) -> None:
    pods = set(workloads(overlay))
    for name, budget in of_kind(overlay, "PodDisruptionBudget").items():
        assert budget["spec"]["selector"]["matchLabels"][LABEL] in pods, name
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler").values():
        target = scaler["spec"]["scaleTargetRef"]
        assert "replicas" not in of_kind(overlay, target["kind"])[target["name"]]["spec"]
    for name, policy in of_kind(overlay, "NetworkPolicy").items():
        for selector in _selectors(policy["spec"]):
            named = [selector.get("matchLabels", {}).get(LABEL)] if "matchLabels" in selector else []
            named += [value for each in selector.get("matchExpressions", []) for value in each["values"]]
            assert set(named) <= pods, name


def _selectors(spec: dict[str, Any]) -> list[dict[str, Any]]:
    peers = [peer for rule in spec.get("ingress", []) for peer in rule.get("from", [])]
    peers += [peer for rule in spec.get("egress", []) for peer in rule.get("to", [])]
    return [spec["podSelector"], *(peer["podSelector"] for peer in peers if "podSelector" in peer)]


@everywhere
def test_whom_the_policies_let_through_can_be_reached(overlay: str) -> None:
    """What one may leave for, the other lets in, on a port that it has."""
    policies = of_kind(overlay, "NetworkPolicy").values()
    ports = {name: {port["containerPort"] for port in each["ports"]} for name, each in containers(overlay)}
    ways = {"ingress": set(), "egress": set()}  # type: dict[str, set[tuple[str, str, int]]]
    for policy in policies:
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                for peer in (each for each in rule.get(side, []) if "podSelector" in each):
                    for mine in _named(policy["spec"]["podSelector"]):
                        for theirs in _named(peer["podSelector"]):
                            way = (theirs, mine) if direction == "ingress" else (mine, theirs)
                            ways[direction] |= {(*way, port["port"]) for port in rule["ports"]}
    assert ways["ingress"] == ways["egress"]
    assert all(port in ports[to] for _, to, port in ways["ingress"])


def _named(selector: dict[str, Any]) -> list[str]:
    if "matchLabels" in selector:
        return [selector["matchLabels"][LABEL]]
    return [value for each in selector.get("matchExpressions", []) for value in each["values"]]


@everywhere
def test_every_pod_is_restricted(overlay: str) -> None:
    for name, pod in workloads(overlay).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", name
        assert pod["automountServiceAccountToken"] is False, name
    for name, container in containers(overlay):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["capabilities"]["drop"] == ["ALL"], name
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"], name


@everywhere
def test_no_service_is_taken_for_a_setting(overlay: str) -> None:
    """Kubernetes sets GATEWAY_PORT=tcp://… wherever there is a Service called gateway."""
    assert all(pod["enableServiceLinks"] is False for pod in workloads(overlay).values())


@everywhere
def test_every_variable_is_a_setting_and_its_value_is_accepted(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = {command for command, _ in ours(overlay)}
    assert commands >= {"serve", "gateway"}
    for command, container in ours(overlay):
        given = environment(overlay, container)
        assert set(given) - variables(command) <= {"VALKEY_PASSWORD"}
        with monkeypatch.context() as patch:
            for variable in variables(command):
                patch.delenv(variable, raising=False)
            for variable, value in given.items():
                patch.setenv(variable, value)
            settings = COMMAND_LINES[command].kind(_env_file=None)
        ports = [port["containerPort"] for port in container["ports"]]
        own = [settings.port, getattr(settings, "metrics_port", None)]
        assert (settings.host, {port for port in own if port}) == ("0.0.0.0", set(ports))


@everywhere
def test_the_server_drains_before_it_is_killed(overlay: str) -> None:
    pod = workloads(overlay)["server"]
    (container,) = pod["containers"]
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drains = float(environment(overlay, container)["VOICE_DRAIN_SECONDS"])
    assert waits + drains < pod["terminationGracePeriodSeconds"]


def test_what_is_not_filled_in_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    (container,) = workloads("base")["server"]["containers"]
    given = environment("base", container)
    for variable in variables("serve"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    seeds = ("whisper_server_url", "gemini_api_key", "google_tts_credentials")
    assert all(not getattr(settings, name) for name in seeds)
    assert not settings.tokens
    assert not settings.secret.get_secret_value()
    assert {"WHISPER_SERVER_URL", "GEMINI_API_KEY", "GOOGLE_TTS_CREDENTIALS"} <= set(given)


@everywhere
def test_a_secret_of_the_overlay_is_that_of_every_server(overlay: str) -> None:
    (container,) = workloads(overlay)["server"]["containers"]
    (resume,) = [name for name in of_kind(overlay, "Secret") if name.startswith("resume")]
    assert {"secretRef": {"name": resume}} in container["envFrom"]
    assert environment(overlay, container)["VOICE_SECRET"].startswith("<")  # none that everybody knows


def test_with_gpus_the_engines_are_those_in_the_cluster() -> None:
    (container,) = workloads("gpu")["server"]["containers"]
    given = environment("gpu", container)
    services = of_kind("gpu", "Service")
    for variable in ("WHISPER_SERVER_URL", "OPENAI_BASE_URL"):
        host, _, rest = given[variable].removeprefix("http://").partition(":")
        assert services[host]["spec"]["ports"][0]["port"] == int(rest.partition("/")[0])
    limits = [each["resources"]["limits"].get("nvidia.com/gpu") for _, each in containers("gpu")]
    assert limits.count(1) == 2
