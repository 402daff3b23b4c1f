// Sends token rows to the ranks that hold their experts, and brings rows back.
//
// dispatch() returns the record that its way back needs. The way out and the way back are each other's gradients, so
// the backward pass uses the same two functions the other way round. Degree 1 is the same code without communication.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "gatesweep/model/router.h"

namespace gatesweep {

// Where each routed slot of this rank goes, and where each received row stands in the experts' buffer.
struct DispatchRecord {
    at::Tensor slot_order;                     // [N] int64: routed slots (token*K + slot) in the order they are sent
    std::vector<std::int64_t> send_rows;       // per rank of the group
    std::vector<std::int64_t> receive_rows;    // per rank of the group
    at::Tensor expert_rows;                    // [R] int64: row of the experts' buffer of each received row
    std::vector<std::int64_t> expert_offsets;  // [e+1] first buffer row of each local expert
};

class TokenDispatcher {
public:
    TokenDispatcher(ParallelLayout const& layout, std::int64_t num_experts, at::Device device);

    DispatchRecord plan(Routing const& routing) const;
    // slot_rows [N,D] in routed slot order -> rows by expert [expert_offsets.back(), D].
    at::Tensor to_experts(at::Tensor const& slot_rows, DispatchRecord const& record) const;
    // The way back: [expert_offsets.back(), D] -> [N,D].
    at::Tensor from_experts(at::Tensor const& expert_rows, DispatchRecord const& record) const;

private:
    std::int64_t num_experts_;
    std::int64_t num_local_experts_;
    int num_ranks_;
    TensorCollectives collectives_;
};

}  // namespace gatesweep
