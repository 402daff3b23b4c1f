#include "gatesweep/ops/gathered_plan.h"

#include <optional>

#include "ops/cuda/cuda_ops.h"

namespace gatesweep {
namespace {

// For every slot, the number of earlier slots of its token that have the same value: [n,K] -> [n,K].
at::Tensor count_equal_before(at::Tensor const& values) {
    at::Tensor const equal = values.unsqueeze(2).eq(values.unsqueeze(1)).to(at::kLong);
    return equal.tril(-1).sum(2);
}

// The rank that holds each expert. Which of the two it is shows in the result: it is the larger.
at::Tensor owners(at::Tensor const& experts, ExpertSplit const& split) {
    return at::maximum(experts.div(split.smallest() + 1, "floor"),
                       (experts - split.num_larger()).div(split.smallest(), "floor"));
}

}  // namespace

GatheredPlan generic::plan_gathered(GatheredIds const& ids) {
    std::int64_t const num_tokens = ids.all.size(0), k = ids.all.size(1), n = ids.own.size(0), places = ids.places();
    ExpertRange const mine = ids.mine();
    auto const indices = ids.all.options();
    GatheredPlan plan;

    // Slots of all tokens by local expert; a stable sort keeps source rank and token in order. Others' experts go last.
    at::Tensor const local = ids.all - mine.first;
    at::Tensor const is_mine = local.ge(0).logical_and(local.lt(mine.count));
    auto const sorted =
        at::sort(local.masked_fill(is_mine.logical_not(), mine.count).view(-1), std::optional<bool>(true), 0);
    at::Tensor const order = std::get<1>(sorted);
    plan.offsets = at::searchsorted(std::get<0>(sorted), at::arange(mine.count + 1, indices));
    std::int64_t num_rows = num_tokens * places;
    if (ids.all.is_cpu()) num_rows = plan.offsets[mine.count].item<std::int64_t>();  // GPUs would have to wait for it
    plan.token_of_row = order.slice(0, 0, num_rows).div(k, "floor");

    // Place j of token t's answer is its j-th slot among this rank's experts. One more place takes everybody else's
    // slots.
    at::Tensor const row_of_slot = at::empty_like(order).scatter_(0, order, at::arange(num_tokens * k, indices));
    at::Tensor const first_place = at::arange(num_tokens, indices).mul(places).unsqueeze(1);
    at::Tensor const place =
        (first_place + is_mine.cumsum(1) - 1).masked_fill(is_mine.logical_not(), num_tokens * places);
    plan.answer_rows = at::zeros({num_tokens * places + 1}, indices)
                           .scatter_(0, place.view(-1), row_of_slot)
                           .slice(0, 0, num_tokens * places);

    at::Tensor const owner = owners(ids.own, ids.split);
    at::Tensor const first_of_token = at::arange(n, indices).mul(places).unsqueeze(1);
    plan.slot_places = (owner.mul(n * places) + first_of_token + count_equal_before(owner)).view(-1);
    return plan;
}

GatheredPlan plan_gathered(GatheredIds const& ids) {
    if constexpr (cuda::is_built) {
        if (cuda::has_kernels_on(ids.all.device()) && cuda::can_plan(ids.mine().count)) return cuda::plan_gathered(ids);
    }
    return generic::plan_gathered(ids);
}

}  // namespace gatesweep
