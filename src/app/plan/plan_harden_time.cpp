#include "plan_harden_time.h"

#include <algorithm>

namespace gatesweep {

void add_hardening(TimePlan& plan, Cluster const& cluster, ModelConfig const& config, Job const& job,
                   HardenWork const& work, RankMemory const& memory, std::size_t element_size) {
    HardenSpec const& spec = job.harden;
    int const degree = job.parallel.expert_parallel;
    // A part is a rank's alone, and those that are left without one wait.
    std::int64_t const parts = std::min(spec.parts, spec.batch),
                       waves = (parts + cluster.num_ranks() - 1) / cluster.num_ranks(),
                       steps = work.num_arms * spec.steps;
    auto const busiest = [&](std::int64_t tokens) { return tokens * waves / parts; };
    bool const has_base = spec.beta > 0.0 || spec.gamma > 0.0;
    // Forth and back as for the signals, of which each rank of a copy has a share.
    auto const both_ways = plan_time(cluster, config, degree, memory, element_size,
                                     {busiest(work.trained_tokens) * degree, steps * waves}, {}, 0, 0);
    plan.training = both_ways.signals;
    SweepWork forth;  // the base model's pass of a step; both models' of a look
    forth.num_sequences = 1;
    forth.max_text_tokens = cluster.num_ranks() * (has_base ? busiest(work.trained_tokens + 2 * work.validation_tokens)
                                                            : busiest(work.validation_tokens));
    plan.training += plan_time(cluster, config, degree, memory, element_size, {}, forth, 0, 1).texts;
    for (std::int64_t i = 0; i <= work.num_arms; ++i) {
        TimePlan const model = plan_time(cluster, config, degree, memory, element_size, {},
                                         i == 0 ? work.base : work.arm, spec.max_new_tokens, 0);
        if (i > 0) plan.reload += model.load;
        plan.judging += model.prefill;
        plan.judging += model.decode;
        plan.judging += model.texts;
    }
}

}  // namespace gatesweep
