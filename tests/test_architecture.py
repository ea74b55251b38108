"""Who may import whom, who owns which library, how large things may grow; read from the source.

A rule that must bend bends in a list below, with the reason beside it.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "infra", "orchestrator", "workers")
SOURCES = sorted(
    path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")
)

#: What each package may import of the project.
MAY_IMPORT = {
    "schemas": {"schemas"},
    "infra": {"schemas", "infra"},
    "orchestrator": {"schemas", "infra", "orchestrator"},
    "workers": {"schemas", "infra", "workers"},
}
BRIDGES = {
    "orchestrator/deps.py": {"workers"},  # builds embedded workers and the query encoders
}

#: A stage knows its model and the data; no database, bucket, vector store or broker.
STAGES_MAY_IMPORT = (
    "schemas",
    "workers.artifacts",
    "workers.device",
    "workers.media.image_tar",
    "workers.media.reading_order",
    "workers.models",
    "workers.passages",
    "workers.stage",
    "workers.windows",
)
#: The one stage that meets untrusted bytes hands them to the sandbox, with its limits.
PREPARE_MAY_IMPORT = ("infra.sandbox", "infra.settings", "workers.media.read")

#: Client libraries, and the files or folders that own them.
OWNERS = {
    "amqp": ["infra/broker.py"],
    "alembic": ["infra/database.py", "infra/migrations"],
    "av": ["workers/media"],
    # sqs.py is a client of its own service; everything else of AWS is object storage
    "boto3": ["infra/s3_client.py", "orchestrator/intake/sqs.py"],
    "botocore": ["infra/s3_client.py", "infra/s3_errors.py", "orchestrator/intake/sqs.py"],
    # deps.py names the type only
    "celery": ["infra/broker.py", "workers/app.py", "orchestrator/deps.py"],
    "cv2": ["workers/models"],
    # sources that are HTTP routes stand beside the other sources
    "fastapi": [
        "orchestrator/api",
        "orchestrator/intake/upload.py",
        "orchestrator/intake/webhook.py",
    ],
    "ffmpeg": ["infra/ffmpeg.py", "workers/media/video.py"],
    "httpx": ["orchestrator"],
    # the client of the model hub lets errors of its own transport through
    "httpx2": ["infra/hub.py"],
    "huggingface_hub": ["infra/hub.py", "infra/hub_cache.py"],
    # bucket events come over brokers of others, too
    "kombu": [
        "infra/broker.py",
        "orchestrator/intake/amqp.py",
        "orchestrator/intake/redis_list.py",
    ],
    "jinja2": ["orchestrator/evaluation/page.py"],
    "jiwer": ["orchestrator/evaluation/speech_scores.py"],
    "kreuzberg": ["workers/media"],
    "onnxruntime": ["workers/models", "workers/media/speech.py"],
    "pebble": ["infra/sandbox.py", "infra/sandbox_child.py"],
    "PIL": ["workers/media", "workers/models"],
    "pydantic_settings": ["infra/setting_groups.py", "infra/settings.py"],
    "pypdfium2": ["workers/media"],
    "pytrec_eval": ["orchestrator/evaluation/retrieval.py"],
    "qdrant_client": ["infra/vectors"],
    # the same tokenizer must make the terms of documents and of queries
    "qdrant_edge": ["infra/vectors", "workers/models/bm25.py"],
    "rapidfuzz": ["orchestrator/evaluation"],
    "rapidocr": ["workers/models"],
    "rich": ["orchestrator"],
    "safetensors": ["workers/models"],
    "scenedetect": ["workers/media"],
    "soundfile": ["workers/media", "workers/samples.py"],
    # a batch is committed in one transaction, by results.py, which answers one conflict
    "sqlalchemy": ["infra", "workers/results.py", "workers/result_rows.py"],
    "torch": ["workers/models", "workers/device.py"],
    # the normaliser of transcripts, which loads no torch
    "transformers": ["workers/models", "orchestrator/evaluation/speech_scores.py"],
    "typer": [
        "orchestrator/cli.py",
        "orchestrator/cli_cluster.py",
        "orchestrator/cli_models.py",
    ],
    "uvicorn": ["orchestrator/commands"],
}

#: Reading the environment anywhere else would make a setting that no document names.
ENVIRONMENT_READERS = {
    "infra/settings.py": "the one reader",
    "infra/confinement.py": "empties the environment of the sandbox's children",
    "workers/device.py": "sets OpenMP's thread policy, which torch reads at import",
}

#: `except Exception` or wider.
BROAD_EXCEPTS = {
    "infra/confinement.py": "the child sends its exception home as data",
    "infra/durable_files.py": "removes a half-written file, then raises again",
    "infra/vectors/edge.py": "the engine raises bare exceptions; translated at the border",
    "orchestrator/embedded.py": "hands the work's exception to the thread that waits for it",
    "workers/media/soundtracks.py": "stops the decoder, then raises again",
}

MAX_FILE_LINES, MAX_STAGE_LINES = 300, 200
MAX_FUNCTION_LINES, MAX_PARAMETERS = 50, 7
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler"}
BANNED_NAMES |= {"process", "data", "info", "base", "core", "tools", "shared"}

#: Files (or folders) without a test file of the same name.
TESTED_ELSEWHERE = {
    "schemas/events.py": "an enumeration; tests/schemas/test_transitions.py covers its use",
    "schemas/model_reports.py": "shapes without behaviour",
    "schemas/reports.py": "shapes without behaviour",
    "infra/migrations": "tests/infra/test_tables.py runs them down and up",
    "infra/log.py": "configuration; what is logged is tested where it is logged",
    "infra/reports.py": "tests/acceptance reads every report through the command line",
    "infra/vectors/edge_records.py": "tests/infra/vectors run every adapter on one contract",
    "infra/vectors/qdrant_records.py": "tests/infra/vectors run every adapter on one contract",
    "orchestrator/api/client.py": "tests/acceptance",
    "orchestrator/cli_cluster.py": "tests/acceptance runs the commands",
    "orchestrator/cli.py": "tests/acceptance runs the command",
    "orchestrator/commands": "tests/acceptance runs the commands",
    "orchestrator/deps.py": "a composition root; tests/acceptance builds it",
    "orchestrator/embedded.py": "tests/acceptance",
    "orchestrator/ingest.py": "tests/acceptance",
    "orchestrator/move/show.py": "a port; tests/orchestrator/move show nothing through it",
    "orchestrator/progress.py": "what a terminal shows",
    "orchestrator/pump.py": "tests/acceptance",
    "workers/deps.py": "a composition root; tests/acceptance builds it",
    "workers/stage.py": "a port; tests/workers/stages/test_contract.py holds every stage to it",
    "workers/media/formats.py": "a table; tests/workers/media/test_sniff.py reads it",
    "workers/media/media_file.py": "a record",
    "workers/models/roles.py": "ports; each family is held to its role in its own test",
}

#: What may not be loaded before a command needs it.
HEAVY = ["torch", "transformers", "cv2", "PIL", "av", "onnxruntime", "rapidocr", "pyarrow"]


@cache
def tree_of(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


def imports_of(source: str) -> set[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def top(module: str) -> str:
    return module.partition(".")[0]


def is_within(name: str, places: object, separator: str) -> bool:
    return any(name == place or name.startswith(place + separator) for place in places)


def functions_of(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


# -- imports ---------------------------------------------------------------------------------


def test_packages_import_only_downwards():
    ours = {*PACKAGES, "demo", "tests", "benchmarks"}
    wrong = [
        f"{source} imports {module}"
        for source in SOURCES
        for module in sorted(imports_of(source))
        if top(module) in ours
        and top(module)
        not in MAY_IMPORT[top(source.replace("/", "."))] | BRIDGES.get(source, set())
    ]

    assert wrong == []


def test_stages_know_nothing_but_models_and_data():
    wrong = []
    for source in SOURCES:
        if not source.startswith("workers/stages/"):
            continue
        allowed = STAGES_MAY_IMPORT
        if source.endswith("/prepare.py"):
            allowed += PREPARE_MAY_IMPORT
        ours = [module for module in imports_of(source) if top(module) in PACKAGES]
        wrong += [f"{source} imports {m}" for m in ours if not is_within(m, allowed, ".")]

    assert wrong == []


def test_schemas_are_pure():
    allowed = {"pydantic", "schemas", *sys.stdlib_module_names}
    wrong = [
        f"{source} imports {module}"
        for source in SOURCES
        if source.startswith("schemas/")
        for module in sorted(imports_of(source))
        if top(module) not in allowed
    ]

    assert wrong == []


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_library_is_imported_by_its_owners_only(library):
    users = [s for s in SOURCES if library in {top(module) for module in imports_of(s)}]

    assert [source for source in users if not is_within(source, OWNERS[library], "/")] == []


def test_environment_is_read_in_one_place():
    readers = {
        source
        for source in SOURCES
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"}
    }

    assert readers - set(ENVIRONMENT_READERS) == set()


# -- errors ----------------------------------------------------------------------------------


def is_broad(handler: ast.ExceptHandler) -> bool:
    named = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    names = {ast.unparse(each) for each in named if each is not None}
    return handler.type is None or not names.isdisjoint({"Exception", "BaseException"})


def test_nothing_broad_is_caught_without_a_reason():
    found = {
        source
        for source in SOURCES
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    }

    assert found - set(BROAD_EXCEPTS) == set()


def test_no_reason_outlives_its_exception():
    """Lists of exceptions shrink when the code they excuse is gone."""
    listed = [*ENVIRONMENT_READERS, *BROAD_EXCEPTS, *TESTED_ELSEWHERE, *BRIDGES]

    assert [name for name in listed if not (ROOT / name).exists()] == []


# -- sizes and names -------------------------------------------------------------------------


def test_files_fit_on_a_few_screens():
    lengths = {s: len((ROOT / s).read_text(encoding="utf-8").splitlines()) for s in SOURCES}
    is_stage = {s: s.startswith("workers/stages/") for s in SOURCES}
    limits = {s: MAX_STAGE_LINES if is_stage[s] else MAX_FILE_LINES for s in SOURCES}

    assert {s: n for s, n in lengths.items() if n > limits[s]} == {}


def test_functions_fit_on_one_screen():
    long = [
        f"{source}: {function.name} has {n} lines"
        for source in SOURCES
        if not source.startswith("infra/migrations/versions/")  # one table after another
        for function in functions_of(source)
        if (n := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION_LINES
    ]

    assert long == []


def n_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    args = function.args
    named = [arg.arg for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs]]
    return len([name for name in named if name not in {"self", "cls"}])


def test_functions_take_few_parameters():
    wide = [
        f"{source}: {function.name}"
        for source in SOURCES
        if source != "orchestrator/cli.py"  # a command has as many as its options
        for function in functions_of(source)
        if n_parameters(function) > MAX_PARAMETERS
    ]

    assert wide == []


def test_names_say_what_is_inside():
    parts = {s: {p.removesuffix(".py") for p in PurePosixPath(s).parts} for s in SOURCES}

    assert [source for source in SOURCES if parts[source] & BANNED_NAMES] == []


def test_every_file_has_its_test():
    missing = [
        source
        for source in map(PurePosixPath, SOURCES)
        if source.name != "__init__.py"
        and not (ROOT / "tests" / source.parent / f"test_{source.name}").exists()
        and not is_within(source.as_posix(), TESTED_ELSEWHERE, "/")
    ]

    assert missing == []


# -- start-up --------------------------------------------------------------------------------


def test_help_loads_no_model_library():
    script = f"""
import sys
from orchestrator.cli import main
sys.argv = ["sluice", "--help"]
try:
    main()
except SystemExit:
    pass
print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)
"""
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert "ingest" in shown.stdout
    assert shown.stderr.strip().splitlines()[-1] == "[]"
