#include "gatesweep/sweep/execution.h"
#include "gatesweep/sweep/work_plan.h"
#include "record_serialization.h"

namespace gatesweep {

GenerationResult generate_all(SweepContext const& context, std::vector<std::int64_t> const& rows, std::int32_t first_variant,
                              std::int32_t num_variants, GeneratorOptions const& options) {
    std::vector<std::int64_t> lengths;
    for (auto const& prompt : context.prompts) lengths.push_back(static_cast<std::int64_t>(prompt.size()));
    Communicator const& world = context.layout.world;
    std::vector<Request> mine;
    auto const cohorts = plan_cohorts(rows, lengths, first_variant, num_variants);
    for (std::size_t c = static_cast<std::size_t>(world.rank()); c < cohorts.size(); c += static_cast<std::size_t>(world.size())) {
        mine.insert(mine.end(), cohorts[c].begin(), cohorts[c].end());
    }
    Generator generator(context.model, context.layout, context.edits, context.prompts, options);
    std::vector<Completion> completions;
    generator.run(mine, [&](Completion completion) {
        completions.push_back(std::move(completion));
        if (context.progress) context.progress(static_cast<std::int64_t>(completions.size()), static_cast<std::int64_t>(mine.size()));
    });
    return {gather_records(completions, context.layout), generator.stats()};
}

}  // namespace gatesweep
