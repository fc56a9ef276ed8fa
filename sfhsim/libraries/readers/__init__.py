"""One reader a source of stellar libraries; see `sfhsim.libraries.importing` for how one is chosen."""
