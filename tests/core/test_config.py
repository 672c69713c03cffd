"""Settings that count by the state of the turn."""

from voice_grpc.core.config import LiveConfig, SessionConfig
from voice_grpc.core.turn.endpointing import EndpointSettings
from voice_grpc.core.turn.state import State


def thresholds(endpoint: EndpointSettings) -> dict[State, float]:
    live = LiveConfig(SessionConfig("talk", endpoint=endpoint))
    found = {}
    for live.state in State:
        found[live.state] = live.endpoint.threshold
    return found


def test_each_state_may_have_a_threshold_of_its_own() -> None:
    found = thresholds(EndpointSettings(threshold=0.3, threshold_thinking=0.6, threshold_speaking=0.8))
    assert {found[state] for state in (State.LISTENING, State.HEARING, State.ENDING)} == {0.3}
    assert found[State.THINKING] == 0.6
    assert found[State.SPEAKING] == found[State.YIELDING] == 0.8


def test_where_it_has_none_the_threshold_counts() -> None:
    assert set(thresholds(EndpointSettings(threshold=0.3)).values()) == {0.3}
