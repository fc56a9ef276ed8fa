"""What the names of columns, arrays and HDUs mean: the vocabulary of the field, exact names before contained ones."""

from __future__ import annotations

import re

# of each role: patterns from the exact to the contained; earlier ones win
_PATTERNS: dict[str, tuple[str, ...]] = {
    "log10_wave": (
        r"log_?lam(bda)?|log10?_?(wave|wavelength|lambda|lam|wl)(_aa)?|log_?(wave|wavelength|lambda|wl)",
        r".*_log_?lam(bda)?",
    ),
    "ln_wave": (r"ln_?(wave|wavelength|lambda|lam|wl)",),
    "wave": (
        r"wave(length)?s?(_aa)?",
        r"lambda|lam|wl|wvl|wlen|wav|awav|spectral_axis|lambda_aa|wl_aa|lam_aa",
        r"(wave(length)?|lambda|lam|wl)_(air|vac|vacuum|obs|rest|observed)",
        r"(air|vac|vacuum|obs|observed|rest)_?(wave(length)?|lambda|lam|wl)",
        r"freq(uency)?|nu|wavenumber|energy",
        r".*_(wave|wavelength|lambda)|(wave|wavelength|lambda)_.*",
    ),
    "flux": (
        r"flux(es)?|f_?lam(bda)?|flam|flux_?density|flux_?lam(bda)?",
        r"spec(trum)?|data|sci|f_?nu|flux_?nu|intensity|lum(inosity)?|l_?lam(bda)?|l_?nu",
        r"lambda_?f_?lambda|lam_?f_?lam|nu_?f_?nu|surf_?bright(ness)?|spectra|signal",
        r"galaxy|f_obs|flux_obs|obs_flux|photons?|photon_flux|n_?mgy|nanomagg(y|ies)|magg(y|ies)",
        r"flux_(aa|cgs|total|cal|calibrated|net|corr|dered)|net_flux",
        r".*_(flux|spec)|(flux|spec)_.*",
    ),
    "inverse_variance": (
        r"ivar|inv_?var(iance)?|inverse_?variance|weight_ivar",
        r"(flux|spec)_?(ivar|inv_?var)|(ivar|inv_?var)_?(flux|spec)",
        r".*_ivar|ivar_.*",
    ),
    "variance": (
        r"var(iance)?|stat|(flux|spec|f)_?var(iance)?|var(iance)?_?(flux|spec)|sigma2|err2|error2",
        r"(?!.*(poisson|rnoise|flat|readnoise)).*_var(iance)?|(?!.*(poisson|rnoise|flat|readnoise))var_.*",
    ),
    "error": (
        r"(flux|spec)_?(err|error|errors|sigma|sig|std|stddev|unc|uncert|uncertainty|rms|noise)",
        r"err(or)?s?|sigma|sig|std|st_?dev|stddev|unc(ert)?(ainty)?|noise|rms",
        r"e_flux|eflux|dflux|d_flux|ferr|f_?err|delta_?flux",
        r"(err|error|sigma|sig|std|stddev|unc|uncertainty|rms|e|d|delta)_(flux|spec|f|flam|f_lambda|fnu|f_nu|spectrum)",
        r"(fnu|f_nu|flam|f_lambda|f)_(err|error|sigma|unc)|errspec|espec|e_spec|flux_1sigma|one_sigma",
        r".*_(err|error|sigma|std|unc)|(err|error)_.*",
    ),
    "mask": (
        r"mask|good|use|good_?pix(els?)?|bad_?pix(els?)?|bad",
        r"and_?mask|dq|flags?|qual(ity)?|bpm|pixel_?mask|mask_?pix(el)?|data_?quality|valid|ok|f_flag|usable",
        r"flux_?mask|mask_?flux|dq_?flags?|dq_?mask|qc|quality_?flags?|badmask|goodmask",
        r"or_?mask",
        r".*_(mask|dq|qual)|(mask|dq|qual)_.*",
    ),
    "redshift": (
        r"redshifts?|z|zred",
        r"z_?(spec|best|gal|hel(io)?|sys|cmb|obj|noqso|nsa)|(spec|best|gal|nsa)_?z|redshift_.*|.*_redshift",
        r"z_?phot|photo?_?z",
    ),
    "wdisp": (r"wdisp",),
}
# a contained name of these is of something else than the galaxy's own spectrum
_OTHER_THINGS = re.compile(
    r"(^|_)ref($|_)|(^|_)eff($|_)|sky|model|back(ground)?|bkg|cont(inuum)?(?!am)|(^|_)fit|syn(th)?|norm(alised|alized)?$|templ|tellur|resid|raw|"
    r"calib|poly|smooth|sens|airmass|exptime|weight(?!_ivar)|best_?fit|sb_|bgd|npix|median|mean"
)
_LOGARITHM = re.compile(r"(^|_)[a-z]{0,4}mags?($|_)|magnitude|^log|(^|_)(log10|log|lg|ln|dex)($|_)")  # of a flux
# and a column of these is no flux density, whatever its place
_NO_FLUX = re.compile(
    r"snr|(^|_)(s_?n|s2n|sn)($|_)|transm|throughput|response|efficien|"
    r"absor|optical_depth|(^|_)tau($|_)|extinct|velocity|pix|index|(^|_)fwhm|resol|counts?_err"
)
_TREATED = re.compile(r"mean|median|norm(alised|alized)?|raw|smooth(ed)?|calib(rated)?|weighted")  # of the galaxy still
_GOOD_NAMES = re.compile(r"(.*_)?(good|use|valid|ok|usable)(_?(pix(els?)?|mask))?|mask_?(good|use|valid)")
_ORDER = (
    "log10_wave",
    "ln_wave",
    "inverse_variance",
    "variance",
    "error",
    "wdisp",
    "mask",
    "redshift",
    "wave",
    "flux",
)


def plain(name: str) -> str:
    """A name in lower case, with one underscore for all that is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "_", str(name).strip().lower().replace("λ", "lambda").replace("σ", "sigma")).strip("_")


def role_of(name: str) -> tuple[str, int] | None:
    """What a name means and how exactly it says so (0 is exact), or None."""
    key = plain(name)
    best: tuple[str, int] | None = None
    for role in _ORDER:
        for rank, pattern in enumerate(_PATTERNS[role]):
            if best is not None and rank >= best[1]:
                break
            if re.fullmatch(pattern, key):
                if rank and (_OTHER_THINGS.search(key) or (role == "flux" and _LOGARITHM.search(key))):
                    break
                best = (role, rank)
                break
    return best


def roles_of(names) -> dict[str, str]:
    """{role: name}: of each role the name that says so most exactly, the first among equals."""
    found: dict[str, tuple[int, str]] = {}
    for name in names:
        role = role_of(name)
        if role is not None and (role[0] not in found or role[1] < found[role[0]][0]):
            found[role[0]] = (role[1], name)
    return {role: name for role, (_, name) in found.items()}


def mask_means(name: str) -> str:
    """What a non-zero (true) value of a mask of this name means: 'use' or 'ignore'.

    Masks, flags and data quality mark what is bad (astropy, specutils, SDSS, DESI, ESO, JWST); only names like
    ``good`` say the opposite.
    """
    return "use" if _GOOD_NAMES.fullmatch(plain(name)) else "ignore"


def is_no_flux(name: str) -> bool:
    """Whether a column of this name holds something else: magnitudes, logarithms, S/N, transmission, sky ..."""
    key = _TREATED.sub("", plain(name))
    return bool(_LOGARITHM.search(key) or _NO_FLUX.search(key) or _OTHER_THINGS.search(key))


def is_at_rest(name: str) -> bool:
    """Whether wavelengths of this name are at rest: ``rest_wavelength``, ``lambda_rest``, ``restframe_wave`` ..."""
    return re.search(r"(^|_)(at_)?rest(_?frame)?(_?(wave|lam|wl)|_|$)", plain(name)) is not None


def medium_of(text: str) -> str | None:
    """'air' or 'vacuum' where a name, a UCD or a comment says it, else None."""
    text = str(text).lower()
    vacuum = re.search(r"(?<![a-z])vac(uum)?(?![a-z])", text.replace("_", " "))
    air = re.search(r"(?<![a-z])(air|awav)(?![a-z])", text.replace("_", " ")) or "em.wl;obs.atmos" in text
    return None if bool(vacuum) == bool(air) else "vacuum" if vacuum else "air"


def flux_unit_of(name: str) -> str:
    """The unit that the name of a flux implies where none is written: 'Jy' of ``fnu``; '' where it implies none."""
    key = plain(name)
    for pattern, unit in (
        (r"(.*_)?(f_?nu|flux_?nu)(_.*)?|l_?nu", "Jy"),
        (r"(.*_)?(n_?mgy|nanomagg(y|ies)|magg(y|ies))", "mgy"),
        (r"(.*_)?(lambda|lam)_?f_?(lambda|lam)(_.*)?|(.*_)?nu_?f_?nu(_.*)?", "erg / (s cm2)"),
        (r"(.*_)?photon(s|_flux)?(_.*)?", "ph / (s cm2 Angstrom)"),
    ):
        if re.fullmatch(pattern, key):
            return unit
    return ""
