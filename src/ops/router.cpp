#include "gatesweep/ops/router.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "device_ops.h"
#include "gatesweep/base/error.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/row_loops.h"
#include "ops/edit_rule.h"
#include "ops/generic/generic_ops.h"
#include "ops/sparsemixer.h"

namespace gatesweep {

using namespace kernels;

namespace {

// Softmax over all experts, in place; the reference's float32 even where logits are bfloat16.
template <class A>
void softmax(std::vector<A>& z) {
    A const largest = *std::max_element(z.begin(), z.end());
    A sum = 0;
    for (A& value : z)
        sum += value = std::exp(value - largest);
    for (A& value : z)
        value /= sum;
}

// Leaves only the experts of the groups with the largest probabilities, ties to the lower group. Returns by how much
// the last group kept is ahead of the first that is not.
template <class A>
A keep_groups(RouteRule const& rule, std::vector<A>& p) {
    if (rule.kept_groups == rule.num_groups) return std::numeric_limits<A>::infinity();
    std::int64_t const size = std::ssize(p) / rule.num_groups;
    std::vector<std::pair<A, std::int64_t>> groups;  // less its best expert's probability, id: ascending is best first
    for (std::int64_t g = 0; g < rule.num_groups; ++g)
        groups.emplace_back(-*std::max_element(p.begin() + g * size, p.begin() + (g + 1) * size), g);
    std::sort(groups.begin(), groups.end());
    auto const left = groups.begin() + rule.kept_groups;
    for (auto group = left; group != groups.end(); ++group)
        std::fill_n(p.begin() + group->second * size, size, A(0));
    return left->first - (left - 1)->first;
}

// out [T,d]: the sum of each token's n rows by their factors [T,n].
template <class T, class RowOfSlot>
void weighted_sums(at::Tensor const& factors, std::int64_t d, RowOfSlot const& row_of_slot, T* out) {
    std::int64_t const k = factors.size(1);
    auto const* factor = factors.const_data_ptr<float>();
    for_each_row(factors.size(0), k * d, [&](std::int64_t t) {
        static thread_local std::vector<T const*> rows;
        rows.clear();
        for (std::int64_t i = t * k; i < (t + 1) * k; ++i)
            rows.push_back(row_of_slot(i));
        weighted_sum_row(std::span<T const* const>(rows), factor + t * k, out + t * d, d);
    });
}

// Where softmax over all experts is not renormalised: [T,E]. In float64, for the reason given in route_backward.
at::Tensor gradient_of_all(Routing const& routing, at::Tensor const& d_routing_weights) {
    std::int64_t const k = routing.top_k(), num_experts = routing.num_experts;
    at::Tensor result = at::empty_like(routing.probabilities);
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "route_backward", [&] {
        auto const *p = routing.probabilities.const_data_ptr<scalar_t>(),
                   *dw = d_routing_weights.const_data_ptr<scalar_t>();
        auto const* ids = routing.expert_ids.const_data_ptr<std::int64_t>();
        auto* dz = result.data_ptr<scalar_t>();
        for (std::int64_t t = 0; t < routing.num_tokens();
             ++t, p += num_experts, dz += num_experts, dw += k, ids += k) {
            double total = 0, mean = 0;
            for (std::int64_t e = 0; e < num_experts; ++e)
                total += static_cast<double>(p[e]);
            for (std::int64_t i = 0; i < k; ++i)
                mean += static_cast<double>(p[ids[i]]) / total * static_cast<double>(dw[i]);
            for (std::int64_t e = 0, i = 0; e < num_experts; ++e) {
                bool const is_chosen = i < k && ids[i] == e;  // ids ascend
                double const of_weight = is_chosen ? static_cast<double>(dw[i++]) : 0.0;
                dz[e] = static_cast<scalar_t>(static_cast<double>(p[e]) / total * (of_weight - mean) * routing.scale);
            }
        }
    });
    return result;
}

}  // namespace

Routing route(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits) {
    if (!router_logits.is_cpu()) return device::route(router_logits, rule, edits);
    std::int64_t const top_k = rule.top_k;
    GATESWEEP_EXPECT(!rule.threshold || top_k == 2);
    std::int64_t const num_tokens = router_logits.size(0), num_experts = router_logits.size(1);
    Routing routing;
    routing.num_experts = num_experts;
    routing.scale = rule.scale;
    routing.expert_ids = at::empty({num_tokens, top_k}, at::kLong);
    auto* ids = routing.expert_ids.data_ptr<std::int64_t>();
    AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, router_logits.scalar_type(), "route", [&] {
        using A = std::conditional_t<std::is_same_v<scalar_t, double>, double, float>;
        routing.routing_weights = at::empty({num_tokens, top_k}, at::CppTypeToScalarType<A>::value);
        auto const* logits = router_logits.const_data_ptr<scalar_t>();
        auto* weights = routing.routing_weights.template data_ptr<A>();
        bool const has_margin = top_k < num_experts;
        if (has_margin) routing.margins = at::empty({num_tokens}, routing.routing_weights.options());
        auto* const margins = has_margin ? routing.margins.template data_ptr<A>() : nullptr;
        if (rule.threshold)
            routing.slot_probabilities = at::empty({num_tokens, top_k, num_experts}, routing.routing_weights.options());
        if (!rule.renormalise && !rule.threshold)
            routing.probabilities = at::empty({num_tokens, num_experts}, routing.routing_weights.options());
        auto* const probabilities =
            routing.probabilities.defined() ? routing.probabilities.template data_ptr<A>() : nullptr;
        std::int64_t const looked_at = top_k + (has_margin ? 1 : 0);
        std::vector<A> p(static_cast<std::size_t>(num_experts)), z;
        std::vector<std::int64_t> order(static_cast<std::size_t>(num_experts));
        for (std::int64_t t = 0; t < num_tokens; ++t) {
            std::copy_n(logits + t * num_experts, num_experts, p.begin());
            GATESWEEP_VALIDATE(
                std::all_of(p.begin(), p.end(), [](A value) { return std::isfinite(value); }), ExitCode::bad_data,
                "the router computed a logit that is not finite (token {} of the batch), so experts cannot be "
                "chosen: the checkpoint's weights are damaged, or overflow in this type; try float32",
                t);
            LayerEdit const* const edit = edits.of_row(t);
            int const mode = edit ? static_cast<int>(edit->mode) : not_edited;
            if (edit) edit_logits<0>(mode, edit->values.data(), static_cast<int>(num_experts), p.data());
            if (rule.chooses_by_logits()) z = p;
            softmax(p);
            if (probabilities) std::copy(p.begin(), p.end(), probabilities + t * num_experts);
            A const ahead = keep_groups(rule, p);
            std::vector<A> const& by = rule.chooses_by_logits() ? z : p;
            std::iota(order.begin(), order.end(), std::int64_t{0});
            auto const better = [&](std::int64_t a, std::int64_t b) { return by[a] != by[b] ? by[a] > by[b] : a < b; };
            std::partial_sort(order.begin(), order.begin() + looked_at, order.end(), better);
            if (has_margin) margins[t] = std::min(ahead, p[order[top_k - 1]] - p[order[top_k]]);
            if (rule.threshold) {
                A* const slots = routing.slot_probabilities.template data_ptr<A>() + t * top_k * num_experts;
                mix_sparsely<A>(z, {order[0], order[1]}, static_cast<A>(*rule.threshold), ids + t * top_k,
                                weights + t * top_k, slots);
            } else {
                for (std::int64_t k = 0; k < top_k && rule.chosen_first; ++k)
                    p[order[k]] = std::exp(z[order[k]] - z[order[0]]);
                A sum = rule.renormalise ? 0 : 1;
                for (std::int64_t k = 0; k < top_k && rule.renormalise; ++k)
                    sum += p[order[k]];
                std::sort(order.begin(), order.begin() + top_k);
                for (std::int64_t k = 0; k < top_k; ++k) {
                    ids[t * top_k + k] = order[k];
                    weights[t * top_k + k] = p[order[k]] / sum;
                }
            }
            if (edit) {
                edit_weights(mode, edit->values.data(), ids + t * top_k, weights + t * top_k, static_cast<int>(top_k));
            }
            for (std::int64_t k = 0; k < top_k && rule.scale != 1.0; ++k)
                weights[t * top_k + k] *= static_cast<A>(rule.scale);
        }
    });
    return routing;
}

Routing route_on_device(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits,
                        at::Tensor const& all_finite) {
    if (!router_logits.is_cpu()) return device::route_on_device(router_logits, rule, edits, all_finite);
    return route(router_logits, rule, edits);
}

void validate_finite(at::Tensor const& all_finite) {
    GATESWEEP_VALIDATE(
        all_finite.item<bool>(), ExitCode::bad_data,
        "the router computed a logit that is not finite, so experts cannot be chosen: the checkpoint's weights "
        "are damaged, or overflow in this type; try float32");
}

at::Tensor route_backward(Routing const& routing, at::Tensor const& d_routing_weights) {
    if (!d_routing_weights.is_cpu()) return generic::route_backward(routing, d_routing_weights);
    if (routing.slot_probabilities.defined()) return sparsemixer_gradient(routing, d_routing_weights);
    if (routing.probabilities.defined()) return gradient_of_all(routing, d_routing_weights);
    std::int64_t const k = routing.top_k();
    at::Tensor result = at::empty_like(d_routing_weights);
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "route_backward", [&] {
        auto const *w = routing.routing_weights.const_data_ptr<scalar_t>(),
                   *dw = d_routing_weights.const_data_ptr<scalar_t>();
        auto* dz = result.data_ptr<scalar_t>();
        for (std::int64_t t = 0; t < routing.num_tokens(); ++t, w += k, dw += k, dz += k) {
            // In float64, with weights that sum to 1 in float64: the difference of nearly equal inner products is all
            // there is, and the sum over experts must vanish.
            double total = 0, mean = 0;
            for (std::int64_t i = 0; i < k; ++i)
                total += static_cast<double>(w[i]);
            for (std::int64_t i = 0; i < k; ++i)
                mean += static_cast<double>(w[i]) / total * static_cast<double>(dw[i]);
            // Where equal experts were chosen, the last place of the mean would be all there is.
            if (std::all_of(dw, dw + k, [&](scalar_t x) { return x == dw[0]; })) mean = static_cast<double>(dw[0]);
            for (std::int64_t i = 0; i < k; ++i) {
                dz[i] = static_cast<scalar_t>(static_cast<double>(w[i]) / total * (static_cast<double>(dw[i]) - mean) *
                                              routing.scale);
            }
        }
    });
    return result;
}

at::Tensor experts_of_gradient(Routing const& routing) {
    if (!routing.has_gradient_of_all()) return routing.expert_ids;
    return at::arange(routing.num_experts, routing.expert_ids.options())
        .expand({routing.num_tokens(), routing.num_experts})
        .contiguous();
}

at::Tensor router_input_gradient(Routing const& routing, at::Tensor const& d_router_logits,
                                 at::Tensor const& gate_weight) {
    if (!has_loops(gate_weight)) return generic::router_input_gradient(routing, d_router_logits, gate_weight);
    std::int64_t const d = gate_weight.size(1);
    at::Tensor dx = at::empty({routing.num_tokens(), d}, gate_weight.options());
    at::Tensor const experts = experts_of_gradient(routing);
    // Rounded to the type of the weights, as the reference stores them.
    at::Tensor const factors = d_router_logits.to(gate_weight.scalar_type()).to(at::kFloat);
    GATESWEEP_DISPATCH(gate_weight.scalar_type(), "router_input_gradient", [&] {
        auto const* ids = experts.const_data_ptr<std::int64_t>();
        auto const* gate = gate_weight.const_data_ptr<scalar_t>();
        weighted_sums(
            factors, d, [&](std::int64_t i) { return bits(gate + ids[i] * d); }, bits(dx.data_ptr<scalar_t>()));
    });
    return dx;
}

at::Tensor combine(at::Tensor const& slot_outputs, Routing const& routing) {
    if (!has_loops(slot_outputs)) return device::combine(slot_outputs, routing);
    std::int64_t const d = slot_outputs.size(1);
    at::Tensor y = at::empty({routing.num_tokens(), d}, slot_outputs.options());
    GATESWEEP_DISPATCH(slot_outputs.scalar_type(), "combine", [&] {
        auto const* f = slot_outputs.const_data_ptr<scalar_t>();
        weighted_sums(
            routing.routing_weights, d, [&](std::int64_t i) { return bits(f + i * d); }, bits(y.data_ptr<scalar_t>()));
    });
    return y;
}

CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs, Routing const& routing) {
    if (!has_loops(dy)) return device::combine_backward(dy, slot_outputs, routing);
    std::int64_t const k = routing.top_k(), d = dy.size(1);
    CombineGradient gradient{at::empty_like(slot_outputs), at::empty_like(routing.routing_weights)};
    GATESWEEP_DISPATCH(dy.scalar_type(), "combine_backward", [&] {
        auto const *grad = dy.const_data_ptr<scalar_t>(), *f = slot_outputs.const_data_ptr<scalar_t>();
        auto const* w = routing.routing_weights.const_data_ptr<float>();
        auto* df = gradient.d_slot_outputs.data_ptr<scalar_t>();
        auto* dw = gradient.d_routing_weights.data_ptr<float>();
        for_each_row(routing.num_tokens(), k * d, [&](std::int64_t t) {
            for (std::int64_t i = t * k; i < (t + 1) * k; ++i) {
                dw[i] = dot_row(bits(grad + t * d), bits(f + i * d), d);
                scaled_row(bits(grad + t * d), w[i], bits(df + i * d), d);
            }
        });
    });
    return gradient;
}

}  // namespace gatesweep
