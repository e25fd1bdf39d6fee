# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture of the medians and of the growth, by gnuplot."""

import os
import shutil
import subprocess

TERMINALS = {".svg": "svg size 1200,{height} dynamic background rgb 'white' font 'sans,12'",
             ".png": "pngcairo size 1200,{height} font 'sans,12'"}
HEIGHT = 450  # of each chart
COLUMNS = 2
NONE = 10  # where on a logarithmic axis there is none of what grows


def reason_against(file):
    """Why there can be no such picture, if so."""
    if os.path.splitext(file)[1] not in TERMINALS:
        return f"{file}: a name that ends in .svg or .png is wanted"
    if not os.path.isdir(os.path.dirname(os.path.abspath(file))):
        return f"{file}: there is no such directory"
    return None if shutil.which("gnuplot") else "gnuplot is not installed"


def quoted(text):
    """A string of gnuplot's."""
    return "'" + str(text).replace("'", "''") + "'"


def block(name, lines):
    """Data of gnuplot's."""
    return [f"${name} << END", *lines, "END"]


def medians(rows, colors):
    """A bar for each program and what it does, with the middle half."""
    kinds = list(dict.fromkeys(row["what"] for row in rows))
    found = {(row["what"], row["program"]): row for row in rows}
    script = ["set title 'median and middle half'", "set style data histograms",
              "set style histogram errorbars gap 2 linewidth 1", "set style fill solid 0.7",
              "set xtics rotate by -30", "set ylabel 'µs'", "set yrange [0:*]"]
    bars = []
    for program, color in colors.items():
        lines = []
        for kind in kinds:
            row = found.get((kind, program))
            values = [row["microseconds"], *row["middle half"]] if row else ["NaN"] * 3
            lines.append(" ".join([f'"{kind}"', *map(str, values)]))
        script += block(f"bars{color}", lines)
        bars.append(f"$bars{color} using 2:3:4:xtic(1) linetype {color} title {quoted(program)}")
    return [*script, "plot " + ", ".join(bars)]


def growth(number, what, table, colors):
    """A line for each program."""
    counts, lines = table["counts"], []
    places = [count or NONE for count in counts]
    script = [f"set title {quoted(what)}", "set style data linespoints", "set logscale xy",
              f"set xrange [{places[0] * 0.8}:{places[-1] * 1.25}]", "set yrange [*:*]",
              "set ylabel 'µs'", "set xtics norotate ("
              + ", ".join(f"'{count:,}' {place}" for count, place in zip(counts, places)) + ")"]
    for program, values in table["microseconds"].items():
        name = f"line{number}_{colors[program]}"
        script += block(name, [f"{place} {value}" for place, value in zip(places, values)])
        lines.append(f"${name} using 1:2 linetype {colors[program]} title {quoted(program)}")
    return [*script, "plot " + ", ".join(lines)]


def plot(file, result):
    """Draws what the measurement had."""
    programs = dict.fromkeys(row["program"] for row in result["rows"])
    colors = {program: number for number, program in enumerate(programs, 1)}
    charts = [medians(result["rows"], colors)] + [
        growth(number, what, table, colors)
        for number, (what, table) in enumerate(result["growth"].items())]
    columns = COLUMNS if len(charts) > 1 else 1
    lines = -(-len(charts) // columns)
    terminal = TERMINALS[os.path.splitext(file)[1]].format(height=HEIGHT * lines)
    script = [f"set terminal {terminal}", f"set output {quoted(file)}", "set encoding utf8",
              "set key top left", "set grid y", f"set multiplot layout {lines},{columns}"]
    for chart in charts:
        script += chart
    subprocess.run(["gnuplot"], input="\n".join([*script, "unset multiplot", ""]), text=True,
                   check=True)
