#include "figures_audit.h"

#include <fmt/format.h>

#include <array>

#include "audit_view.h"
#include "gnuplot.h"
#include "heatmap.h"
#include "palette.h"

namespace gatesweep {

std::vector<Figure> audit_figures(RunView const& run) {
    std::vector<AuditedCondition> const audit = read_audit(run);
    if (audit.empty()) return {};
    Figure figure;
    figure.name = audit_figure_name;
    figure.source = "tables/audit.csv";
    figure.data = "# layer";
    for (AuditedCondition const& audited : audit)
        figure.data.append(" ").append(facts_of(audited.condition).word);
    figure.data += '\n';
    for (std::size_t row = 0; row < static_cast<std::size_t>(run.num_layers); ++row) {
        figure.data += std::to_string(row);
        for (AuditedCondition const& audited : audit)
            figure.data.append(" ").append(to_cell(audited.js[row]));
        figure.data += '\n';
    }
    figure.settings = fmt::format(
        "set title 'Change of the routing under each condition'\nset xlabel 'layer' offset 0,0.4\n"
        "set ylabel 'Jensen-Shannon divergence'\nset key outside bottom center horizontal noenhanced\n"
        "set xrange [-0.5:{}.5]\nset yrange [0:*]\n",
        run.num_layers - 1);
    if (run.num_layers <= 16) figure.settings += "set xtics 1\n";
    figure.settings += layer_tics(run, 'x');
    constexpr std::array point_types = {7, 9, 5, 13, 11};
    figure.plot = "plot ";
    for (std::size_t i = 0; i < audit.size(); ++i) {
        figure.plot += fmt::format("{}{} using 1:{} with linespoints pt {} ps 0.6 lw 2 dt {} lc rgb '{}' title {}",
                                   i ? ", \\\n     " : "", data_file(figure.name), i + 2, point_types[i % 5], i % 4 + 1,
                                   hex(group_colour(i)), gnuplot_quoted(facts_of(audit[i].condition).word));
    }
    return {figure};
}

}  // namespace gatesweep
