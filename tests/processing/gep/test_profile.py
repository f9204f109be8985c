from datetime import date

import pytest

from domain.errors import CatalogueError
from processing.gep import profile as module
from processing.gep.inputs import legend
from processing.gep.profile import load, profile_for, profiles
from processing.gep.registered import By, Given, Parameter, Result, formulas, resolved
from processing.gep.values import Values, known_sets, of_landcover, parents, read

NORMS = {"gbt46869-2025", "trial-2022", "db33-2025", "db33-2020", "hj1173-2021"}
SWITCHES = {
    "rainfall", "runoff", "p_factor", "k_factor", "beta_constant", "s_breaks", "silt_price_basis", "water_price",
    "water_surface_cop", "purification", "oxygen", "carbon_price", "products", "tourism", "price_base",
}  # fmt: skip


def test_every_norm_is_a_profile_with_dates():
    assert set(profiles()) >= NORMS
    assert {p.id for p in profile_for(date(2025, 3, 20))} == {"trial-2022", "db33-2020", "hj1173-2021"}
    assert {p.id for p in profile_for(date(2026, 1, 1))} == {"gbt46869-2025", "db33-2025", "hj1173-2021"}
    assert not profiles()["gbt46869-2025"].confirmed
    assert profiles()["hj1173-2021"].confirmed


def test_the_fifteen_switches_are_there_with_their_options():
    options = read("gep_switches").groupby("switch")["option"].nunique()
    assert set(options.index) >= SWITCHES
    assert (options[sorted(SWITCHES)] >= 2).all()
    for profile in profiles().values():
        assert set(profile.switches) == set(options.index)


@pytest.mark.parametrize("name", sorted(formulas()))
def test_a_formula_says_what_it_is(name):
    meta, function = formulas()[name].meta, formulas()[name].function
    assert meta.id == name
    assert function.__doc__
    assert len(function.__doc__.split()) > 5
    for text in (meta.name_zh, meta.name_en, meta.unit, meta.expression, meta.clause):
        assert text.strip()
    services = {*read("gep_services")["service"], "price"}
    assert meta.service in services
    quantities = set(read("gep_quantities")["quantity"])
    known = set(read("gep_switches").apply(lambda r: (r["switch"], r["option"]), axis=1))
    for argument in meta.arguments.values():
        variants = argument.options.values() if isinstance(argument, By) else [argument]
        if isinstance(argument, By):
            assert {(argument.switch, o) for o in argument.options} <= known
        for one in variants:
            if isinstance(one, Given):
                assert one.name in quantities
            elif isinstance(one, Parameter):
                assert known_sets(one.name.partition(":")[0]) or one.name in ("carbon_pools_t_hm2", "crop_coefficient",
                    "root_depth_mm", "seasonality_z", "curve_number")  # fmt: skip
            elif isinstance(one, Result):
                assert any(f.meta.part == one.part for f in formulas().values())
    assert {(s, o) for s, o in meta.options.items()} <= known


def test_every_part_of_every_profile_has_one_formula_and_its_price():
    for profile in profiles().values():
        parts = [line.part.part for line in profile.lines]
        assert len(parts) == len(set(parts))
        for line in profile.lines:
            for argument in line.quantity.meta.arguments.values():
                resolved(argument, profile.switches)
        if profile.id == "hj1173-2021":
            assert all(line.price is None for line in profile.lines)


def test_every_class_of_the_land_cover_has_an_ecosystem():
    assert set(of_landcover()) == set(legend())
    assert all(p == "" or parents()[p] == "" for p in parents().values())


TEXT = """
id: own
name_zh: 自定
name_en: own
norm: own
kind: own
status: own definition
source: test
valid_from: 2024-01-01
based_on: db33-2020
"""


def written(tmp_path, more):
    path = tmp_path / "own.yaml"
    path.write_text(TEXT + more, encoding="utf-8")
    return path


def test_a_users_own_profile_changes_what_it_names(tmp_path):
    rows = (
        "rows:\n  - {parameter: electricity_price, value: 0.6, unit: CNY/kWh, source: tariff, status: confirmed}\n"
        "switches: {water_price: water_price}\nwithout: [tourism]\n"
    )
    own = load(written(tmp_path, rows))
    base = profiles()["db33-2020"]
    assert {line.part.part for line in base.lines} - {line.part.part for line in own.lines} == {"tourism"}
    assert own.switches["water_price"] == "water_price"
    found = Values(own.sets, "331102", 2024, own.extra).rows("electricity_price")
    assert found[0].value == 0.6


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("switches: {water_price: free}\n", "own.yaml:11: the switch 'water_price' has the options"),
        ("nonsense: 1\n", "own.yaml:11: nonsense: unknown key"),
        ("sets: {cop: [nobody]}\n", "there is no set 'nobody'"),
        ("parts:\n  - {part: nothing}\n", "own.yaml:12: nothing: there is no formula"),
        ("parts:\n  - {part: crops, ecosystems: [moon]}\n", "no ecosystem 'moon'"),
        ("parts:\n  - {part: crops, formula: W1}\n", "no formula 'W1' of it"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_line(tmp_path, more, said):
    with pytest.raises(CatalogueError) as error:
        load(written(tmp_path, more))
    assert said in str(error.value)


def test_a_base_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(TEXT.replace("db33-2020", "nowhere"), encoding="utf-8")
    with pytest.raises(CatalogueError, match="there is no profile 'nowhere'"):
        load(path)
    with pytest.raises(CatalogueError, match="the file is missing"):
        load(tmp_path / "absent.yaml")
    assert module.FOLDER.is_dir()
