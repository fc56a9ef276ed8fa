"""The compiled part of the build: the loops of the record encoder. Everything else is declared in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = ["-O3", "-g0", "-fno-trapping-math"]  # the last lets loops be vectorised, and changes no value

setup(
    ext_modules=cythonize(
        [
            Extension(f"sfhsim.records.{name}", [f"sfhsim/records/{name}.pyx"], extra_compile_args=FLAGS)
            for name in ("_encoder", "_halves")
        ],
        build_dir="build/cython",  # the generated C stays out of the source tree
    )
)
