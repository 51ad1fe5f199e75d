"""Draws the throughput of 8 clients and the processor time of a call.

plot.py RESULTS SVG
"""

import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from report import Results

# Greys of middle lightness on no background: legible on a light page and on a dark one.
INK, PLAIN, OURS = "#7d8590", "#9aa4b0", "#2f81f7"
LABELS = {
    "select": "SELECT, no log",
    "select_insert": "BEGIN, SELECT, INSERT log, COMMIT",
    "select_insert_one": "SELECT + INSERT log, one statement",
    "audited_select": "plpgsql: SELECT + INSERT log",
    "retrieve": "retrieve_credential",
    "tenant_get": "decrypt_tenant_secret",
    "insert": "INSERT, no log",
    "audited_insert": "plpgsql: INSERT + INSERT log",
    "store": "store_credential",
    "rotate": "rotate_credential",
}
VAULT = {"retrieve", "tenant_get", "store", "rotate"}


def bars(axes, title, values, digits):
    cases = [case for case in LABELS if case in values]
    heights = [values[case] for case in cases]
    axes.barh(range(len(cases)), heights, color=[OURS if case in VAULT else PLAIN for case in cases], height=0.7)
    for place, height in enumerate(heights):
        axes.text(height, place, f" {height:,.{digits}f}", va="center", color=INK, fontsize=10)
    axes.set_yticks(range(len(cases)), [LABELS[case] for case in cases])
    axes.invert_yaxis()
    axes.set_xlim(0, max(heights) * 1.2)
    axes.set_xticks([])
    axes.set_title(title, loc="left", color=INK, fontsize=12)
    axes.tick_params(colors=INK, length=0, labelsize=11)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color(INK)


def main():
    results = Results(sys.argv[1])
    # Text as outlines: the same on every machine. A fixed salt: the same file for the same figures.
    plt.rcParams.update({"svg.fonttype": "path", "svg.hashsalt": "performance", "font.family": "DejaVu Sans"})
    figure, panels = plt.subplots(3, 1, figsize=(9, 11.5), layout="constrained")
    for axes, sync in ((panels[0], "off"), (panels[1], "on")):
        values = {case: results.rate(case, 8, sync) for case in LABELS}
        bars(axes, f"Executions a second, 8 clients, synchronous_commit = {sync}", values, 0)
    values = {case: results.statement[case] for case in LABELS if case in results.statement}
    bars(panels[2], "Processor time per call in one statement, µs", values, 1)
    figure.savefig(sys.argv[2], transparent=True, metadata={"Date": None})


main()
