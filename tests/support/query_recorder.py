"""Record every query of a test run and compare it with the declared indexes.

The emulator needs no indexes; production rejects a query without one. The run fails if a query has
no index. A run of the whole suite also fails if a file with queries sent none.
"""

import ast
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient, FirestoreClient
from google.cloud.firestore_v1.types import StructuredQuery

from tests.support.firestore_indexes import DeclaredIndexes, QueryShape, query_shapes

ROOT = Path(__file__).parents[2]
INDEXES = ROOT / "firestore.indexes.json"
PRODUCT_FOLDERS = ("functions", "shared", "cli")
_QUERY_METHODS = {"where", "order_by", "collection_group"}
RecordedQueries = set[tuple[QueryShape, str]]
"""Shapes, each with a file of the product from which it was asked."""


class QueryRecorder:
    """The pytest plugin.

    Args:
        config: The run's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._recorded: RecordedQueries = set()
        self._patches = pytest.MonkeyPatch()

    def pytest_sessionstart(self) -> None:
        """Begin to listen."""
        for client in (FirestoreAsyncClient, FirestoreClient):
            for name in ("run_query", "run_aggregation_query"):
                recording = self._record_calls(getattr(client, name))
                self._patches.setattr(client, name, recording)

    def _record_calls(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapper(client: Any, request: Any = None, **rest: Any) -> Any:
            self._recorded |= set(product_queries(request))
            return call(client, request, **rest)

        return wrapper

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect the queries of a worker."""
        for collection, group, equal, arrays, orders, file in node.workeroutput.get("queries", []):
            ways = tuple((field, way) for field, way in orders)
            self._recorded.add(
                (QueryShape(collection, group, tuple(equal), tuple(arrays), ways), file)
            )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Check all queries; a worker only reports its own."""
        self._patches.undo()
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["queries"] = [
                (s.collection, s.group, s.equal, s.arrays, s.orders, file)
                for s, file in self._recorded
            ]
            return
        problems = missing_indexes({shape for shape, _ in self._recorded})
        whole = self._config.args == self._config.getini("testpaths")
        if whole and not self._config.option.keyword and session.exitstatus == 0:
            silent = files_building_queries() - {file for _, file in self._recorded}
            problems += [f"no test sends a query of {file}" for file in sorted(silent)]
        if problems:
            print("\nfirestore.indexes.json:", *problems, sep="\n  ")  # noqa: T201 -- the verdict
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def missing_indexes(recorded: set[QueryShape], indexes: Path = INDEXES) -> list[str]:
    """Return the missing indexes as text."""
    declared = DeclaredIndexes.read(indexes)
    problems = (declared.missing_index(shape) for shape in sorted(recorded))
    return [problem for problem in problems if problem]


def files_building_queries() -> set[str]:
    """Return the product's files with queries."""
    return {
        str(path.relative_to(ROOT))
        for folder in PRODUCT_FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _QUERY_METHODS
    }


def product_queries(request: Any) -> Iterator[tuple[QueryShape, str]]:
    """Yield the shapes of a request's queries, with the product's files on the stack."""
    files = set(_callers())
    if files:
        for shape in query_shapes(_query(request)):
            yield from ((shape, file) for file in files)


def _query(request: Any) -> StructuredQuery:
    """Return the query of a request, given as mapping or message."""
    fields = request if isinstance(request, dict) else type(request).to_dict(request)
    if "structured_aggregation_query" in fields:
        fields = fields["structured_aggregation_query"]
        fields = fields if isinstance(fields, dict) else type(fields).to_dict(fields)
    query = fields["structured_query"]
    if isinstance(query, StructuredQuery):
        return query
    return StructuredQuery(query) if isinstance(query, dict) else StructuredQuery.wrap(query)


def _callers() -> Iterator[str]:
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
        if file := _product_file(frame.f_code.co_filename):
            yield file


@functools.cache
def _product_file(name: str) -> str | None:
    path = Path(name)
    if any(path.is_relative_to(ROOT / folder) for folder in PRODUCT_FOLDERS):
        return str(path.relative_to(ROOT))
    return None
