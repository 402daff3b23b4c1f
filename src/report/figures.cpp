#include "gatesweep/report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "figure_scripts.h"
#include "figures_audit.h"
#include "figures_curves.h"
#include "figures_effects.h"
#include "figures_heatmaps.h"
#include "figures_lines.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gnuplot.h"
#include "html_harden.h"

namespace gatesweep {
namespace {

// cairo stamps the time into the PDF and offers no way to say otherwise. Overwriting it with as many characters keeps
// every offset in the file, and the same tables then give the same bytes.
void fix_creation_date(std::filesystem::path const& pdf) {
    static constexpr std::string_view key = "/CreationDate (D:";
    std::string bytes = read_file(pdf);
    std::size_t const start = bytes.find(key);
    if (start == std::string::npos) return;
    for (std::size_t i = start + key.size(); i < bytes.size() && bytes[i] >= '0' && bytes[i] <= '9'; ++i) {
        static constexpr std::string_view date = "20000101000000";
        std::size_t const digit = i - start - key.size();
        bytes[i] = digit < date.size() ? date[digit] : '0';
    }
    write_file_atomically(pdf, bytes);
}

// A full disk cuts a picture without gnuplot's noticing.
void check_is_whole(std::filesystem::path const& picture, std::string_view end) {
    std::string const bytes = file_kind(picture) == FileKind::file ? read_file(picture) : "";
    GATESWEEP_VALIDATE(bytes.size() >= end.size() &&
                           bytes.find(end, bytes.size() - std::min<std::size_t>(bytes.size(), 64)) != bytes.npos,
                       ExitCode::io,
                       "{}: was not written to its end (arrays, tables and completions are written, only figures and "
                       "report.html are missing): free space, then start again, which draws what is missing",
                       picture.string());
}

// A sweep may have curves the last report drew and this one does not.
void remove_old_sweep_figures(std::filesystem::path const& folder, std::vector<Figure> const& figures) {
    std::vector<std::filesystem::path> old;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        std::string const name = entry.path().stem().string();
        bool const is_of_a_sweep = name.starts_with("sweep_") || name.starts_with("screen_");
        if (is_of_a_sweep && std::ranges::find(figures, name, &Figure::name) == figures.end()) {
            old.push_back(entry.path());
        }
    }
    for (auto const& path : old)
        remove_file(path);
}

}  // namespace

std::string data_file(std::string_view figure_name) {
    return fmt::format("'figures/{}.dat'", figure_name);
}

std::string gnuplot_script(Figure const& figure) {
    return fmt::format(
        "# Draws {0}.svg and {0}.pdf. Run in the folder of the run: gnuplot figures/{0}.gp\n"
        "# The numbers in figures/{0}.dat come from {1}.\n"
        "set encoding utf8\n"
        "set border 3 lc rgb 'black'\n"
        "set tics nomirror out\n"
        "set grid lc rgb '#b0808080' lt 1 lw 0.6\n"
        "{2}"
        "set terminal svg size {3},{4} font 'sans-serif,13' noenhanced background rgb 'white'\n"
        "set output 'figures/{0}.svg'\n"
        "{5}\n"
        "set terminal pdfcairo size {6:.2f},{7:.2f} font 'sans,9' noenhanced\n"
        "set output 'figures/{0}.pdf'\n"
        "replot\n"
        "unset output\n",
        figure.name, figure.source, figure.settings, figure.width, figure.height, figure.plot, figure.width / 107.0,
        figure.height / 107.0);
}

std::string sweep_figure_name(RunView const& run, std::string const& stem, std::string const& group) {
    std::vector<std::string> const& groups = run.sweep->groups;
    return group == groups.front() ? stem : fmt::format("{}_{}", stem, part_among(groups, group));
}

void draw_figures(RunView const& run) {
    auto const folder = run.folder / "figures";
    create_folder(folder);
    std::vector<Figure> figures = line_figures(run);
    for (auto const& more :
         {audit_figures, harden_figures, heatmap_figures, effect_figures, curve_figures, screen_figures})
        std::ranges::move(more(run), std::back_inserter(figures));
    remove_old_sweep_figures(folder, figures);
    for (auto const& figure : figures) {
        // What an earlier run of this drew goes first: a picture must never be older than its numbers.
        remove_file(folder / (figure.name + ".svg"));
        remove_file(folder / (figure.name + ".pdf"));
        write_file_atomically(folder / (figure.name + ".dat"), figure.data);
        write_file_atomically(folder / (figure.name + ".gp"), gnuplot_script(figure));
    }
    if (!gnuplot_is_installed()) {
        warn(
            "gnuplot is not installed (it draws the figures): figures/*.gp are written; install gnuplot and run "
            "'gatesweep report {}' to draw them",
            run.folder.string());
        return;
    }
    for (auto const& figure : figures) {
        run_gnuplot(run.folder, std::filesystem::path("figures") / (figure.name + ".gp"));
        check_is_whole(folder / (figure.name + ".svg"), "</svg>");
        check_is_whole(folder / (figure.name + ".pdf"), "%%EOF");
        fix_creation_date(folder / (figure.name + ".pdf"));
    }
}

void draw_figures(std::filesystem::path const& run_folder) {
    draw_figures(read_run(run_folder));
}

}  // namespace gatesweep
