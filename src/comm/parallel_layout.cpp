#include "gatesweep/comm/parallel_layout.h"

#include <string>

namespace gatesweep {

ExpertRange ParallelLayout::local_experts(std::int64_t num_experts) const {
    std::int64_t const count = num_experts / ep_size();
    return {ep_rank() * count, count};
}

ParallelLayout make_parallel_layout(Communicator const& world, int expert_parallel) {
    GATESWEEP_VALIDATE(expert_parallel >= 1 && world.size() % expert_parallel == 0, ExitCode::job,
                       "parallel.expert_parallel = {} does not divide the {} rank{} of this run (world = copies x "
                       "expert_parallel): start a multiple of {} ranks, or change expert_parallel",
                       expert_parallel, world.size(), world.size() == 1 ? "" : "s", expert_parallel);
    ParallelLayout layout;
    layout.world = world;
    layout.node = world.split_by_node();
    layout.num_copies = world.size() / expert_parallel;
    layout.copy = world.rank() / expert_parallel;
    if (expert_parallel > 1) layout.expert_parallel = world.split(layout.copy, world.rank());
    return layout;
}

void validate_expert_split(std::int64_t num_experts, int expert_parallel) {
    if (num_experts % expert_parallel == 0) return;
    std::string degrees;
    for (std::int64_t d = 1; d <= num_experts; ++d) {
        if (num_experts % d == 0) degrees += (degrees.empty() ? "" : ", ") + std::to_string(d);
    }
    fail(ExitCode::job,
         "parallel.expert_parallel = {} cannot split {} experts evenly (each rank holds the same number of them): use "
         "one of {}",
         expert_parallel, num_experts, degrees);
}

}  // namespace gatesweep
