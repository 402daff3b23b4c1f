#include "gatesweep/model/gathered_dispatch.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace gatesweep {
namespace {

// Expert ids travel as columns of the rows that they belong to: integers of the same width, moved and never read as
// floats.
at::ScalarType integer_as_wide_as(at::ScalarType dtype) {
    return c10::elementSize(dtype) == 2 ? at::kShort : c10::elementSize(dtype) == 4 ? at::kInt : at::kLong;
}

at::Tensor with_id_columns(at::Tensor const& tokens, at::Tensor const& ids) {
    auto const dtype = tokens.scalar_type();
    return at::cat({tokens, ids.to(integer_as_wide_as(dtype)).contiguous().view(dtype)}, 1);
}

at::Tensor id_columns(at::Tensor const& rows, std::int64_t num_columns) {
    return rows.slice(1, num_columns).contiguous().view(integer_as_wide_as(rows.scalar_type())).to(at::kLong);
}

// For every slot, the number of earlier slots of its token that have the same value: [n,K] -> [n,K].
at::Tensor count_equal_before(at::Tensor const& values) {
    at::Tensor const equal = values.unsqueeze(2).eq(values.unsqueeze(1)).to(at::kLong);
    return equal.tril(-1).sum(2);
}

}  // namespace

GatheredTokens gather_tokens(TensorCollectives const& collectives, ExpertRange mine, at::Tensor const& tokens,
                             Routing const& routing, std::span<std::int64_t const> tokens_of_rank) {
    std::int64_t const num_ranks = std::ssize(tokens_of_rank), n = tokens.size(0), d = tokens.size(1),
                       k = routing.top_k();
    std::int64_t const num_tokens = std::accumulate(tokens_of_rank.begin(), tokens_of_rank.end(), std::int64_t{0});
    auto const device = tokens.device();
    auto const indices = at::TensorOptions(at::kLong).device(device);
    at::Tensor const own_ids = routing.expert_ids.to(device);

    GatheredTokens out;
    out.tokens_of_rank.assign(tokens_of_rank.begin(), tokens_of_rank.end());
    out.places = std::min(k, mine.count);
    std::vector<std::int64_t> const send(static_cast<std::size_t>(num_ranks), n);
    at::Tensor const all =
        collectives.all_to_all_rows(with_id_columns(tokens, own_ids).repeat({num_ranks, 1}), send, tokens_of_rank);

    // Slots of all tokens by local expert; a stable sort keeps source rank and token in order. Others' experts go last.
    at::Tensor const local = id_columns(all, d) - mine.first;
    at::Tensor const is_mine = local.ge(0).logical_and(local.lt(mine.count));
    auto const sorted =
        at::sort(local.masked_fill(is_mine.logical_not(), mine.count).view(-1), std::optional<bool>(true), 0);
    at::Tensor const order = std::get<1>(sorted);
    out.offsets = at::searchsorted(std::get<0>(sorted), at::arange(mine.count + 1, indices));
    std::int64_t num_rows = num_tokens * out.places;
    if (device.is_cpu()) num_rows = out.offsets[mine.count].item<std::int64_t>();  // GPUs would have to wait for it
    at::Tensor const token_of_row = order.slice(0, 0, num_rows).div(k, "floor");
    out.rows = all.slice(1, 0, d).index_select(0, token_of_row);

    // Place j of token t's answer is its j-th slot among this rank's experts. One more place takes everybody else's
    // slots.
    at::Tensor const row_of_slot = at::empty_like(order).scatter_(0, order, at::arange(num_tokens * k, indices));
    at::Tensor const first_place = at::arange(num_tokens, indices).mul(out.places).unsqueeze(1);
    at::Tensor const place =
        (first_place + is_mine.cumsum(1) - 1).masked_fill(is_mine.logical_not(), num_tokens * out.places);
    out.answer_rows = at::zeros({num_tokens * out.places + 1}, indices)
                          .scatter_(0, place.view(-1), row_of_slot)
                          .slice(0, 0, num_tokens * out.places);

    at::Tensor const owner = own_ids.div(mine.count, "floor");
    at::Tensor const first_of_token = at::arange(n, indices).mul(out.places).unsqueeze(1);
    out.slot_places = (owner.mul(n * out.places) + first_of_token + count_equal_before(owner)).view(-1);
    return out;
}

at::Tensor return_slots(TensorCollectives const& collectives, at::Tensor const& outputs,
                        GatheredTokens const& gathered) {
    // Unused places name row 0, which must be there even where no token came to this rank's experts.
    at::Tensor const source = outputs.size(0) > 0 ? outputs : at::zeros({1, outputs.size(1)}, outputs.options());
    std::int64_t const num_ranks = std::ssize(gathered.tokens_of_rank);
    std::vector<std::int64_t> send;
    for (std::int64_t tokens : gathered.tokens_of_rank)
        send.push_back(tokens * gathered.places);
    auto const rank = static_cast<std::size_t>(collectives.communicator().rank());
    std::vector<std::int64_t> const receive(static_cast<std::size_t>(num_ranks), send[rank]);
    at::Tensor const answers = collectives.all_to_all_rows(source.index_select(0, gathered.answer_rows), send, receive);
    return answers.index_select(0, gathered.slot_places);
}

}  // namespace gatesweep
