"""scikit-learn's checks of estimators, and its own tests of its MLP, on ours."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassnet.estimators import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    # the checks themselves are at odds with newer NumPy's in places
    pytest.mark.filterwarnings("ignore::DeprecationWarning:sklearn"),
]


@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


THEIR_TESTS = """
import sys, pytest
import glassnet.estimators as ours
import sklearn.neural_network as public, sklearn.neural_network._multilayer_perceptron as private
for room in (public, private):
    room.MLPClassifier, room.MLPRegressor = ours.MLPClassifier, ours.MLPRegressor
sys.exit(pytest.main([
    "--pyargs", "sklearn.neural_network.tests.test_mlp", "-q", "-p", "no:cacheprovider",
    "-c", sys.argv[1], "--rootdir", sys.argv[2],
]))
"""


@pytest.mark.slow
def test_scikit_learns_own_tests(tmp_path):
    config = tmp_path / "pytest.ini"
    config.write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-c", THEIR_TESTS, str(config), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
