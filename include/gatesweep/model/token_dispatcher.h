// Sends token rows to the ranks that hold their experts, and brings rows back.
//
// plan() makes the record that both ways need. The way out and the way back are each other's gradients, so the backward
// pass uses the same two functions the other way round. Degree 1 is the same code without communication. Rows travel
// while the caller does something else; what arrives is put into order then.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "gatesweep/model/gathered_dispatch.h"
#include "gatesweep/ops/router.h"

namespace gatesweep {

// Where each routed slot of this rank goes, and where each received row stands in the experts' buffer.
struct DispatchRecord {
    at::Tensor slot_order;                     // [N] int64: routed slots (token*K + slot) in the order they are sent
    at::Tensor sent_at;                        // [N] int64: its inverse, where each slot stands among those sent
    at::Tensor sent_tokens;                    // [N] int64: slot_order / K
    std::vector<std::int64_t> send_rows;       // per rank of the group
    std::vector<std::int64_t> receive_rows;    // per rank of the group
    at::Tensor expert_rows;                    // [R] int64: row of the experts' buffer of each received row
    std::vector<std::int64_t> expert_offsets;  // [e+1] first buffer row of each local expert
    std::vector<std::int64_t> source_offsets;  // [e * ranks + 1] the same by local expert, then the rank it came from
};

// Rows on their way to experts or back.
struct SlotsUnderWay {
    RowsUnderWay rows;
    at::Tensor to_place = {}, from_place = {};  // row i goes to, or comes from, that place; neither: as they came

    // Errors: ExitCode::io, as TensorCollectives::wait.
    at::Tensor arrived();
};

// How the rows of a decode step travel.
//   counted   ranks exchange counts through the host in every layer, then just the routed rows
//   gathered  sizes fixed from the number of tokens (gathered_dispatch.h); no counts, and no backward
enum class DecodeDispatch { counted, gathered };
// What Setting::dispatch says; "auto": gathered on GPUs, counted on the CPU, where counts cost little.
DecodeDispatch choose_decode_dispatch(at::Device device);

class TokenDispatcher {
public:
    TokenDispatcher(ParallelLayout const& layout, std::int64_t num_experts, at::Device device);
    TokenDispatcher(ParallelLayout const& layout, std::int64_t num_experts, TensorCollectives collectives,
                    DecodeDispatch decode_dispatch);

    // What gather() needs to know, once for all layers of a decode step: the tokens of every rank of the group, or
    // nothing where decode steps are counted. Collective.
    std::vector<std::int64_t> share_token_counts(std::int64_t num_tokens) const;
    GatheredTokens gather(at::Tensor const& tokens, Routing const& routing,
                          std::span<std::int64_t const> tokens_of_rank) const;
    // Waits for the rows. Errors: as wait().
    std::vector<std::int64_t> offsets_on_host(GatheredTokens const& gathered) const;
    at::Tensor return_slots(at::Tensor const& expert_rows, GatheredTokens const& gathered) const;
    // Before anything else waits for the device after gather(): TensorCollectives::wait.
    void wait() const { collectives_.wait(); }

    DispatchRecord plan(Routing const& routing) const;
    // slot_rows [N,D] in routed slot order -> rows by expert [expert_offsets.back(), D].
    SlotsUnderWay to_experts(at::Tensor const& slot_rows, DispatchRecord const& record) const;
    // The same where all slots of a token carry its row: tokens [T,D].
    SlotsUnderWay tokens_to_experts(at::Tensor const& tokens, DispatchRecord const& record) const;
    // The way back: [expert_offsets.back(), D] -> [N,D].
    SlotsUnderWay from_experts(at::Tensor const& expert_rows, DispatchRecord const& record) const;

private:
    SlotsUnderWay exchange_to_experts(at::Tensor const& sent, DispatchRecord const& record) const;

    ExpertSplit split_;
    ExpertRange local_experts_;
    TensorCollectives collectives_;
    DecodeDispatch decode_dispatch_;
};

}  // namespace gatesweep
