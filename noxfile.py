"""The sessions that guard the code. ``nox`` alone runs what a change must pass; ``nox --list`` tells all of them."""

from __future__ import annotations

import shutil

import nox

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "typing", "lint", "docs", "coverage"]

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
NEED_OPENSTACK = (
    "tests/clouds/openstack",
    "tests/testing/test_contract_openstack.py",
    "tests/catalogue/test_openstack.py",
)
IN_PARALLEL = ("-n", "2", "--dist", "loadfile")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on every Python that is here. Arguments after -- go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types of the package and of user stacks: those that must pass and those that must not."""
    session.install("-e", ".[test,typing]")
    session.run("mypy")
    session.run("pytest", "tests/house/test_typing.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, layers and size limits."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("python", "-m", "tests.house.limits")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, with warnings as errors, and execute every example in it."""
    session.install("-e", ".[docs,test]")
    shutil.rmtree("docs/_build", ignore_errors=True)
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    session.run("pytest", "docs", "README.md", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests under coverage and refuse a fall below the floor."""
    session.install("-e", ".[test]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *IN_PARALLEL, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run the benchmarks, beside Terraform where it is installed. Arguments after -- go to them: --quick, --write."""
    session.install("-e", ".[cli,test]", "cattrs")  # importing is measured against attrs and cattrs, reading on moto
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session(default=False)
def openstack(session: nox.Session) -> None:
    """Start a real OpenStack on loopback, run the tests that need one, and stop it. Debian 12, as root.

    INSTALL=yes in the environment installs its packages. Arguments after -- go to pytest. It takes half an hour on two
    busy cores, most of it for the contract and the catalogue: what is waited for are the looks whether something is
    ready. Every process of the tests has a project of its own, so the tests of one file are shared out as well.
    """
    session.install("-e", ".[test]")
    env = {"OPENSTACK_HOME": str(session.cache_dir.absolute() / "openstack")}
    tests = ("pytest", "-n", "4", "--dist", "worksteal", *(session.posargs or NEED_OPENSTACK))
    session.run("bash", "tests/openstack_server/openstack.sh", "with", *tests, env=env, external=True)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Run the tour of README: a stack planned, applied, changed, mended and destroyed on the simulated cloud."""
    session.install(".[cli]")
    session.run("python", "examples/tour.py", *session.posargs)
