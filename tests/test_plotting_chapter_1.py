"""Features are counted in whole numbers, on axes too."""

import matplotlib.pyplot as plt
import pytest
import torch

from tms_utils.plotting import figure, plot_gram, plot_norm_bars


@pytest.mark.parametrize("n", [3, 5, 20])
@pytest.mark.parametrize("plot", [plot_gram, plot_norm_bars])
def test_feature_ticks_are_whole_numbers(plot, n):
    fig, ax = figure()
    plot(torch.eye(2, n), ax=ax)
    fig.canvas.draw()
    ticks = [*ax.get_yticks(), *(ax.get_xticks() if plot is plot_gram else [])]
    assert all(tick == round(tick) for tick in ticks)
    plt.close(fig)
