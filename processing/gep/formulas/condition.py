"""Condition of ecosystems and quality of the data behind an account (HJ 1172-2021, HJ 1176-2021)."""

import numpy as np
from numpy.typing import ArrayLike

#: HJ 1172-2021 table 1; an edge belongs to the better grade.
_GRADES = ("差", "低", "中", "良", "优")
_GRADE_EDGES = (20, 35, 55, 75)


def vegetation_cover(ndvi: ArrayLike, ndvi_soil: ArrayLike, ndvi_vegetation: ArrayLike) -> np.ndarray:
    """Fraction of vegetation cover of the dimidiate pixel model, 0..1 (HJ 1172-2021 B.4)."""
    share = (np.asarray(ndvi) - np.asarray(ndvi_soil)) / (np.asarray(ndvi_vegetation) - np.asarray(ndvi_soil))
    return np.clip(share, 0, 1)


def quality_index(lai: ArrayLike, cover: ArrayLike, gpp: ArrayLike) -> np.ndarray:
    """EQI 0..100: 100 (LAI + FVC + GPP) / 3, each relative to its reference (HJ 1172-2021 formula 3)."""
    return 100 * (np.asarray(lai) + np.asarray(cover) + np.asarray(gpp)) / 3


def quality_grade(index: ArrayLike) -> np.ndarray:
    """Grade of EQI: 优 from 75, 良 from 55, 中 from 35, 低 from 20, 差 below (HJ 1172-2021 table 1); "" if missing."""
    value = np.asarray(index, dtype=float)
    grade = np.array(_GRADES, dtype=object)[np.searchsorted(_GRADE_EDGES, value, side="right").clip(max=4)]
    return np.where(np.isnan(value), "", grade)


def precision(measured: ArrayLike, retrieved: ArrayLike) -> tuple[float, float]:
    """REE and P = 1 - REE of a retrieved parameter (HJ 1176-2021 formulas 1-2; P must reach 0.80).

    REE = sqrt(mean(((m - r) / r)^2)): divided by the retrieved value, not the measured one.
    """
    m, r = np.asarray(measured, dtype=float), np.asarray(retrieved, dtype=float)
    ree = float(np.sqrt(np.mean(((m - r) / r) ** 2)))
    return ree, 1 - ree


def agreement(matrix: ArrayLike) -> tuple[float, float]:
    """Overall accuracy and kappa of a confusion matrix of counts (HJ 1176-2021 8.2)."""
    counts = np.asarray(matrix, dtype=float)
    n = counts.sum()
    overall = np.trace(counts) / n
    chance = (counts.sum(axis=0) * counts.sum(axis=1)).sum() / n**2
    return float(overall), float((overall - chance) / (1 - chance))
