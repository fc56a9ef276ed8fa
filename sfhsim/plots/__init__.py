"""Pictures: one galaxy and its components, families of histories, what a data set holds, a mock cube."""

from sfhsim.plots.cube import plot_cube
from sfhsim.plots.dataset import plot_dataset, plot_record
from sfhsim.plots.galaxy import plot_galaxy
from sfhsim.plots.histories import plot_histories
from sfhsim.plots.style import check_picture_path

__all__ = ["check_picture_path", "plot_cube", "plot_dataset", "plot_galaxy", "plot_histories", "plot_record"]
