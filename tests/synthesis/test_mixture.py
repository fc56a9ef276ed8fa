"""Mixtures: every sample is that of its world's recipe, bit for bit, whatever else is in the batch."""

import dataclasses

import numpy as np
import pytest
from miniature import WAVE_AA, miniature_library, miniature_recipe

from sfhsim import MixtureSimulator, Simulator, make_simulator, synthesize_galaxy
from sfhsim.errors import DatasetError, RecipeError, SfhsimWarning
from sfhsim.recipe.loading import recipe_from_dict, recipe_to_dict
from sfhsim.synthesis.any_simulator import is_simulator, of_sample, open_compiled, worlds_by_name
from sfhsim.synthesis.compiled_recipe import CompiledRecipe
from sfhsim.synthesis.origin import quietly

SEED = 6
IDS = np.arange(600)
SHARED = {"name": "many", "photometry": {"filters": miniature_recipe()["photometry"]["filters"], "missing": "allow"}}
NEAR = {"distribution": "uniform", "min": 0.001, "max": 0.01}
WORLDS = [
    {"name": "first"},
    {
        "name": "optical",
        "weight": 2,
        "override": {
            "library": "optical",
            "nebular": {"model": "none"},
            "metallicity": {"form": "constant"},
            "histories": [{"family": "dense_basis", "n_quantiles": 5}],
        },
    },
    {"name": "drawn", "weight": 0.5, "override": {"kinematics": {"redshift": NEAR}}},
]


@pytest.fixture(scope="module")
def libraries():
    red = slice(int(np.searchsorted(WAVE_AA, 4000.0)), None)
    whole = miniature_library()
    cut = {"wave_aa": WAVE_AA[red], "flux": whole.flux[..., red], "resolution_fwhm_aa": np.full(WAVE_AA[red].size, 2.5)}
    return {"miniature": whole, "optical": miniature_library(name="optical", **cut)}


def make(libraries, worlds=WORLDS, seed=SEED, **changes):
    mixture = recipe_from_dict({**miniature_recipe(**SHARED), "worlds": worlds, **changes})
    with quietly():
        worlds = [Simulator(world.recipe, libraries[world.recipe.library], seed) for world in mixture.worlds]
    return MixtureSimulator(mixture, worlds)


@pytest.fixture(scope="module")
def simulator(libraries):
    return make(libraries)


@pytest.fixture(scope="module")
def batch(simulator):
    return simulator.batch(IDS)


def test_samples_are_those_of_the_plain_recipes_of_their_worlds(simulator, batch, libraries):
    names = [entry["name"] for entry in simulator.dimensions()["truth"]]
    for k, world in enumerate(simulator.recipe.worlds):
        with quietly():
            alone = Simulator(recipe_from_dict(recipe_to_dict(world.recipe)), libraries[world.recipe.library], SEED)
        rows = np.flatnonzero(batch.world == k)
        assert rows.size > 50
        expected = alone.batch(IDS[rows])
        for name, values in expected.features().items():
            if name != "truth":
                np.testing.assert_array_equal(batch.features()[name][rows], values, err_msg=name)
        np.testing.assert_array_equal(batch.noise_free_photometry[rows], expected.noise_free_photometry)
        own = [entry["name"] for entry in alone.truths.entries]
        np.testing.assert_array_equal(batch.truth[rows][:, [names.index(name) for name in own]], expected.truth)
        others = [j for j, name in enumerate(names) if name not in (*own, "world")]
        assert np.isnan(batch.truth[np.ix_(rows, others)]).all()


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_same_in_any_batch_and_order(simulator, batch, size):
    order = np.random.default_rng(size).permutation(IDS)[: 40 if size == 1 else 300]
    for start in range(0, order.size, size):
        ids = order[start : start + size]
        for name, values in simulator.batch(ids).features().items():
            np.testing.assert_array_equal(values, batch.features()[name][ids], err_msg=name)


def test_worlds_come_by_their_weights_from_seed_and_id_alone(simulator, libraries):
    ids = np.arange(30_000)
    world = simulator.world_index(ids)
    shares = np.array([1, 2, 0.5]) / 3.5
    sigma = np.sqrt(shares * (1 - shares) / ids.size)
    assert (np.abs(np.bincount(world) / ids.size - shares) < 4 * sigma).all()
    np.testing.assert_array_equal(simulator.world_index(ids[::-7]), world[::-7])
    other = make(libraries, seed=SEED + 1).world_index(ids)
    assert abs((other == world).mean() - (shares**2).sum()) < 0.02  # independent of the other seed's


def test_the_world_tells_nothing_of_the_parameters(simulator, batch):
    """A stream of its own: in every world, parameters are uniform as its recipe says."""
    names = [entry["name"] for entry in simulator.dimensions()["truth"]]
    tau = simulator.worlds[0].batch(IDS).truth[:, names.index("dust.birth.tau")]
    np.testing.assert_allclose([tau[batch.world == k].mean() for k in range(3)], 1.0, atol=0.25)


def test_truths_and_bands_say_which_worlds_have_them(simulator, batch):
    dimensions = simulator.dimensions()
    truths = {entry["name"]: entry for entry in dimensions["truth"]}
    assert truths["nebular.log_u"]["worlds"] == ["first", "drawn"]
    assert truths["history.0.interval_fraction.5"]["worlds"] == ["optical"]
    assert "worlds" not in truths["total_mass_msun"]
    assert truths["world"]["description"] == "index of the world: first, optical, drawn"
    column = list(truths).index("world")
    np.testing.assert_array_equal(batch.truth[:, column], batch.world)
    assert [band.get("missing_in_worlds") for band in dimensions["band"]] == [["optical"], None, None]
    missing = np.isnan(batch.photometry)
    np.testing.assert_array_equal(missing[:, 0], batch.world == 1)
    assert not missing[:, 1:].any()
    assert simulator.feature_lengths()["truth"] == batch.truth.shape[1]


def test_the_manifest_tells_each_world(simulator, libraries):
    worlds = simulator.dimensions()["world"]
    assert [world["name"] for world in worlds] == ["first", "optical", "drawn"]
    np.testing.assert_allclose([world["share"] for world in worlds], np.array([1, 2, 0.5]) / 3.5)
    assert [world["library"]["checksum"] for world in worlds] == [
        libraries[name].content_checksum() for name in ("miniature", "optical", "miniature")
    ]
    assert [world["fingerprint"] for world in worlds] == [one.fingerprint() for one in simulator.worlds]
    assert worlds[1]["history_family"] == ["dense_basis"]
    assert simulator.library_description["name"] == "miniature, optical"


def test_a_mixture_of_one_world_has_its_library(libraries):
    alone = make(libraries, WORLDS[:1])
    assert alone.library_description == alone.worlds[0].library_description
    assert "worlds" not in str(alone.dimensions()["truth"])


def test_fingerprint_follows_worlds_weights_and_names(libraries, simulator):
    again = make(libraries)
    assert again.fingerprint() == simulator.fingerprint()
    changed = [
        make(libraries, WORLDS[:2]),
        make(libraries, [WORLDS[0] | {"weight": 3}, *WORLDS[1:]]),
        make(libraries, [WORLDS[0] | {"name": "renamed"}, *WORLDS[1:]]),
        make(libraries, [*WORLDS[:2], WORLDS[2] | {"override": {"noise": {"model": "none"}}}]),
    ]
    assert len({one.fingerprint() for one in (simulator, *changed)}) == 5


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "world o0: optical does not reach over"),
        (2, "worlds o0, o1: their library does not reach over"),
        (4, "worlds o0, o1 and 2 more: their library"),
    ],
)
def test_what_many_worlds_have_to_say_is_said_once(libraries, n, words):
    worlds = [WORLDS[0], *({**WORLDS[1], "name": f"o{k}"} for k in range(n))]
    found = make(libraries, worlds).notes
    assert len([note for note in found if "does not reach over" in note]) == 1
    assert found[0].startswith(words)


def test_what_is_compiled_opens_as_the_same_simulator(simulator, batch):
    compiled = CompiledRecipe.from_bytes(simulator.compiled().to_bytes(), "file")
    with pytest.warns(SfhsimWarning, match="world optical: .*does not reach over"):
        opened = open_compiled(compiled, SEED)
    assert isinstance(opened, MixtureSimulator)
    assert (opened.recipe, opened.notes) == (simulator.recipe, simulator.notes)
    assert opened.compiled().digest == simulator.compiled().digest
    for name, values in opened.batch(IDS[:50]).features().items():
        np.testing.assert_array_equal(values, batch.features()[name][:50], err_msg=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("worlds"), "cannot be read"),
        (lambda d: d["worlds"].pop(), "cannot be read"),
        (lambda d: d["worlds"][0].pop("stages"), "cannot be read"),
        (lambda d: d["worlds"].reverse(), "cannot be read"),
        (lambda d: d.update(fingerprint="0" * 64), "its worlds are not those of its fingerprint"),
        (lambda d: d["worlds"][1].update(sfhsim_version="0.0"), "compiled by sfhsim 0.0"),
        (lambda d: d.update(recipe={"name": "odd", "worlds": 3}), r"cannot be read .*\n  worlds: Input should be"),
    ],
)
@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
def test_what_is_damaged_is_refused(simulator, change, message):
    compiled = CompiledRecipe.from_bytes(simulator.compiled().to_bytes(), "file")
    change(compiled.document)
    with pytest.raises(DatasetError, match=message):
        open_compiled(compiled, SEED)


def test_arrays_of_a_world_that_are_gone(simulator):
    compiled = simulator.compiled()
    arrays = {name: array for name, array in compiled.arrays.items() if not name.startswith("1/")}
    with pytest.raises(DatasetError, match="cannot be read"):
        open_compiled(dataclasses.replace(compiled, arrays=arrays), SEED)


@pytest.mark.parametrize("ids", [[], [-1], [0.5], [[1, 2]]])
def test_impossible_ids(simulator, ids):
    with pytest.raises(RecipeError, match="sample ids are one or more integers"):
        simulator.batch(ids)


def test_simulators_that_do_not_fit(simulator, libraries):
    with pytest.raises(RecipeError, match="first, optical, drawn needs the simulators of these, in order"):
        MixtureSimulator(simulator.recipe, simulator.worlds[::-1])
    with pytest.raises(RecipeError, match="many is a mixture of worlds: use make_simulator"):
        Simulator(simulator.recipe, libraries["miniature"])
    first, *others = simulator.worlds
    with pytest.raises(RecipeError, match="one seed"):
        MixtureSimulator(simulator.recipe, [Simulator(first.recipe, libraries["miniature"], SEED + 1), *others])


def test_batches_of_a_mixture_have_what_is_common(batch):
    assert len(batch) == IDS.size
    assert batch.spectrum is batch.spectrum  # put together once
    np.testing.assert_array_equal(batch.sample_id, IDS)
    with pytest.raises(AttributeError, match="look at its `parts`"):
        _ = batch.draws


def test_the_readable_path_is_that_of_the_samples_world(simulator, batch, libraries):
    for sample in (int(np.flatnonzero(batch.world == k)[0]) for k in (0, 2)):
        galaxy = synthesize_galaxy(simulator.recipe, sample, SEED, library=libraries["miniature"])
        own, name = of_sample(simulator, sample)
        assert name == f"many, world {own.recipe.name}"
        scale = float(own.flux_scale(galaxy.draws)[0] / galaxy.draws.values["total_mass_msun"][0])
        expected = galaxy.observe(own.recipe) * scale
        np.testing.assert_allclose(batch.noise_free_spectrum[sample], expected, rtol=5e-3)


def test_either_kind_is_a_simulator(simulator):
    assert is_simulator(simulator)
    assert is_simulator(simulator.worlds[0])
    assert not is_simulator(simulator.recipe)
    assert list(worlds_by_name(simulator)) == ["first", "optical", "drawn"]
    assert list(worlds_by_name(simulator.worlds[0])) == [""]


def test_a_recipe_is_made_into_the_simulator_of_its_kind():
    one = {"name": "one", "recipe": "demo", "override": {"noise": {"model": "none"}}}
    mixture = recipe_from_dict({"name": "both", "worlds": [one, {"name": "two", "recipe": "demo"}]})
    made = make_simulator(mixture, seed=4)
    assert isinstance(made, MixtureSimulator)
    assert isinstance(Simulator.from_recipe(mixture), MixtureSimulator)
    assert isinstance(make_simulator("demo"), Simulator)
    with pytest.raises(RecipeError, match="demo lists no worlds"):
        MixtureSimulator.from_recipe("demo")
    assert "world one, 50% of the galaxies\n  library     bc03-miles" in made.describe()
    second = make_simulator("demo", seed=4).batch(np.arange(20))
    rows = made.world_index(np.arange(20)) == 1
    np.testing.assert_array_equal(made.batch(np.arange(20)).spectrum[rows], second.spectrum[rows])
