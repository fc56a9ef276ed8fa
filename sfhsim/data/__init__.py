"""Data that come with the package; the README.md of each folder says whence, and `sfhsim.data.builders` how."""
