"""One module a family of file layouts; `sfhmodel.spectra.registry` knows them by name."""
