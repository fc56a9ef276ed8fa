"""How the data files of this package were made, one script a file, from what others distribute.

Run by maintainers, ``python -m sfhsim.data.builders.draine_li WHEEL_OR_FOLDER OUT``; nothing imports them at run time.
"""
