"""The model of the example: will a flight arrive late? Without our features, with, and leaking.

Nothing here fails on the height of an AUC: it prints what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from examples.flights.data import TEST_FROM
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score, roc_curve

BASE = ["carrier", "origin", "dest", "distance", "hour", "weekday", "month"]


@dataclass(frozen=True)
class Fit:
    """A model's success on flights after the split: AUC and its ROC curve."""

    name: str
    auc: float
    false_positive: np.ndarray
    true_positive: np.ndarray


def fit(name: str, labels: pd.DataFrame, features: pd.DataFrame | None, seed: int = 7) -> Fit:
    """Train on flights asked about before October, test on those after; return the success."""
    inputs = labels[BASE].copy()
    for column in ("carrier", "origin", "dest"):
        inputs[column] = inputs[column].astype("category").cat.codes
    if features is not None:
        inputs = pd.concat([inputs, numeric(features)], axis=1)
    train = (labels["asked_at"] < TEST_FROM).to_numpy()
    late = labels["late"].to_numpy()
    model = HistGradientBoostingClassifier(random_state=seed)
    matrix = inputs.to_numpy(dtype=np.float32, na_value=np.nan)
    model.fit(matrix[train], late[train])
    score = model.predict_proba(matrix[~train])[:, 1]
    false_positive, true_positive, _ = roc_curve(late[~train], score)
    return Fit(name, float(roc_auc_score(late[~train], score)), false_positive, true_positive)


def numeric(features: pd.DataFrame) -> pd.DataFrame:
    """Numbers, and the newest entry of each list; instants are left out."""
    out = {}
    for name in features.columns:
        column = features[name]
        if column.dtype == object:
            out[name] = pd.Series(
                [np.nan if v is None or len(v) == 0 else v[-1] for v in column],
                index=column.index,
                dtype=float,
            )
        elif pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            out[name] = column.astype(float)
    return pd.DataFrame(out)
