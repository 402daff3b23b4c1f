#include "gatesweep/analysis/pair_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "gatesweep/analysis/rank_correlation.h"
#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

struct Size {
    double mean = 0.0, max = 0.0;  // of |difference|
};

Size size_of(std::span<double const> differences) {
    Size out;
    for (double const difference : differences) {
        out.mean += std::abs(difference);
        out.max = std::max(out.max, std::abs(difference));
    }
    out.mean /= static_cast<double>(differences.size());
    return out;
}

CsvTable pairs_table(MeasuredPairs const& measured) {
    CsvTable table = new_table("pairs");
    for (std::size_t p = 0; p < measured.pairs.size(); ++p) {
        MeasuredPair const& pair = measured.pairs[p];
        table.add(p, pair.id, pair.name, pair.num_tokens[0], pair.counted[0].size(), pair.num_tokens[1],
                  pair.counted[1].size(), pair.losses[0], pair.losses[1]);
    }
    return table;
}

// A contrast of one [[pairs]], with what is said of it.
class ContrastTables {
public:
    explicit ContrastTables(MeasuredPairs const& measured) : measured_(measured) {}

    void add(NamedPairs const& pairs) {
        Contrast const whole = whole_contrast(measured_, pairs);
        std::vector<double> const main = whole.differences();
        add_summary(pairs.name, whole, main, main);
        std::vector<std::vector<double>> by_chance;
        for (Contrast const& control : control_contrasts(measured_, pairs)) {
            std::vector<double> differences = control.differences();
            add_rows(pairs.name, control);
            add_summary(pairs.name, control, differences, main);
            if (control.name.starts_with("halves")) by_chance.push_back(std::move(differences));
        }
        add_layers(pairs.name, main, by_chance);
    }
    std::vector<CsvTable> take() { return {std::move(controls_), std::move(summary_), std::move(layers_)}; }

private:
    void add_rows(std::string const& name, Contrast const& control) {
        for (std::int64_t row = 0; row < measured_.num_layers; ++row) {
            for (std::int64_t e = 0; e < measured_.num_experts; ++e) {
                auto const i = static_cast<std::size_t>(row * measured_.num_experts + e);
                controls_.add(name, control.name, measured_.moe_layers.layer(row), e, control.rate(0, i),
                              control.rate(1, i), control.difference(i));
            }
        }
    }
    void add_summary(std::string const& name, Contrast const& contrast, std::span<double const> differences,
                     std::span<double const> main) {
        Size const size = size_of(differences);
        summary_.add(name, contrast.name, static_cast<std::int64_t>(contrast.num_tokens[0]),
                     static_cast<std::int64_t>(contrast.num_tokens[1]), size.mean, size.max,
                     rank_correlation(differences, main));
    }
    void add_layers(std::string const& name, std::span<double const> main,
                    std::vector<std::vector<double>> const& by_chance) {
        auto const num = static_cast<std::size_t>(measured_.num_experts);
        for (std::int64_t row = 0; row < measured_.num_layers; ++row) {
            auto const begin = static_cast<std::size_t>(row) * num;
            Size const size = size_of(main.subspan(begin, num));
            double chance = by_chance.empty() ? std::numeric_limits<double>::quiet_NaN() : 0.0;
            for (auto const& differences : by_chance)
                chance = std::max(chance, size_of(std::span(differences).subspan(begin, num)).mean);
            table_row(name, row, size, chance);
        }
    }
    // A layer is flat where the sides differ by no more than halves of one side do.
    void table_row(std::string const& name, std::int64_t row, Size const& size, double chance) {
        layers_.add(name, measured_.moe_layers.layer(row), size.mean, size.max, chance, size.mean <= chance ? 1 : 0);
    }

    MeasuredPairs const& measured_;
    CsvTable controls_ = new_table("risk_difference_controls");
    CsvTable summary_ = new_table("pair_controls");
    CsvTable layers_ = new_table("pair_layers");
};

void add_tokens(NamedPairs const& pairs, std::function<std::string(std::int32_t)> const& piece, CsvTable& table) {
    std::map<std::int32_t, std::array<std::int64_t, 2>> counts;
    for (MeasuredPair const& pair : pairs.pairs) {
        for (std::size_t side = 0; side < 2; ++side) {
            for (std::int32_t const id : pair.counted[side].ids)
                ++counts[id][side];
        }
    }
    for (auto const& [id, count] : counts)
        table.add(pairs.name, id, piece ? piece(id) : "", count[0], count[1]);
}

}  // namespace

std::vector<CsvTable> pair_tables(MeasuredPairs const& measured,
                                  std::function<std::string(std::int32_t)> const& piece) {
    CsvTable tokens = new_table("pair_tokens");
    ContrastTables contrasts(measured);
    for (NamedPairs const& pairs : by_name(measured)) {
        contrasts.add(pairs);
        add_tokens(pairs, piece, tokens);
    }
    std::vector<CsvTable> tables = {pairs_table(measured), std::move(tokens)};
    for (CsvTable& table : contrasts.take())
        tables.push_back(std::move(table));
    return tables;
}

}  // namespace gatesweep
