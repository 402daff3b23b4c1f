#include "gatesweep/run/determinism.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gatesweep/base/log.h"
#include "gatesweep/run/wanted_measures.h"
#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

// Batches of one prompt, the shortest ones; one for each copy.
BatchPlan prompts_alone(std::vector<std::int64_t> const& prompt_tokens, int num_copies) {
    std::vector<std::int64_t> order(prompt_tokens.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::stable_sort(order, {}, [&](std::int64_t p) { return prompt_tokens[static_cast<std::size_t>(p)]; });
    BatchPlan plan;
    for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(num_copies)); ++i)
        plan.batches.push_back({order[i]});
    return plan;
}

bool same_rows(Signals const& a, Signals const& b, std::int64_t prompt) {
    auto const equal = [prompt](auto const& x, auto const& y) {
        return std::ranges::equal(x.row(prompt), y.row(prompt));
    };
    auto const same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
    bool const same_measures = std::ranges::all_of(a.measures, [&](auto const& measure) {
        return std::ranges::equal(measure.second.row(prompt), b.measures.at(measure.first).row(prompt), same);
    });
    return equal(a.activation_counts, b.activation_counts) && equal(a.gradient_scores, b.gradient_scores) &&
           equal(a.losses, b.losses) && same_measures;
}

ManifestDeterminism compute_again(Setup const& setup, Decoder const& model, Signals const& signals,
                                  WantedMeasures const& wanted) {
    auto const& [inputs, config, layout, machine] = setup;
    BatchPlan const plan = prompts_alone(inputs.prompt_tokens(), layout.num_copies);
    Signals again = compute_signals(model, layout, inputs.token_ids, plan,
                                    {.tape_memory = machine.tape_memory, .measures = wanted});
    reduce_to_final_rank(again, layout);
    mark_absent(again, wanted);
    ManifestDeterminism result;
    if (!layout.is_final_rank()) return result;
    result.recomputed = std::ssize(plan.batches);
    result.equal = std::ranges::count_if(plan.batches,
                                         [&](auto const& batch) { return same_rows(signals, again, batch.front()); });
    bool const held = result.equal == result.recomputed;
    result.level = held ? "any layout" : "same layout";
    if (!held && machine.device.is_cpu()) {
        warn(
            "{} of {} prompts came out otherwise when computed again, alone (the bytes of this run depend on who "
            "computes what: nodes "
            "of different kinds, or an earlier start on another machine?): run gatesweep verify on each kind of node",
            result.recomputed - result.equal, result.recomputed);
    }
    return result;
}

}  // namespace

ManifestDeterminism check_determinism(Setup const& setup, Decoder const* model, Signals const& signals,
                                      WantedMeasures const& wanted) {
    auto const& [inputs, config, layout, machine] = setup;
    ManifestDeterminism result{.level = "not checked"};
    if (model) result = compute_again(setup, *model, signals, wanted);
    if (!layout.is_final_rank()) return {};
    result.choices = inputs.num_tokens() * config.num_sparse_layers();
    for (std::size_t i = 0; i < signals.near_ties.values.size(); i += 2) {
        result.near_bfloat16 += signals.near_ties.values[i];
        result.near_float32 += signals.near_ties.values[i + 1];
    }
    return result;
}

CsvTable near_tie_table(Signals const& signals, std::int64_t num_tokens) {
    CsvTable table = new_table("near_ties");
    for (std::int64_t l = 0; l < signals.near_ties.shape[1]; ++l) {
        std::int64_t counts[2] = {0, 0};
        for (std::int64_t p = 0; p < signals.near_ties.shape[0]; ++p) {
            for (std::int64_t scale = 0; scale < 2; ++scale)
                counts[scale] += signals.near_ties.at(p, l, scale);
        }
        table.add(signals.moe_layers.layer(l), num_tokens, counts[0], counts[1]);
    }
    return table;
}

}  // namespace gatesweep
