"""scikit-learn's multilayer perceptrons, to the same numbers: change one import.

from glassnet.estimators import MLPClassifier, MLPRegressor
"""

from glassnet.estimators.classifier import MLPClassifier
from glassnet.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
