"""What the three eyes say together: evidence in, incidents out. Pure, and blind to the order in which evidence came.

An incident is a connected group of evidence (alerts/incidents/links.py) that is believed: the log-odds of what stands
in its favour reach those of `open_confidence`. What is known of one:

* `log_odds` = prior of its kind + over each eye, its evidence by weight, heaviest first: weight x repeat^k for the
  k-th (independent eyes add up, an eye that repeats itself adds less and less) + the last verdict of people who went
  there, which may be negative + doubt, where quality control failed a station at the time of its alarm;
* `confidence` = 1 / (1 + exp(-log_odds)): the sum of log-odds of independent witnesses is Bayes' rule (Good, 1950);
  weights are rows of incident_weights.csv, start values until enough verdicts are in to fit them;
* `severity`, a suggestion: the worst colour among what stands; one colour more when two eyes agree at
  `agree_confidence`; blue once somebody was there and found nothing, or the instrument at fault;
* `id`: the day on which it first could have been known and a digest of the evidence that was known first. It changes
  only when evidence comes to light that was knowable before; then the old id leads to the new one.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from alerts.incidents.links import pairs
from alerts.incidents.tables import kinds, links, settings, weights
from domain.incidents import Outcome, micros
from domain.records import Severity
from domain.rivers import Rivers
from domain.times import LOCAL

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
COLOURS = [str(s) for s in Severity]
FAULT, DOUBT = "ground.fault", "doubt.fault"


@dataclass(frozen=True)
class Fused:
    """Evidence ordered by id, with the columns `group` and `incident` ("" in groups that open none); and one row for
    each incident, ordered by id.
    """

    evidence: pd.DataFrame
    incidents: pd.DataFrame


def fuse(evidence: pd.DataFrame, rivers: Rivers, opened: Collection[str] = ()) -> Fused:
    """Join evidence into incidents.

    Args:
        evidence: columns of domain.incidents.Evidence; ids do not repeat.
        rivers: the network along which water carries what one saw to another.
        opened: ids of evidence whose incident was opened before: it stays one, however little is left of it.

    Returns:
        incidents with the columns id, kind, founder, first_at, last_at (NaT while it goes on), opened_at, lon, lat,
        township, river, river_km, eyes, n_evidence, log_odds, confidence, support (log-odds in favour alone), severity,
        outcome.
    """
    data = evidence.sort_values("id", kind="stable").reset_index(drop=True)
    if data.empty:
        return Fused(data.assign(group=pd.Series(dtype="int64"), incident=pd.Series(dtype="str")), _no_incidents())
    group = components(len(data), pairs(data, rivers))
    data = data.assign(group=_canonical(group, data))
    weighed = weigh(data)
    table = _summary(data, weighed, data.loc[data["id"].isin(opened), "group"])
    name = dict(zip(table["group"], table["id"], strict=True))
    data["incident"] = pd.Series([name.get(g, "") for g in data["group"]], dtype="str")
    return Fused(data, table.drop(columns="group").sort_values("id").reset_index(drop=True))


def components(n: int, linked: Ints) -> Ints:
    """(n,) number of the group of directly or indirectly linked evidence."""
    graph = coo_matrix((np.ones(len(linked), dtype=bool), (linked[:, 0], linked[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def incident_id(founder: str, known_at: pd.Timestamp) -> str:
    """The id of the incident that this evidence founds."""
    return f"I{known_at.tz_convert(LOCAL):%Y%m%d}-{hashlib.sha256(founder.encode()).hexdigest()[:8]}"


def _canonical(group: Ints, data: pd.DataFrame) -> Ints:
    """The group's number is the position of its founder: the evidence known first, of several the first by id."""
    order = np.lexsort((np.arange(len(data)), micros(data["known_at"])))
    founder = np.full(int(group.max()) + 1 if len(group) else 0, -1, dtype=np.int64)
    founder[group[order[::-1]]] = order[::-1]
    return founder[group]


def weigh(data: pd.DataFrame) -> pd.DataFrame:
    """Log-odds that each piece of evidence adds to its group.

    Args:
        data: evidence with `group`.

    Returns:
        the columns `full` and `repeat` (its own weight and how repetitions fade), `adds` (what it adds with all that is
        known) and `favours` (what it would add were nothing withdrawn or contradicted: whether an incident was ever
        worth opening).
    """
    table = weights()
    full = np.array([_full(table[w].weight, table[w].repeat, c, o) for w, c, o in zip(
        data["weight"], data["certainty"], data["origin"], strict=True)])  # fmt: skip
    repeat = np.array([table[w].repeat for w in data["weight"]])
    verdict = (data["origin"] == "verdict").to_numpy()
    stands = data["standing"].to_numpy(bool)
    doubted = np.where(_doubted(data), table[DOUBT].weight, 0.0)
    group, eye = data["group"].to_numpy(), np.where(verdict, "verdict", data["eye"])
    # Of several verdicts the last stands: who went there later knows more.
    last = _last_verdicts(data, verdict & stands)
    adds = np.where(verdict, np.where(last, full, 0.0), _ranked(np.where(stands, full, 0.0), group, eye, repeat))
    favours = np.where(verdict, np.maximum(full, 0.0), _ranked(full, group, eye, repeat))
    adds = adds + np.where(stands, doubted, 0.0)
    return pd.DataFrame({"full": full, "repeat": repeat, "adds": adds, "favours": favours})


def _full(weight: float, repeat: float, certainty: float, origin: str) -> float:
    """Of a candidate its weight times its confidence; of a spot the weight of so many witnesses; else the weight."""
    if origin == "candidate":
        return weight * certainty
    if origin == "spot":
        return weight * (1 - repeat ** max(certainty, 0.0)) / (1 - repeat)
    return weight


def _ranked(full: Floats, group: Ints, eye: NDArray[np.object_], repeat: Floats) -> Floats:
    """Weights times repeat^k, k their rank among those of one group and eye, heaviest first."""
    eyes = pd.factorize(eye)[0]
    order = np.lexsort((-full, eyes, group))
    new = np.r_[True, (group[order][1:] != group[order][:-1]) | (eyes[order][1:] != eyes[order][:-1])][: len(order)]
    at = np.arange(len(order))
    rank = np.empty(len(order))
    rank[order] = at - np.maximum.accumulate(np.where(new, at, 0))
    return full * repeat**rank


def _last_verdicts(data: pd.DataFrame, said: NDArray[np.bool_]) -> NDArray[np.bool_]:
    chosen = data[said].sort_values(["known_at", "id"]).drop_duplicates("group", keep="last")
    return np.isin(np.arange(len(data)), chosen.index.to_numpy())


def _doubted(data: pd.DataFrame) -> NDArray[np.bool_]:
    """Alarms of a station that quality control failed while they lasted."""
    out = np.zeros(len(data), dtype=bool)
    faults = data[(data["weight"] == FAULT) & data["standing"]]
    if faults.empty:
        return out
    start, end = micros(data["starts_at"]), micros(data["ends_at"])
    alarm = ((data["origin"] == "alert") & (data["kind"] != "instrument")).to_numpy()
    subject = data["subject"].to_numpy(object)
    for name, rows in faults.groupby("subject").indices.items():
        at = faults.index.to_numpy()[rows]
        mine = np.flatnonzero(alarm & (subject == name))
        if mine.size:
            overlap = (start[mine][:, None] < end[at]) & (start[at] < end[mine][:, None])
            out[mine] = overlap.any(axis=1)
    return out


def _summary(data: pd.DataFrame, weighed: pd.DataFrame, opened: pd.Series) -> pd.DataFrame:
    """One row for each group that was ever believed."""
    prior = {k.id: k.prior for k in kinds().values()}
    order = np.lexsort((np.arange(len(data)), micros(data["known_at"])))
    rows = data.join(weighed).iloc[order]
    by = rows.groupby("group", sort=True)
    kind = by["kind"].first()
    log_odds = kind.map(prior) + by["adds"].sum()
    support = kind.map(prior) + by["favours"].sum()
    believed = support >= logit(settings()["open_confidence"]) - 1e-9
    opens = support.index[believed | support.index.isin(opened)]
    rows = rows[rows["group"].isin(opens)]
    if rows.empty:
        return _no_incidents()
    by = rows.groupby("group", sort=True)
    founder = data.loc[opens]
    placed = rows[rows["lon"].notna()].groupby("group")[["lon", "lat"]].median().reindex(opens)
    out = pd.DataFrame(
        {
            "group": opens,
            "id": [incident_id(i, k) for i, k in zip(founder["id"], founder["known_at"], strict=True)],
            "kind": kind[opens].to_numpy(),
            "founder": founder["id"].to_numpy(),
            "first_at": by["starts_at"].min().to_numpy(),
            "last_at": _until(rows).reindex(opens).to_numpy(),
            "opened_at": opened_at(rows).reindex(opens).fillna(by["known_at"].max()).to_numpy(),
            "lon": placed["lon"].to_numpy(),
            "lat": placed["lat"].to_numpy(),
            "township": _first_word(rows, "township").reindex(opens).fillna("").to_numpy(),
            "river": _first_word(rows, "river").reindex(opens).fillna("").to_numpy(),
            "river_km": by["river_km"].min().to_numpy(),
            "eyes": _eyes(rows).reindex(opens).fillna("").to_numpy(),
            "n_evidence": by.size().to_numpy(),
            "log_odds": log_odds[opens].to_numpy(),
            "confidence": expit(log_odds[opens].to_numpy(float)),
            "support": support[opens].to_numpy(),
            "outcome": _outcomes(rows).reindex(opens).fillna("").to_numpy(),
        }
    )
    for name in ("first_at", "last_at", "opened_at"):
        out[name] = pd.to_datetime(out[name], utc=True).astype("datetime64[us, UTC]")
    return out.assign(severity=_severity(rows, out))


_SUMMARY = (
    "group", "id", "kind", "founder", "first_at", "last_at", "opened_at", "lon", "lat", "township", "river",
    "river_km", "eyes", "n_evidence", "log_odds", "confidence", "support", "outcome", "severity",
)  # fmt: skip


def _no_incidents() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="object") for name in _SUMMARY})


def _until(rows: pd.DataFrame) -> pd.Series:
    """When the last of each group ended; NaT while one of it goes on."""
    goes_on = rows["ends_at"].isna().groupby(rows["group"]).any()
    return rows.groupby("group")["ends_at"].max().mask(goes_on)


def _first_word(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows[rows[column] != ""].groupby("group")[column].first()


def _eyes(rows: pd.DataFrame) -> pd.Series:
    """The eyes whose evidence stands, by group, in the order of the alphabet; a verdict is no eye of its own."""
    seen = rows[rows["standing"] & (rows["origin"] != "verdict")].drop_duplicates(["group", "eye"])
    return seen.sort_values(["group", "eye"]).groupby("group")["eye"].agg(",".join)


def _outcomes(rows: pd.DataFrame) -> pd.Series:
    """What the last verdict of each group says."""
    said = rows[(rows["origin"] == "verdict") & rows["standing"]]
    return said.groupby("group")["weight"].last().str.removeprefix("verdict.")


def opened_at(rows: pd.DataFrame) -> pd.Series:
    """When what was known by then first sufficed to believe it, by group; NaT for groups that were never believed.

    Evidence counts from when it could be known, a spot of several witnesses as one report until the second was heard.

    Args:
        rows: evidence with `group` and the columns of `weigh`.
    """
    prior = {k.id: k.prior for k in kinds().values()}
    need = logit(settings()["open_confidence"]) - 1e-9
    firsts = rows.sort_values(["known_at", "id"], kind="stable").drop_duplicates("group").set_index("group")
    at_once = firsts["sure_at"].isna() & (firsts["kind"].map(prior) + np.maximum(firsts["full"], 0.0) >= need)
    out = firsts["known_at"].where(at_once)
    for group, part in rows[rows["group"].isin(at_once.index[~at_once])].groupby("group"):
        out[group] = _believed(part, prior[part["kind"].iloc[0]], need)
    return out


def _believed(part: pd.DataFrame, log_odds: float, need: float) -> pd.Timestamp:
    """When a group is first believed."""
    table = weights()
    said = []
    voices = np.where(part["origin"] == "verdict", "verdict", part["eye"])
    columns = (part[c] for c in ("id", "weight", "full", "repeat", "known_at", "sure_at"))
    for voice, name, weight, full, repeat, known, sure in zip(voices, *columns, strict=True):
        late = pd.notna(sure)
        said.append((known, name, voice, table[weight].weight if late else full, repeat))
        said += [(sure, name, voice, full, repeat)] if late else []
    heard: dict[str, dict[str, tuple[float, float]]] = {}
    for at, name, voice, full, repeat in sorted(said):
        heard.setdefault(voice, {})[name] = (-max(full, 0.0), repeat)
        total = sum(-w * r**k for one in heard.values() for k, (w, r) in enumerate(sorted(one.values())))
        if log_odds + total >= need:
            return at
    return pd.NaT


def _severity(rows: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """The suggested colour of each incident; see the module."""
    number = {c: i for i, c in enumerate(COLOURS)}
    stands = rows[rows["standing"]]
    worst = stands.assign(n=stands["severity"].map(number).fillna(0)).groupby("group")["n"].max()
    out = []
    for group, eyes, confidence, outcome in zip(
        table["group"], table["eyes"], table["confidence"], table["outcome"], strict=True
    ):
        rank = int(worst.get(group, 0))
        if outcome in (Outcome.NOT_FOUND, Outcome.INSTRUMENT):
            rank = 0
        elif "," in eyes and confidence >= settings()["agree_confidence"]:
            rank = min(rank + 1, len(COLOURS) - 1)
        out.append(COLOURS[rank])
    return out


def reach_h() -> float:
    """How far apart in time (h) two pieces of evidence can be that belong together directly."""
    number = settings()
    lag = number["river_reach"] / number["flow_min"]
    return max(number["river_gap"] + lag, *(link.gap_h for link in links().values()))
