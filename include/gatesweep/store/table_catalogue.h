// Every table of a run: its columns and what it says. Writers take the header from here, readers check by it, the
// report describes by it, and results/README.md is held to it by a test.
//
// Columns are a contract: new ones are added at the end, none is renamed.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/store/csv.h"

namespace gatesweep {

enum class Presence {
    always,     // in every run
    sometimes,  // where the job asks for it, or in runs newer than the first
};

struct TableFacts {
    std::string_view stem;     // tables/STEM.csv
    std::string_view columns;  // in order, with commas between; a writer may add columns that the data name
    Presence presence = Presence::always;
    std::string_view description;
    int num_first = 0;  // columns that the first runs already had; 0: all. Readers count on no other

    std::vector<std::string> header() const;
};

std::span<TableFacts const> table_catalogue();
TableFacts const* find_table(std::string_view stem);

// Without rows. `stem` is in the catalogue.
CsvTable new_table(std::string_view stem);

// That the table has the columns on which every reader counts. Errors: bad_data with the column that is missing.
void validate_columns(CsvTable const& table, TableFacts const& facts);

}  // namespace gatesweep
