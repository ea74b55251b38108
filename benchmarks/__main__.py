"""`make bench`: all figures as one JSON document. Noisy neighbours move rates, rarely ratios."""

import json
import sys

from benchmarks.cluster import measure_cluster
from benchmarks.documents import measure_documents
from benchmarks.figure import Figure
from benchmarks.jpeg_preparation import measure_jpeg_preparation
from benchmarks.orchestration import measure_orchestration
from benchmarks.scan import measure_scan

BENCHMARKS = (
    measure_jpeg_preparation,
    measure_documents,
    measure_orchestration,
    measure_cluster,
    measure_scan,
)


def main() -> None:
    """Run every benchmark, or those whose name holds an argument."""
    wanted = sys.argv[1:]
    chosen = [b for b in BENCHMARKS if not wanted or any(w in b.__name__ for w in wanted)]
    figures: list[Figure] = []
    for measure in chosen:
        measured = measure()
        figures += [measured] if isinstance(measured, Figure) else measured
    print(json.dumps({"figures": [figure.report() for figure in figures]}, indent=2))


if __name__ == "__main__":
    main()
