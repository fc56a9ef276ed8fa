"""A small cube of a made-up library: 12 x 10 spaxels, 441 planes."""

SMALL = {
    "name": "small-cube",
    "field": {"n_x": 12, "n_y": 10, "pixel_arcsec": 0.5, "start_aa": 4800.0, "stop_aa": 7000.0, "step_aa": 5.0},
    "galaxy": {
        "redshift": 0.01,
        "effective_radius_arcsec": 2.0,
        "centre_arcsec": [0.25, -0.25],
        "log10_age_yr": {"at_re": 9.5, "per_re": -0.1},
    },
    "psf": {"fwhm_arcsec": 1.0},
    "stars": {"number": 1},
}
PLAIN = {"psf": {"model": "none"}, "stars": {"number": 0}, "noise": {"add": False}}  # nothing but the galaxy
