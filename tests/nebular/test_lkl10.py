"""LKL10 lines: exact at the nodes, linear in the logarithms, named constants, checked when installed."""

import functools
import http.server
import threading

import numpy as np
import pytest

from sfhsim.errors import ChecksumError, LibraryError, MissingDataError, RecipeError
from sfhsim.nebular import lkl10_install, load_lkl10
from sfhsim.nebular.lkl10 import SFR_TO_HALPHA_LSUN, LKL10Lines, ionization_parameter

WAVE_AA = np.array([1215.67, 4861.32, 5006.77, 6562.80])
METALLICITY = np.array([0.001, 0.004, 0.02])
IONIZATION_Q = np.array([1e7, 1e8])


def distributed_table():
    rng = np.random.default_rng(0)
    table = rng.uniform(0.1, 2.0, (3, 2, 4))
    table[..., 3] = 1.0
    return table


@pytest.fixture(params=["energy", "prospect"])
def lines(request) -> LKL10Lines:
    names = np.array(["H I", "H I", "O III", "H I"])
    return LKL10Lines.from_distributed(METALLICITY, IONIZATION_Q, WAVE_AA, names, distributed_table(), request.param)


def test_nodes_are_reproduced_and_midpoints_are_means(lines):
    one = {"sfr_10myr": np.ones(1), "sfr_to_halpha": "prospect"}
    at_node = lines.line_luminosities([0.004], ionization_q=1e8, **one)[0] / 21612724.0
    np.testing.assert_allclose(at_node, lines.per_halpha[1, 1], rtol=1e-14)
    middle = lines.line_luminosities([0.002], ionization_q=10**7.5, **one)[0] / 21612724.0
    np.testing.assert_allclose(middle, lines.per_halpha[:2].mean(axis=(0, 1)), rtol=1e-13)


def test_halpha_is_k_times_the_sfr_that_does_not_escape(lines):
    sfr = np.array([0.0, 1.0, 3.0])
    for name, k in SFR_TO_HALPHA_LSUN.items():
        luminosity = lines.line_luminosities(np.full(3, 0.003), sfr_10myr=sfr, escape_fraction=0.25, sfr_to_halpha=name)
        np.testing.assert_allclose(luminosity[:, 3], 0.75 * k * sfr, rtol=1e-14)


def test_constants_have_their_published_values():
    assert SFR_TO_HALPHA_LSUN["kennicutt1998"] == pytest.approx(3.307e7, rel=1e-4)
    assert SFR_TO_HALPHA_LSUN["kennicutt_evans2012"] * 3.828e33 == pytest.approx(1.862e41, rel=1e-12)
    assert SFR_TO_HALPHA_LSUN["prospect"] == 21612724.0


def test_energy_scaling_gives_all_the_energy_to_the_lines(lines):
    ionizing = np.array([2.0, 5.0])
    luminosity = lines.line_luminosities(
        [0.002, 0.015], ionizing_luminosity_lsun=ionizing, escape_fraction=[0.0, 0.4], scaling="energy"
    )
    np.testing.assert_allclose(luminosity.sum(axis=1), [2.0, 3.0], rtol=1e-13)


def test_ionization_parameter_of_the_gas():
    assert ionization_parameter(0.012) == pytest.approx(2.8e7)
    assert ionization_parameter(0.12) == pytest.approx(2.8e7 * 10**-1.3)


def test_outside_the_table_the_border_is_used_and_counted(lines):
    metallicity = np.array([1e-4, 0.002, 0.5])
    np.testing.assert_array_equal(lines.is_clipped(metallicity, 5e7), [True, False, True])
    np.testing.assert_array_equal(lines.is_clipped([0.02, 0.002]), [False, True])  # q(0.002) = 2.9e8
    luminosity = lines.line_luminosities(metallicity, sfr_10myr=np.ones(3), ionization_q=1e9)
    halpha = luminosity[:, 3:]
    np.testing.assert_allclose(luminosity[[0, 2]] / halpha[[0, 2]], lines.per_halpha[[0, 2], 1], rtol=1e-13)


def test_a_batch_is_its_galaxies_one_by_one(lines):
    rng = np.random.default_rng(5)
    metallicity, sfr, q = rng.uniform(1e-3, 0.03, 6), rng.uniform(0, 4, 6), rng.uniform(5e6, 2e8, 6)
    inputs = [a.copy() for a in (metallicity, sfr, q)]
    batch = lines.line_luminosities(metallicity, sfr_10myr=sfr, ionization_q=q)
    for i in range(6):
        one = lines.line_luminosities(metallicity[i : i + 1], sfr_10myr=sfr[i : i + 1], ionization_q=q[i : i + 1])
        np.testing.assert_array_equal(batch[i], one[0])
    for before, after in zip(inputs, (metallicity, sfr, q), strict=True):
        np.testing.assert_array_equal(before, after)


def test_hbeta_for_the_continuum_is_the_same_in_both_line_fluxes():
    arguments = METALLICITY, IONIZATION_Q, WAVE_AA, np.array(["a"] * 4), distributed_table()
    hbeta = []
    for line_flux in ("energy", "prospect"):
        lines = LKL10Lines.from_distributed(*arguments, line_flux)
        luminosity = lines.line_luminosities([0.003], sfr_10myr=[1.0])
        hbeta.append(lines.hbeta_luminosity(luminosity)[0])
    assert hbeta[0] == pytest.approx(hbeta[1], rel=1e-13)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scaling": "mass"}, "scaling must be sfr or energy, got 'mass'"),
        ({"sfr_10myr": None}, "'sfr' needs sfr_10myr"),
        ({"scaling": "energy"}, "needs ionizing_luminosity_lsun"),
        ({"scaling": "energy", "ionizing_luminosity_lsun": [np.nan]}, r"reaches below 911\.75 A"),
        ({"sfr_10myr": [-1.0]}, "sfr_10myr must be finite and not negative"),
        ({"sfr_10myr": [np.nan]}, "sfr_10myr must be finite"),
        ({"sfr_to_halpha": "calzetti"}, "one of kennicutt1998, kennicutt_evans2012, prospect"),
        ({"escape_fraction": 1.5}, r"escape_fraction must lie in \[0, 1\]"),
        ({"metallicity": [0.0]}, "must be positive"),
        ({"ionization_q": -1e7}, "must be positive"),
    ],
)
def test_what_cannot_be_is_named(lines, change, message):
    arguments = {"metallicity": [0.01], "sfr_10myr": [1.0]} | change
    with pytest.raises(RecipeError, match=message):
        lines.line_luminosities(**arguments)


def test_unknown_line_flux_and_damaged_tables_are_refused():
    arguments = METALLICITY, IONIZATION_Q, WAVE_AA, np.array(["a"] * 4)
    with pytest.raises(RecipeError, match="one of energy, prospect, got 'photons'"):
        LKL10Lines.from_distributed(*arguments, distributed_table(), "photons")
    with pytest.raises(LibraryError, match="negative or missing"):
        LKL10Lines.from_distributed(*arguments, -distributed_table(), "energy")


def test_a_missing_table_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.delenv("SFHSIM_LKL10", raising=False)
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    with pytest.raises(MissingDataError, match="sfhsim nebular install lkl10") as caught:
        load_lkl10()
    assert "--from PATH" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["table.npz", "LKL10_NormHalpha.rda"])
def test_a_file_that_is_no_table_is_refused(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(b"not a table")
    with pytest.raises(LibraryError, match="cannot be read as the LKL10 line table"):
        load_lkl10(file)


def test_a_local_file_that_differs_is_not_installed(tmp_path):
    for name in lkl10_install.SHA256:
        (tmp_path / name).write_bytes(b"damaged")
    target = tmp_path / "out" / "lkl10.npz"
    with pytest.raises(ChecksumError, match=r"LKL10_NormHalpha\.rda from .* nothing was installed"):
        lkl10_install.install_lkl10(tmp_path, target)
    assert not target.parent.exists()


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"LKL10_NormHalpha\.rda not found: --from takes the folder"):
        lkl10_install.install_lkl10(tmp_path, tmp_path / "lkl10.npz")


@pytest.fixture
def served(tmp_path):
    """A folder served over HTTP on this machine; its address and the folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", folder
        server.shutdown()
        thread.join()


def test_a_corrupted_download_is_refused(served, tmp_path):
    address, folder = served
    for name in lkl10_install.SHA256:
        (folder / name).write_bytes(b"cut short")
    with pytest.raises(ChecksumError, match=r"SHA-256 is .* expected 04392f49"):
        lkl10_install.install_lkl10(None, tmp_path / "lkl10.npz", url=address)
    assert not (tmp_path / "lkl10.npz").exists()


def test_a_failed_download_says_what_else_to_do(served, tmp_path):
    address, _ = served
    with pytest.raises(MissingDataError, match=r"cannot fetch http.* --from PATH"):
        lkl10_install.install_lkl10(None, tmp_path / "lkl10.npz", url=address)


@pytest.mark.reference_data
def test_fetched_installed_and_read_back(served, tmp_path, reference_data, monkeypatch):
    address, folder = served
    for name in lkl10_install.SHA256:
        (folder / name).write_bytes((reference_data / "lkl10" / name).read_bytes())
    monkeypatch.delenv("SFHSIM_LKL10", raising=False)
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    written = lkl10_install.install_lkl10(None, url=address)
    assert written == tmp_path / "home" / "nebular" / "lkl10.npz"
    assert [p.name for p in written.parent.iterdir()] == ["lkl10.npz"]
    installed, original = load_lkl10(), load_lkl10(reference_data / "lkl10")
    np.testing.assert_array_equal(installed.per_halpha, original.per_halpha)
    assert installed.line_names.tolist() == original.line_names.tolist()
    assert installed.line_names[installed._index(6562.8)] == "H I 6562.80A"


@pytest.mark.reference_data
@pytest.mark.parametrize("source", ["", "LKL10_NormHalpha.rda", "lkl10_lines.npz"])
def test_prospect_form_is_the_distributed_table(reference_data, source, monkeypatch):
    monkeypatch.setenv("SFHSIM_LKL10", str(reference_data / "lkl10" / source))
    lines = load_lkl10(line_flux="prospect")
    with np.load(reference_data / "lkl10" / "lkl10_lines.npz") as expected:
        np.testing.assert_array_equal(lines.metallicity, expected["metallicity"])
        np.testing.assert_array_equal(lines.ionization_q, expected["ionization_q"])
        np.testing.assert_array_equal(lines.line_wave_aa, expected["wavelength"])
        np.testing.assert_allclose(lines.per_halpha, expected["norm_halpha"], rtol=1e-14)
        np.testing.assert_allclose(lines.per_total, expected["norm_total"], rtol=1e-13)


@pytest.mark.reference_data
def test_energy_form_is_levesque_2010_and_case_b(reference_data):
    lines = load_lkl10(reference_data / "lkl10")
    published = {
        1215.67: 11.03806,
        2325.16: 0.00869,
        3726.03: 0.08713,
        3728.73: 0.11765,
    }  # Z = 0.001, q = 1e7
    for wave_aa, ratio in published.items():
        assert lines.per_halpha[0, 0, lines._index(wave_aa)] == pytest.approx(ratio, rel=1e-3)
    balmer = lines.per_halpha[3, 3] / lines.per_halpha[3, 3, lines._index(4861.32)]
    case_b = {
        6562.8: 2.94,
        4340.46: 0.466,
        4104.73: 0.256,
    }  # Osterbrock & Ferland 2006, 5000-10000 K: 3.04-2.86
    for wave_aa, ratio in case_b.items():
        assert balmer[lines._index(wave_aa)] == pytest.approx(ratio, rel=0.02)


@pytest.mark.reference_data
def test_command_installs_from_a_folder(reference_data, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from sfhsim.cli.nebular import nebular_app

    monkeypatch.delenv("SFHSIM_LKL10", raising=False)
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path))
    runner = CliRunner()
    assert "lkl10   missing" in runner.invoke(nebular_app, ["list"]).output
    result = runner.invoke(nebular_app, ["install", "lkl10", "--from", str(reference_data / "lkl10")])
    assert result.exit_code == 0, result.output
    assert "lkl10   ready" in runner.invoke(nebular_app, ["list"]).output


def test_command_names_what_went_wrong(tmp_path):
    from typer.testing import CliRunner

    from sfhsim.cli.nebular import nebular_app

    runner = CliRunner()
    unknown = runner.invoke(nebular_app, ["install", "cloudy"])
    assert unknown.exit_code == 2
    assert "there is: lkl10" in unknown.output
    absent = runner.invoke(nebular_app, ["install", "lkl10", "--from", str(tmp_path)])
    assert isinstance(absent.exception, MissingDataError)
