"""Which number drives an account: rank correlation over its draws, and Sobol indices (SALib) of the few that matter."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from SALib.analyze import sobol as sobol_analysis  # type: ignore[import-untyped]
from SALib.sample import sobol as sobol_sample  # type: ignore[import-untyped]
from scipy.stats import rankdata

from processing.gep.account import Account, account
from processing.gep.draws import Factor
from processing.gep.profile import Profile


def drivers(of: Account, part: str | None = None) -> pd.DataFrame:
    """How each uncertain number moves the total, or the value of one part, over the draws of an account.

    Args:
        of: an account with draws.
        part: a part; None takes the sum of all valued parts.

    Returns:
        factor, value, low, high, status, rank_correlation (Spearman, -1..1) and share (its square over the sum of
        squares, so of the variance that ranks explain), the largest share first.

    Raises:
        ValueError: the account has no draws.
        KeyError: the part was not computed.
    """
    if of.draws.n < 2:
        raise ValueError("the account has no draws; make it with draws=200 or more")
    result = of.draws_of_total() if part is None else _value(of, part)
    names, table = of.draws.table()
    given = np.broadcast_to(result, (of.draws.n + 1,))[1:]
    correlation = _rank_correlation(table, given)
    squares = correlation**2
    share = squares / squares.sum() if squares.sum() > 0 else squares
    rows = [_told(of.draws.factors[n]) for n in names]
    frame = pd.DataFrame(rows, columns=["factor", "value", "low", "high", "status"])
    frame["rank_correlation"], frame["share"] = correlation, share
    return frame.sort_values(["share", "factor"], ascending=[False, True], ignore_index=True)


def sobol(
    inputs: pd.DataFrame,
    profile: Profile,
    *,
    year: int,
    region: str,
    factors: Sequence[str],
    n: int = 64,
    seed: int = 0,
    base_year: int | None = None,
    of: Callable[[Account], np.ndarray] = Account.draws_of_total,
) -> pd.DataFrame:
    """First-order and total Sobol indices of some factors, the others at their values (SALib, Saltelli's scheme).

    Args:
        inputs: as for `account`.
        profile: the norm.
        year: year of the account.
        region: code of the district.
        factors: names as `drivers` has them.
        n: base samples, a power of 2; the account is made with n (k + 2) draws.
        seed: of the samples.
        base_year: as for `account`.
        of: what of the account is looked at, (draw); the total by default.

    Returns:
        factor, first, first_confidence, total, total_confidence, the largest total first.

    Raises:
        KeyError: a factor is not one of the account.
    """
    central = account(inputs, profile, year=year, region=region, base_year=base_year)
    known = {name: central.draws.factors[name] for name in factors}
    problem = {"num_vars": len(factors), "names": list(factors), "bounds": [[0.0, 1.0]] * len(factors)}
    shares = sobol_sample.sample(problem, n, calc_second_order=False, seed=seed)
    given = {name: known[name].draw(shares[:, k]) for k, name in enumerate(factors)}
    drawn = account(inputs, profile, year=year, region=region, base_year=base_year, given=given)
    result = np.broadcast_to(of(drawn), (len(shares) + 1,))[1:]
    found = sobol_analysis.analyze(problem, result, calc_second_order=False, seed=seed)
    frame = pd.DataFrame(
        {
            "factor": list(factors),
            "first": found["S1"],
            "first_confidence": found["S1_conf"],
            "total": found["ST"],
            "total_confidence": found["ST_conf"],
        }
    )
    return frame.sort_values(["total", "factor"], ascending=[False, True], ignore_index=True)


def _value(of: Account, part: str) -> np.ndarray:
    value = of.part(part).value
    return np.zeros(1) if value is None else np.asarray(value.sum(axis=(1, 2, 3)))


def _rank_correlation(table: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each column with the result; 0 where one of them does not vary."""
    if not table.shape[1]:
        return np.zeros(0)
    ranks = rankdata(table, axis=0)
    ranks = ranks - ranks.mean(axis=0)
    other = rankdata(given) - (len(given) + 1) / 2
    norm = np.sqrt((ranks**2).sum(axis=0) * (other**2).sum())
    return np.where(norm > 0, (ranks * other[:, np.newaxis]).sum(axis=0) / np.where(norm > 0, norm, 1), 0.0)


def _told(factor: Factor) -> tuple[str, float, float, float, str]:
    return factor.name, factor.value, factor.low, factor.high, factor.status
