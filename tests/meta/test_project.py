# SPDX-License-Identifier: Apache-2.0
"""The project's own facts agree with each other."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

import flaxnn
from tests.meta._house import ROOT, layers

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
# "## 0.1.0 (unreleased)" or "## 0.1.0 (2026-12-01)".
NEWEST = re.search(
    r"^## (?P<version>\S+) \((?P<day>.*)\)$",
    (ROOT / "CHANGELOG.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_all_is_every_extra_but_torch_and_docs() -> None:
    extras = PROJECT["optional-dependencies"]
    (all_of,) = extras["all"]
    named = re.fullmatch(r"flaxnn\[(.*)\]", all_of)
    assert named
    assert set(named[1].split(",")) == set(extras) - {"all", "torch", "docs"}


def test_no_dependency_is_capped() -> None:
    extras = PROJECT["optional-dependencies"].values()
    needs = [*PROJECT["dependencies"], *chain.from_iterable(extras)]
    assert needs
    assert [need for need in needs if re.search(r"<|==|~=", need)] == []


def test_the_page_of_the_dependencies_has_each_of_them() -> None:
    page = (ROOT / "docs" / "project" / "dependencies.md").read_text("utf-8")
    rows = " ".join(line for line in page.splitlines() if line.startswith("| "))
    listed = set(re.findall(r"[\w-]+", rows))
    extras = PROJECT["optional-dependencies"]
    needs = [*PROJECT["dependencies"], *chain.from_iterable(extras.values())]
    names = {re.match(r"[\w-]+", need)[0] for need in needs}  # pyright: ignore[reportOptionalSubscript]
    assert names - {"flaxnn"} - listed == set()
    assert set(extras) - listed == set()


def test_the_changelog_opens_with_this_version() -> None:
    assert NEWEST
    assert NEWEST["version"] == flaxnn.__version__


def test_the_citation_is_of_this_version() -> None:
    assert NEWEST
    assert CITATION["version"] == flaxnn.__version__
    released = CITATION.get("date-released")
    assert (str(released) if released else "unreleased") == NEWEST["day"]


def test_the_citation_has_what_its_format_asks_for() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["authors"] == PROJECT["authors"]
    for name in ("message", "abstract"):
        assert isinstance(CITATION[name], str)
    assert all(isinstance(word, str) for word in CITATION["keywords"])
    assert isinstance(CITATION.get("date-released", date.today()), date)


def test_each_python_of_the_classifiers_is_run() -> None:
    named = re.findall(
        r"Python :: (\d\.\d+)", "\n".join(PROJECT["classifiers"]), re.MULTILINE
    )
    jobs = _workflow("ci")["jobs"]
    assert named == jobs["ci"]["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_the_oldest_dependencies_are_run_on_the_oldest_python() -> None:
    for name in ("ci", "release"):
        steps = _workflow(name)["jobs"]["oldest"]["steps"]
        (version,) = (s["with"]["python-version"] for s in steps if _sets_python(s))
        assert PROJECT["requires-python"] == f">={version}"
        assert steps[-1]["run"] == ".ci/run oldest"


def test_every_stage_that_a_workflow_asks_for_is_there() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    stages = set(re.findall(r'^stage "([^"]+)"', script, re.MULTILINE))
    asked = {
        stage
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for stages in re.findall(r"\.ci/run (.+)", path.read_text("utf-8"))
        for stage in stages.split()
    }
    assert asked
    assert asked <= stages


def test_only_publishing_may_more_than_read() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        workflow = _workflow(path.stem)
        assert workflow["permissions"] == {"contents": "read"}
        more = {
            name: job["permissions"]
            for name, job in workflow["jobs"].items()
            if "permissions" in job
        }
        publishes = {"publish": {"id-token": "write"}}
        assert more == (publishes if path.stem == "release" else {})


def test_publishing_waits_for_the_tests_and_for_a_person() -> None:
    job = _workflow("release")["jobs"]["publish"]
    assert set(job["needs"]) == {"build", "oldest"}
    assert job["environment"]["name"] == "pypi"


def _workflow(name: str) -> dict[str, Any]:
    path = ROOT / ".github" / "workflows" / f"{name}.yml"
    return yaml.safe_load(path.read_text("utf-8"))


def _sets_python(step: dict[str, Any]) -> bool:
    return step.get("uses", "").startswith("actions/setup-python@")


def test_the_oldest_stage_has_tests_of_every_room() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (listed,) = re.findall(r'^oldest_tests="(.*?)"', script, re.MULTILINE | re.DOTALL)
    paths = listed.replace("\\\n", " ").split()
    assert [path for path in paths if not (ROOT / path).exists()] == []
    tested = {Path(path).parts[2] for path in paths if path.startswith("tests/unit/")}
    # The documents' models are what `reproduce` runs.
    assert set(layers()) - tested <= {"models"}
