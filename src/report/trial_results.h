// Private to report: the rows of tables/trials.csv, and what the readers of a sweep's tables share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

inline constexpr char const* copy_again =
    "copy the folder again, or remove COMPLETE and run the job again, which writes it anew from log/";

// Cells that may be empty, and columns that older runs lack: "", not_measured, 0. Errors: bad_data for what is neither
// empty nor such a number.
std::string optional_text(CsvTable const& table, std::size_t row, std::string_view column);
double optional_number(CsvTable const& table, std::size_t row, std::string_view column);
std::int64_t optional_count(CsvTable const& table, std::size_t row, std::string_view column);

// That the row's group is one of the run.
void check_group(RunView const& run, CsvTable const& table, std::size_t row);
EditRule edit_of(CsvTable const& table, std::size_t row);

// Fills results, ids, places and side_groups of `sweep`, whose groups are those of the job. Errors: as read_sweep.
void read_results(RunView const& run, SweepView& sweep);

}  // namespace gatesweep
