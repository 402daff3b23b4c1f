#include "generation.h"

#include <fmt/format.h>

#include <numeric>

#include "gatesweep/sweep/generate_all.h"
#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {
namespace {

// The unedited model, and one with an expert masked in the lowest or in the highest layer: variants part at once or
// late.
RouterEdits lowest_and_highest(ModelConfig const& config) {
    RouterEdits edits(config.num_layers, config.num_experts);
    std::vector<std::int64_t> const layers = config.sparse_layers();
    for (std::int64_t layer : {layers.front(), layers.back()}) {
        RouterEdit const edit{layer, 0};
        edits.add(EditMode::mask, EditScope::both, std::span(&edit, 1));
    }
    return edits;
}

bool same_tokens(Completion const& a, Completion const& b) {
    return a.prompt == b.prompt && a.variant == b.variant && a.token_ids == b.token_ids && a.finish == b.finish;
}

}  // namespace

Check generation_check(Decoder const& model, ParallelLayout const& layout,
                       std::vector<std::vector<std::int32_t>> const& prompts, std::int64_t batch_tokens) {
    RouterEdits const edits = lowest_and_highest(model.config());
    auto const num_variants = static_cast<std::int32_t>(edits.num_variants());
    SweepContext const context{model, layout, edits, prompts, batch_tokens, {}};
    std::vector<std::int64_t> rows(prompts.size());
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    auto const generate = [&](std::int32_t first, std::int32_t count, std::int64_t slots) {
        GeneratorOptions const options{verify_new_tokens, slots, batch_tokens, model.config().eos_token_ids};
        return generate_all(context, rows, first, count, options).completions;
    };
    std::vector<Completion> const mixed = generate(0, num_variants, std::ssize(prompts) * num_variants);
    std::vector<Completion> alone;
    for (std::int32_t variant = 0; variant < num_variants; ++variant) {
        for (Completion& completion : generate(variant, 1, 1))
            alone.push_back(std::move(completion));
    }
    return compare_generated(mixed, alone, num_variants, model.weights().embedding.is_cpu());
}

Check compare_generated(std::vector<Completion> const& mixed, std::vector<Completion> const& alone,
                        std::int32_t num_variants, bool exact) {
    std::int64_t differing = std::abs(std::ssize(mixed) - std::ssize(alone));
    for (std::size_t i = 0; i < std::min(mixed.size(), alone.size()); ++i)
        differing += !same_tokens(mixed[i], alone[i]);
    std::string const figure = fmt::format("{} of {} differ", differing, mixed.size());
    return {"generation", fmt::format("one sequence at a time = {} variants mixed", num_variants), figure,
            exact ? "0" : "", exact ? judge(differing == 0 && !mixed.empty()) : Verdict::note};
}

}  // namespace gatesweep
