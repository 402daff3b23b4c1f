#include "gatesweep/comm/parallel_layout.h"

#include <algorithm>

namespace gatesweep {

ExpertRange ExpertSplit::of(std::int64_t rank) const {
    return {rank * smallest() + std::min(rank, num_larger()), smallest() + (rank < num_larger() ? 1 : 0)};
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
    GATESWEEP_VALIDATE(
        expert_parallel <= num_experts, ExitCode::job,
        "parallel.expert_parallel = {} is more than the {} experts of a layer (some ranks would hold none): "
        "use at most {}",
        expert_parallel, num_experts, num_experts);
}

}  // namespace gatesweep
