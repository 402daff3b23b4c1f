// A made-up run with a made-up sweep, in a folder of its own.
#pragma once

#include "report/report_test.h"
#include "report/synthetic_sweep.h"

namespace gatesweep::test {

class SweepTest : public ReportTest {
protected:
    // Experts 1:2 and 3:0 carry all refusals.
    void make_sweep(SyntheticSweepSpec sweep = {}, SyntheticSpec spec = {}) const {
        spec.marked = {{1, 2}, {3, 0}};
        spec.prompts_per_group = std::max(spec.prompts_per_group, 30);
        make(spec);
        sweep.carriers = {{1, 2}, {3, 0}};
        SyntheticSweep(folder(), sweep);
    }

    CsvTable table(std::string const& stem) const { return read_csv(folder() / "tables" / (stem + ".csv")); }
    void save(std::string const& stem, CsvTable const& table) const {
        write_text(folder() / "tables" / (stem + ".csv"), to_csv(table));
    }

    // Changes one cell of the first row for which `column` holds `value`.
    void set_cell(std::string const& stem, std::string const& column, std::string const& value,
                  std::string const& changed_column, std::string const& changed) const {
        CsvTable changed_table = table(stem);
        for (auto& row : changed_table.rows) {
            if (row[changed_table.column(column)] != value) continue;
            row[changed_table.column(changed_column)] = changed;
            return save(stem, changed_table);
        }
        throw std::logic_error(stem + " has no row with " + column + " " + value);
    }
};

}  // namespace gatesweep::test
