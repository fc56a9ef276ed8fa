"""``python -m sfhsim`` is the ``sfhsim`` command."""

from sfhsim.cli import main

main()
