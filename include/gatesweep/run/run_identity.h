// Whether a start of `run` may go on with what lies in its folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/run/inputs.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

// "sweep.sizes: was [1, 2], is [1, 2, 3]" for every key that two resolved jobs differ in. Left out: how the work is cut
// ([parallel], [signals]), where the weights lie and which files the prompts came from, for digests speak for those.
std::vector<std::string> job_differences(std::string_view was, std::string_view is);

// prompt_id, group, digest (of the token ids), a row a prompt.
CsvTable prompt_list(Inputs const& inputs);

// Empty when every prompt of `was` is there in the same order, others between or behind them; else what is gone.
std::string prompt_difference(CsvTable const& was, CsvTable const& is);

}  // namespace gatesweep
