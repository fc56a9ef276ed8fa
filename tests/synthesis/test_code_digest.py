"""The digest of a family's code: what changes it and what does not."""

import dataclasses
import functools
import linecache
import textwrap

import numpy as np
import pytest

from sfhsim.dust import DUST_LAWS, PowerLaw, register_dust_law
from sfhsim.errors import DatasetError
from sfhsim.synthesis import Simulator
from sfhsim.synthesis.code_digest import code_digest

PLUGIN = """
import numpy as np

SLOPE = 0.7

def helper(x):
    '''Of the law.'''
    return x ** -SLOPE  # steep

class Law:
    name = "mine"
    parameters = ()

    def __init__(self, scale=1.0):
        self.scale = scale

    def curve(self, wave_aa, params):
        '''k.'''
        return (self.scale * helper(wave_aa / 5500.0))[None, :]
"""


def plugin(text=PLUGIN, module="plugin", **options):
    """The law of a plug-in with this source, as `inspect` sees one in a file."""
    file = f"<{module} {hash(text)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = {"__name__": module, "__file__": file}
    exec(compile(text, file, "exec"), space)
    return space["Law"](**options)


def test_the_same_code_has_the_same_digest():
    assert code_digest(plugin()) == code_digest(plugin())
    assert code_digest(PowerLaw()) == code_digest(PowerLaw())


@pytest.mark.parametrize(
    ("old", "new"),
    [("* helper", "* 1.087 * helper"), ("x ** -SLOPE", "x ** -SLOPE + 0.1"), ("SLOPE = 0.7", "SLOPE = 0.8")],
    ids=["in the method", "in a function that it calls", "in a constant that this uses"],
)
def test_changed_code_changes_it(old, new):
    assert old in PLUGIN
    assert code_digest(plugin(PLUGIN.replace(old, new))) != code_digest(plugin())


@pytest.mark.parametrize(("old", "new"), [("# steep", "# very steep"), ("'''Of the law.'''", "'''Of a law.'''")])
def test_comments_and_docstrings_do_not(old, new):
    assert old in PLUGIN
    assert code_digest(plugin(PLUGIN.replace(old, new))) == code_digest(plugin())


def test_what_an_instance_holds_changes_it():
    assert code_digest(plugin(scale=2.0)) != code_digest(plugin())

    @dataclasses.dataclass
    class Table:
        values: np.ndarray

        def curve(self, wave_aa, params):
            return self.values[None, :]

    assert code_digest(Table(np.zeros(3))) == code_digest(Table(np.zeros(3)))
    assert code_digest(Table(np.zeros(3))) != code_digest(Table(np.ones(3)))


def test_a_replaced_method_changes_it(monkeypatch):
    before = code_digest(PowerLaw())
    monkeypatch.setattr(PowerLaw, "curve", lambda self, wave_aa, params: np.ones((1, wave_aa.size)))
    assert code_digest(PowerLaw()) != before


def test_functions_closures_and_partials():
    def make(width):
        return lambda: width

    assert code_digest(make(1.0)) == code_digest(make(1.0))
    assert code_digest(make(1.0)) != code_digest(make(2.0))
    assert code_digest(functools.partial(max, 1)) != code_digest(functools.partial(max, 2))


def test_code_without_a_source_is_told_apart_by_its_bytecode():
    def typed(text):
        space = {}
        exec(textwrap.dedent(text), space)
        return space["f"]

    assert code_digest(typed("def f(x): return x + 1")) == code_digest(typed("def f(x): return x + 1"))
    assert code_digest(typed("def f(x): return x + 1")) != code_digest(typed("def f(x): return x + 2"))


@pytest.fixture
def registered():
    """Function that registers a law; gone after the test."""
    yield register_dust_law
    DUST_LAWS._items.pop("mine", None)


def test_another_law_by_the_same_name_is_another_simulator(make_simulator, registered):
    section = {"birth": {"law": "mine", "tau": 0.5}}
    registered(plugin())
    first = make_simulator(dust=section)
    assert make_simulator(dust=section).fingerprint() == first.fingerprint()
    compiled = first.compiled()
    DUST_LAWS._items.pop("mine")
    registered(plugin(PLUGIN.replace("* helper", "* 1.087 * helper")))
    assert make_simulator(dust=section).fingerprint() != first.fingerprint()
    with pytest.raises(DatasetError, match="other code of dust law mine than is registered here"):
        Simulator.from_compiled(compiled)
