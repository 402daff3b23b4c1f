// How the world is cut: copies x expert_parallel ranks.
//
// A copy is an expert-parallel group: its ranks hold one set of experts together (contiguous ranges of expert ids,
// whose sizes differ by at most one) and work on one batch at a time. Copies see different batches. World rank r is
// rank r % expert_parallel of copy r / expert_parallel, so that the ranks of a copy are neighbours (one node, where the
// launcher fills nodes in order).
#pragma once

#include <cstdint>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

struct ExpertRange {
    std::int64_t first = 0;
    std::int64_t count = 0;

    bool contains(std::int64_t expert) const { return expert >= first && expert < first + count; }
};

// The experts of a layer over the ranks of a copy, which are no more than the experts; the larger ranges come first.
struct ExpertSplit {
    std::int64_t num_experts = 0;
    std::int64_t num_ranks = 1;

    std::int64_t smallest() const { return num_experts / num_ranks; }
    std::int64_t largest() const { return (num_experts + num_ranks - 1) / num_ranks; }
    std::int64_t num_larger() const { return num_experts % num_ranks; }  // ranks that hold one more than the others
    ExpertRange of(std::int64_t rank) const;
};

struct ParallelLayout {
    Communicator world;
    Communicator expert_parallel;  // null when the degree is 1
    Communicator node;
    int num_copies = 1;
    int copy = 0;  // which one this rank belongs to

    int ep_size() const { return expert_parallel.size(); }
    int ep_rank() const { return expert_parallel.rank(); }
    int final_rank() const { return world.size() - 1; }  // gathers, analyses and writes
    bool is_final_rank() const { return world.rank() == final_rank(); }
    ExpertSplit split(std::int64_t num_experts) const { return {num_experts, ep_size()}; }
    ExpertRange local_experts(std::int64_t num_experts) const { return split(num_experts).of(ep_rank()); }
};

// Errors: ExitCode::job when expert_parallel does not divide the number of ranks.
ParallelLayout make_parallel_layout(Communicator const& world, int expert_parallel);

// Errors: ExitCode::job when there would be ranks without experts.
void validate_expert_split(std::int64_t num_experts, int expert_parallel);

}  // namespace gatesweep
