// What the cells of a column are, by its name, which means the same in every table: so that a reader need not guess
// from the cells, which would take a column for whole numbers in one run and not in another.
#pragma once

#include <string_view>

namespace gatesweep {

enum class ColumnType { text, whole, number };

// "string", "int64" or "float64", as NumPy, pandas and Arrow call them.
std::string_view to_string(ColumnType type);

// Columns of the prompt files (meta_NAME) are text; k50 and the like of further coverage levels are numbers.
ColumnType column_type(std::string_view column);

}  // namespace gatesweep
