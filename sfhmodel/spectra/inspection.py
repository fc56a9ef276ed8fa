"""What a file of spectra would be read as: for people, before a model is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sfhmodel.spectra.checks import filled
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.registry import layout_of, read_pieces

_SHOWN = 5  # spectra of a file that are described and drawn


@dataclass
class Inspection:
    """What was found in one file.

    Attributes
    ----------
    path : of the file.
    layout : name of the reader.
    n_spectra : in the file.
    spectra : the first of them.
    notes : what was assumed.
    n_without_redshift : of the spectra.
    """

    path: Path
    layout: str
    n_spectra: int = 0
    spectra: list[ObservedSpectrum] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    n_without_redshift: int = 0

    def __str__(self) -> str:
        count = "1 spectrum" if self.n_spectra == 1 else f"{self.n_spectra} spectra"
        lines = [f"{self.path}: {count}, layout {self.layout}"]
        lines += [f"  {line}" for spectrum in self.spectra for line in described(spectrum)]
        if self.n_spectra > len(self.spectra):
            lines.append(f"  ... and {self.n_spectra - len(self.spectra)} more")
        if self.n_without_redshift:
            lines.append(f"  note: no redshift of {self.n_without_redshift} of {self.n_spectra} (--redshift)")
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


def inspect_file(path: str | Path, options: ReadOptions | None = None) -> Inspection:
    """Read a file as a prediction would, and say what it is.

    Raises
    ------
    InputError
        See `read_spectra`.
    """
    found = Inspection(Path(path), layout_of(path, options))
    for piece in read_pieces(path, options):
        found.n_spectra += len(piece)
        found.spectra += piece[: max(_SHOWN - len(found.spectra), 0)]
        found.n_without_redshift += sum(spectrum.redshift is None for spectrum in piece)
        found.notes |= dict.fromkeys(note for spectrum in piece for note in spectrum.notes)
    return found


def described(spectrum: ObservedSpectrum) -> list[str]:
    """Lines on one spectrum: axis, errors, mask, redshift, S/N, coverage."""
    wave_aa, step_aa = spectrum.wave_aa, np.diff(spectrum.wave_aa)
    steps = f"{step_aa.min():.3g}-{step_aa.max():.3g} A wide"
    good = usable_pixels(spectrum)
    lines = [
        f"{spectrum.name}:",
        f"  wavelengths  {wave_aa[0]:.2f}-{wave_aa[-1]:.2f} A, {spectrum.medium}, {wave_aa.size} pixels, {steps}",
        f"  redshift     {'none' if spectrum.redshift is None else f'{spectrum.redshift:.6g}'}",
    ]
    if spectrum.redshift:
        low, high = wave_aa[[0, -1]] / (1.0 + spectrum.redshift)
        lines[-1] += f", rest frame {low:.0f}-{high:.0f} A"
    lines.append(f"  coverage     {good.mean():.1%} of the pixels can be used{_gaps(wave_aa, good)}")
    if good.any():
        lines.append(f"  flux         median {np.median(spectrum.flux[good]):.4g} (its unit does not matter)")
    if spectrum.flux_error is None:
        lines.append("  errors       none")
    elif good.any():
        error = spectrum.flux_error[good]
        ratio = np.median(np.abs(spectrum.flux[good]) / error)
        lines.append(f"  errors       median {np.median(error):.4g}, S/N {ratio:.3g} per pixel")
    lines.append(f"  mask         {'none' if spectrum.mask is None else f'{np.mean(~spectrum.mask):.1%} left out'}")
    if spectrum.resolution_fwhm_aa is not None:
        fwhm_aa = np.nanmedian(spectrum.resolution_fwhm_aa)
        lines.append(f"  resolution   FWHM {fwhm_aa:.3g} A, R {np.nanmedian(wave_aa) / fwhm_aa:.0f}")
    return lines


def usable_pixels(spectrum: ObservedSpectrum) -> np.ndarray:
    """(m,) bool: flux finite and no filling, error positive where any is known, not masked."""
    good = np.isfinite(spectrum.flux) & ~filled(spectrum.flux[None])[0]
    if spectrum.mask is not None:
        good &= spectrum.mask
    if spectrum.flux_error is not None:
        known = np.isfinite(spectrum.flux_error) & (spectrum.flux_error > 0.0)
        good &= known | ~known.any()
    return good


def _gaps(wave_aa: np.ndarray, good: np.ndarray) -> str:
    """The largest stretch without data, where there is a notable one."""
    if not good.any():
        return ""
    used = wave_aa[good]
    jump = np.diff(used)
    k = int(np.argmax(jump)) if jump.size else 0
    if jump.size == 0 or jump[k] < 20.0 * np.median(np.diff(wave_aa)):
        return ""
    return f"; the widest gap is {used[k]:.0f}-{used[k + 1]:.0f} A"


def plot_inspections(found: list[Inspection], path: str | Path) -> Path:
    """Draw the first spectra of each file, a panel each: flux, one sigma, and what is left out.

    Raises
    ------
    ConfigError
        The picture cannot be written.
    """
    from sfhmodel.files import written_whole
    from sfhsim.plots.style import BLACK, DPI, SKY, check_picture_path, new_figure, plain_axes, spectrum_ceiling

    path = check_picture_path(path)
    spectra = [spectrum for one in found for spectrum in one.spectra][:12]
    figure = new_figure(10, 2.4 * len(spectra) + 0.6)
    panels = figure.subplots(len(spectra), 1, squeeze=False)[:, 0]
    for axes, spectrum in zip(panels, spectra, strict=True):
        good = usable_pixels(spectrum)
        flux = np.where(good, spectrum.flux, np.nan)
        if spectrum.flux_error is not None:
            low, high = flux - spectrum.flux_error, flux + spectrum.flux_error
            axes.fill_between(spectrum.wave_aa, low, high, color=SKY, alpha=0.5, lw=0)
        axes.plot(spectrum.wave_aa, spectrum.flux, color="0.75", lw=0.5)
        axes.plot(spectrum.wave_aa, flux, color=BLACK, lw=0.6)
        if good.any():
            low, high = (float(value) for value in np.percentile(flux[good], [0.5, 99.5]))
            axes.set_ylim(min(0.0, 1.1 * low), spectrum_ceiling(flux[good]) if np.median(flux[good]) > 0.0 else high)
        redshift = "no redshift" if spectrum.redshift is None else f"z = {spectrum.redshift:.5g}"
        axes.set(title=f"{spectrum.name}, {redshift}", xlabel=f"observed wavelength, {spectrum.medium} [Å]",
                 ylabel=r"$F_\lambda$", xlim=spectrum.wave_aa[[0, -1]])  # fmt: skip
        plain_axes(axes)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=DPI, format=path.suffix[1:])
    return path
