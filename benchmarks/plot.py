"""The plot of loss and scores over time of two searches; needs matplotlib, which the engine does not."""

from __future__ import annotations

from pathlib import Path

from benchmarks.trace import Trace

WIDTH, HEIGHT, DPI = 9.6, 4.0, 125  # inches, and pixels per inch


def draw(path: Path, plain: Trace, ours: Trace) -> str:
    """Writes the plot as PNG, and says so; where matplotlib is not installed, says that."""
    try:
        # no window system is needed for a file
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return "there is no plot, as matplotlib is not installed: pip install matplotlib"
    figure = Figure((WIDTH, HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    loss, scores = figure.subplots(1, 2)
    for trace, name, colour in ((plain, "plain L-BFGS", "tab:grey"), (ours, "engine", "tab:red")):
        points = trace.at_finest()
        seconds = [point.seconds for point in points]
        loss.plot(seconds, [point.loss for point in points], color=colour, label=name)
        scored = [point for point in points if point.scores]
        at = [point.seconds for point in scored]
        scores.plot(at, [point.scores.style for point in scored], color=colour, label=f"{name}: style")
        scores.plot(at, [point.scores.content for point in scored], color=colour, ls=":", label=f"{name}: content")
    loss.axhline(plain.last.loss, color="black", lw=0.6, ls="--", label="where plain ends")
    loss.axvline(ours.at_finest()[: ours.planned][-1].seconds, color="tab:red", lw=0.6, ls="--", label="schedule ends")
    loss.set(xscale="log", yscale="log", xlabel="seconds", ylabel="loss at the finest scale")
    scores.set(xscale="log", xlabel="seconds", ylabel="score")
    scores.set_ylim(min(0.0, scores.get_ylim()[0]), 1)
    for axes in (loss, scores):
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=DPI)
    return f"the plot is {path}"
