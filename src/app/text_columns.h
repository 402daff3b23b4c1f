// A small table on standard output.
#pragma once

#include <string>
#include <vector>

namespace gatesweep {

// Rows of cells as lines, every column as wide as its widest cell, two spaces between. Columns whose cells below the
// first row are all numbers (or "-", or end in %) stand to the right. Rows may be shorter than the first.
std::string aligned(std::vector<std::vector<std::string>> const& rows);

}  // namespace gatesweep
