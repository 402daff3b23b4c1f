// Private to sweep: teacher-forced passes as score_texts and refusal_margins run them.
#pragma once

#include <algorithm>

#include "gatesweep/comm/stop_together.h"
#include "gatesweep/sweep/work_plan.h"
#include "record_book.h"

namespace gatesweep {

// The variants that each text still needs, everything else recalled. `prompts` and `tokens` by text. Variant 0 is part
// of every unit, so it is recalled as well where any was committed.
template <class Record>
std::vector<TextWork> text_work(RecordBook<Record>& book, std::vector<std::int64_t> const& prompts,
                                std::vector<std::int64_t> const& tokens, std::int32_t num_variants) {
    std::vector<TextWork> work;
    for (std::size_t text = 0; text < prompts.size(); ++text) {
        TextWork& left = work.emplace_back();
        left.tokens = tokens[text];
        for (std::int32_t v = 0; v < num_variants; ++v) {
            if (book.holds(prompts[text], v)) {
                book.recall(prompts[text], v);
            } else if (v > 0) {
                left.variants.push_back(v);
            }
        }
    }
    return work;
}

// Runs this rank's passes, as many on every rank of its group (those without units empty), and commits after each.
// `compute` takes the units of a pass. Throws as execution.h says when told to stop.
template <class Compute>
void run_text_passes(SweepContext const& context, std::vector<TextWork> const& work, Compute const& compute) {
    Communicator const& world = context.layout.world;
    Communicator const& group = context.layout.expert_parallel;
    auto const passes = plan_text_passes(work, context.batch_tokens, world.rank(), world.size());
    std::int64_t const num_passes = group.all_reduce_max(static_cast<std::int64_t>(passes.size()));
    std::vector<TextUnit> const none;
    bool stopped = false;
    if (context.progress) context.progress(0, num_passes);
    for (std::int64_t p = 0; p < num_passes; ++p) {
        stopped = group.all_reduce_max(context.stop && context.stop() != StopRequest::none ? 1 : 0) != 0;
        if (stopped) break;
        compute(p < static_cast<std::int64_t>(passes.size()) ? passes[static_cast<std::size_t>(p)] : none);
        if (context.ledger) context.ledger->commit();
        if (context.progress) context.progress(p + 1, num_passes);
    }
    stop_together(world, stopped);
}

}  // namespace gatesweep
