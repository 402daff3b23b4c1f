#include "gatesweep/store/column_types.h"

#include <algorithm>
#include <array>

namespace gatesweep {
namespace {

// Everything that is not listed is a number.
constexpr std::array text_columns = std::to_array<std::string_view>({
    "prompt_id",    "group",      "signal",
    "label",        "level",      "experts",
    "aggregator",   "block",      "pair_id",
    "name",         "control",    "piece",
    "phase",        "provider",   "pairs_name",
    "provider_a",   "provider_b", "trial_id",
    "kind",         "class",      "mode",
    "matched_to",   "scope",      "outcome",
    "by",           "category",   "baseline",
    "trial",        "control_id", "method",
    "version",      "source",     "experts_with_values",
    "Layer_Expert",
});
constexpr std::array whole_columns = std::to_array<std::string_view>({
    "prompt_index",
    "num_tokens",
    "layer",
    "expert",
    "rank",
    "num_prompts_in_top",
    "count",
    "top_n",
    "overlap",
    "dominant_expert",
    "first_layer",
    "last_layer",
    "argmax_layer",
    "rank_by_abs_gap",
    "pair_index",
    "num_tokens_0",
    "counted_0",
    "num_tokens_1",
    "counted_1",
    "a1",
    "a2",
    "d1",
    "d2",
    "flat",
    "token_id",
    "choices",
    "near_bfloat16",
    "near_float32",
    "seed",
    "size",
    "num_prompts",
    "restricted",
    "non_restricted",
    "r_to_r",
    "r_to_n",
    "n_to_r",
    "n_to_n",
    "num_experts",
    "cells",
    "full_refusal",
    "partial_refusal",
    "full_compliance",
    "incoherent",
    "unscored",
    "empty",
    "repetitive",
    "num_human",
    "num_mixed",
    "tokens_affected",
    "num_random",
    "num",
    "true_positive",
    "false_positive",
    "false_negative",
    "true_negative",
    "num_unscored",
});

}  // namespace

std::string_view to_string(ColumnType type) {
    return type == ColumnType::text ? "string" : type == ColumnType::whole ? "int64" : "float64";
}

ColumnType column_type(std::string_view column) {
    if (column.starts_with("meta_") || std::ranges::find(text_columns, column) != text_columns.end())
        return ColumnType::text;
    return std::ranges::find(whole_columns, column) != whole_columns.end() ? ColumnType::whole : ColumnType::number;
}

}  // namespace gatesweep
