// One function for each format of `gatesweep export`: writes into a folder that exists and is empty.
#pragma once

#include <filesystem>

#include "exported_run.h"

namespace gatesweep {

// results_DATE.json and samples_TASK_DATE.jsonl, as lm-evaluation-harness writes them; a task for each trial and group.
void export_lm_eval(ExportedRun const& run, std::filesystem::path const& out);
// DATE_NAME_ID.json, a log of Inspect: a sample for each prompt, an epoch for each trial, the baseline the first.
void export_inspect(ExportedRun const& run, std::filesystem::path const& out);
// router_trace_rank0.jsonl, as Megatron-LM traces routers; a step for each prompt, which steps.csv names.
void export_megatron(ExportedRun const& run, std::filesystem::path const& out);
// moe_trace.jsonl, a line for each prompt as SAFEx's trace.py prints it, and moe_trace_GROUP.json, sums of each group.
void export_safex(ExportedRun const& run, std::filesystem::path const& out);
// tables/*.csv, completions.csv and arrays/*.npy with schema.json, which gives every column its type.
void export_columns(ExportedRun const& run, std::filesystem::path const& out);

}  // namespace gatesweep
