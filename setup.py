"""The compiled part of the build: the record encoder. Everything else is declared in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    ext_modules=cythonize(
        [Extension("sfhsim.records._encoder", ["sfhsim/records/_encoder.pyx"], extra_compile_args=["-O3", "-g0"])],
        build_dir="build/cython",  # the generated C stays out of the source tree
    )
)
