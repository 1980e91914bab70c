"""How size and latency are measured."""

from __future__ import annotations

from pydantic import field_validator

from distill_core.sections.base import Section, setting


class MeasureSection(Section):
    """How size and latency are measured."""

    batch_sizes: list[int] = setting(
        lambda: [1, 32], "Batch sizes at which latency is measured.", unit="examples", label="Latency batch sizes"
    )
    tokens: int = setting(
        32, "Length of the inputs used for latency.", unit="tokens", label="Latency input length", ge=1, le=512
    )
    threads: int = setting(
        1, "CPU threads while latency is measured.", unit="threads", label="Latency threads", ge=1, le=256
    )
    repeats: int = setting(
        30,
        "Timed calls per batch size, after the warm-up.",
        unit="calls",
        label="Latency repeats",
        ge=5,
        le=10000,
        advanced=True,
    )
    energy: bool = setting(
        False,
        "Add up the energy the run takes, by codecarbon without a network (it has to be installed: pip install "
        "codecarbon==3.3.2). Where the hardware does not tell its power, the figure is an estimate, and says so.",
        label="Measure energy",
        advanced=True,
    )
    energy_country: str | None = setting(
        None,
        "Where the electricity comes from, three letters (ISO 3166), e.g. DEU: for emissions beside the energy. Empty: "
        "none are told.",
        label="Country of the electricity",
        pattern="^[A-Z]{3}$",
        advanced=True,
    )

    @field_validator("batch_sizes")
    @classmethod
    def _positive(cls, value: list[int]) -> list[int]:
        if not value or any(v < 1 or v > 4096 for v in value):
            raise ValueError("give at least one batch size between 1 and 4096.")
        return sorted(set(value))
