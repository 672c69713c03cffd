"""Settings of the gateway, from the environment and from flags: `voice-grpc gateway --help`."""

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Listed = Annotated[list[str], NoDecode]
"""In one text, separated by commas."""


class GatewaySettings(BaseSettings):
    """Every flag has an environment variable: --target is GATEWAY_TARGET. A flag wins."""

    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        allow_inf_nan=False,
        cli_prog_name="voice-grpc gateway",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        validate_default=True,
    )

    target: str = Field("127.0.0.1:50051", description="The server behind: host:port, or https://host:port.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    origins: Listed = Field(
        default_factory=list,
        description="Pages of other hosts that are let in, such as https://app.example.com; * is all.",
    )
    max_sockets: int = Field(200, ge=1, le=100_000, description="Conversations at once.")
    max_per_address: int = Field(20, ge=1, le=100_000, description="Of them from one address.")
    ice_servers: Listed = Field(
        default_factory=list,
        description="For WebRTC, such as stun:stun.example.com or turn:user:password@turn.example.com.",
    )

    @field_validator("origins", "ice_servers", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = ",".join(value)
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )
