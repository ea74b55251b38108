"""What `sluice eval` tells; these shapes are promised to users."""

from pydantic import BaseModel, ConfigDict

from schemas.asset import AssetState


class EvalFile(BaseModel):
    """One file with a truth."""

    model_config = ConfigDict(frozen=True)

    uri: str
    #: The truth's word for what it is: `image`, `document`, `speech`, `malformed`, ...
    kind: str
    #: None if the file never came in.
    state: AssetState | None
    #: `Class: message` of the first failure.
    error: str | None
    #: Seconds of all stages.
    seconds: float
    metrics: dict[str, float]


class EvalSlice(BaseModel):
    """Figures over some of the files."""

    model_config = ConfigDict(frozen=True)

    metrics: dict[str, float]
    #: Groups of files, or questions, that each figure is made of.
    n: dict[str, int]


class EvalReport(EvalSlice):
    """What `eval --json` prints."""

    #: The same figures by kind of file, and by folder below the one that was evaluated.
    kinds: dict[str, EvalSlice]
    folders: dict[str, EvalSlice]
    files: tuple[EvalFile, ...]
    seconds: float
