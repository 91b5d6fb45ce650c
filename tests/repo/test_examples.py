"""docs/integrate.md shows the files of ``web_client/examples``, which tests run."""

from tests.repo.markdown import read
from tools.examples_in_docs import EXAMPLES, rendered, shown

DOCUMENT = read("docs/integrate.md")


def test_the_document_shows_each_example_as_it_is() -> None:
    assert rendered(DOCUMENT) == DOCUMENT, "python tools/examples_in_docs.py writes them again"


def test_the_document_leaves_no_example_out() -> None:
    files = [path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()]
    assert files
    assert sorted(shown(DOCUMENT)) == sorted(name for name in files if "__pycache__" not in name)


def test_another_example_in_the_document_is_found() -> None:
    assert rendered(DOCUMENT.replace("TingqingClient({ server, token, source", "TingqingClient({ token")) == DOCUMENT
