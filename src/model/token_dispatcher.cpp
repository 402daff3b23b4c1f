#include "gatesweep/model/token_dispatcher.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "gatesweep/base/settings.h"

namespace gatesweep {

DecodeDispatch choose_decode_dispatch(at::Device device) {
    std::string const word = setting_word(Setting::dispatch);
    if (word == "auto") return device.is_cpu() ? DecodeDispatch::counted : DecodeDispatch::gathered;
    return word == "counted" ? DecodeDispatch::counted : DecodeDispatch::gathered;
}

TokenDispatcher::TokenDispatcher(ParallelLayout const& layout, std::int64_t num_experts, at::Device device)
    : TokenDispatcher(layout, num_experts, TensorCollectives(layout.expert_parallel, device),
                      choose_decode_dispatch(device)) {}

TokenDispatcher::TokenDispatcher(ParallelLayout const& layout, std::int64_t num_experts, TensorCollectives collectives,
                                 DecodeDispatch decode_dispatch)
    : split_(layout.split(num_experts)),
      local_experts_(layout.local_experts(num_experts)),
      collectives_(std::move(collectives)),
      decode_dispatch_(decode_dispatch) {}

std::vector<std::int64_t> TokenDispatcher::share_token_counts(std::int64_t num_tokens) const {
    if (decode_dispatch_ == DecodeDispatch::counted) return {};
    return collectives_.communicator().all_gather(num_tokens);
}

GatheredTokens TokenDispatcher::gather(at::Tensor const& tokens, Routing const& routing,
                                       std::span<std::int64_t const> tokens_of_rank) const {
    return gather_tokens(collectives_, split_, tokens, routing, tokens_of_rank);
}

std::vector<std::int64_t> TokenDispatcher::offsets_on_host(GatheredTokens const& gathered) const {
    wait();  // the copy would wait for ever for the rows of a lost rank
    at::Tensor const offsets = gathered.offsets.to(at::kCPU);
    return {offsets.const_data_ptr<std::int64_t>(), offsets.const_data_ptr<std::int64_t>() + offsets.numel()};
}

at::Tensor TokenDispatcher::return_slots(at::Tensor const& expert_rows, GatheredTokens const& gathered) const {
    return gatesweep::return_slots(collectives_, expert_rows, gathered);
}

DispatchRecord TokenDispatcher::plan(Routing const& routing) const {
    std::int64_t const num_local_experts = local_experts_.count;
    DispatchRecord record;
    std::int64_t const num_slots = routing.expert_ids.numel();
    auto const* expert_of = routing.expert_ids.const_data_ptr<std::int64_t>();

    // Slots by expert id, in token order within an expert: a counting sort. Owners are contiguous ranges of experts.
    std::vector<std::int64_t> send_counts(static_cast<std::size_t>(split_.num_experts), 0);
    for (std::int64_t i = 0; i < num_slots; ++i)
        ++send_counts[expert_of[i]];
    std::vector<std::int64_t> next(send_counts.size(), 0);
    std::exclusive_scan(send_counts.begin(), send_counts.end(), next.begin(), std::int64_t{0});
    record.slot_order = at::empty({num_slots}, at::kLong);
    auto* order = record.slot_order.data_ptr<std::int64_t>();
    record.sent_at = at::empty({num_slots}, at::kLong);
    record.sent_tokens = at::empty({num_slots}, at::kLong);
    auto *sent_at = record.sent_at.data_ptr<std::int64_t>(), *sent_tokens = record.sent_tokens.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < num_slots; ++i) {
        std::int64_t const at = next[expert_of[i]]++;
        order[at] = i;
        sent_at[i] = at;
        sent_tokens[at] = i / routing.top_k();
    }

    // Counts travel first, in blocks of the largest share: received[r * largest + x] rows come from rank r for local
    // expert x.
    std::int64_t const largest = split_.largest();
    std::vector<std::int64_t> counts_of_rank(static_cast<std::size_t>(split_.num_ranks * largest), 0);
    for (std::int64_t r = 0; r < split_.num_ranks; ++r) {
        ExpertRange const theirs = split_.of(r);
        auto const begin = send_counts.begin() + theirs.first, end = begin + theirs.count;
        std::copy(begin, end, counts_of_rank.begin() + r * largest);
        record.send_rows.push_back(std::accumulate(begin, end, std::int64_t{0}));
    }
    auto const received = collectives_.communicator().all_to_all(counts_of_rank, largest);
    std::vector<std::int64_t> rows_of_expert(static_cast<std::size_t>(num_local_experts), 0);
    for (std::int64_t r = 0; r < split_.num_ranks; ++r) {
        auto const begin = received.begin() + r * largest;
        record.receive_rows.push_back(std::accumulate(begin, begin + num_local_experts, std::int64_t{0}));
        for (std::int64_t x = 0; x < num_local_experts; ++x)
            rows_of_expert[x] += begin[x];
    }
    record.expert_offsets.assign(1, 0);
    for (std::int64_t rows : rows_of_expert)
        record.expert_offsets.push_back(record.expert_offsets.back() + rows);

    record.source_offsets.assign(1, 0);
    for (std::int64_t x = 0; x < num_local_experts; ++x) {
        for (std::int64_t r = 0; r < split_.num_ranks; ++r)
            record.source_offsets.push_back(record.source_offsets.back() + received[r * largest + x]);
    }

    // Rows arrive by source rank, then local expert; they stand by local expert, then source rank.
    std::int64_t const num_received =
        std::accumulate(record.receive_rows.begin(), record.receive_rows.end(), std::int64_t{0});
    record.expert_rows = at::empty({num_received}, at::kLong);
    auto* row = record.expert_rows.data_ptr<std::int64_t>();
    std::vector<std::int64_t> free_row(record.expert_offsets.begin(), record.expert_offsets.end() - 1);
    for (std::int64_t r = 0; r < split_.num_ranks; ++r) {
        for (std::int64_t x = 0; x < num_local_experts; ++x) {
            for (std::int64_t i = 0; i < received[r * largest + x]; ++i)
                *row++ = free_row[x]++;
        }
    }
    return record;
}

at::Tensor SlotsUnderWay::arrived() {
    at::Tensor const received = rows.arrived();
    if (to_place.defined()) return at::empty_like(received).index_copy_(0, to_place, received);
    return from_place.defined() ? received.index_select(0, from_place) : received;
}

SlotsUnderWay TokenDispatcher::to_experts(at::Tensor const& slot_rows, DispatchRecord const& record) const {
    return exchange_to_experts(slot_rows.index_select(0, record.slot_order.to(slot_rows.device())), record);
}

SlotsUnderWay TokenDispatcher::tokens_to_experts(at::Tensor const& tokens, DispatchRecord const& record) const {
    return exchange_to_experts(tokens.index_select(0, record.sent_tokens.to(tokens.device())), record);
}

SlotsUnderWay TokenDispatcher::exchange_to_experts(at::Tensor const& sent, DispatchRecord const& record) const {
    if (split_.num_ranks == 1) return {{sent}};  // by expert already
    return {.rows = collectives_.start_all_to_all_rows(sent, record.send_rows, record.receive_rows),
            .to_place = record.expert_rows.to(sent.device())};
}

SlotsUnderWay TokenDispatcher::from_experts(at::Tensor const& expert_rows, DispatchRecord const& record) const {
    at::Device const device = expert_rows.device();
    SlotsUnderWay slots{.rows = {expert_rows}, .from_place = record.sent_at.to(device)};
    if (split_.num_ranks == 1) return slots;
    at::Tensor const sent = expert_rows.index_select(0, record.expert_rows.to(device));
    slots.rows = collectives_.start_all_to_all_rows(sent, record.receive_rows, record.send_rows);
    return slots;
}

}  // namespace gatesweep
