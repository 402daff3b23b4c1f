// Private to ops: Phi's two steps to two experts (router.h), of one token.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "gatesweep/ops/router.h"

namespace gatesweep {

// p [E]: the softmax of a step with the expert `best`, without the expert `taken` (-1: none).
template <class A>
void sparse_softmax(std::vector<A> const& z, std::int64_t best, std::int64_t taken, A threshold, A* p) {
    A const top = z[best];
    bool const nobody = top == -std::numeric_limits<A>::infinity();
    A sum = 0;
    for (std::int64_t e = 0; e < std::ssize(z); ++e) {
        // A masked logit's quotient is no number: it is not left out, but of probability 0.
        bool const is_out = nobody || e == taken || (top - z[e]) / std::max(std::abs(z[e]), top) > threshold;
        sum += p[e] = is_out ? A(0) : std::exp(z[e] - top);
    }
    for (std::int64_t e = 0; e < std::ssize(z) && sum > 0; ++e)
        p[e] /= sum;
}

// `largest`: the two experts with the largest logits z, the larger one first. ids [2] ascend, weights [2] and the rows
// of slots [2,E] are in their order.
template <class A>
void mix_sparsely(std::vector<A> const& z, std::array<std::int64_t, 2> largest, A threshold, std::int64_t* ids,
                  A* weights, A* slots) {
    bool const is_swapped = largest[0] > largest[1];
    for (int step = 0; step < 2; ++step) {
        int const slot = is_swapped ? 1 - step : step;
        A* const p = slots + slot * std::ssize(z);
        sparse_softmax(z, largest[step], step == 0 ? -1 : largest[0], threshold, p);
        ids[slot] = largest[step];
        weights[slot] = p[largest[step]];
    }
}

// route_backward's, of a routing with slot_probabilities on the CPU.
at::Tensor sparsemixer_gradient(Routing const& routing, at::Tensor const& d_routing_weights);

}  // namespace gatesweep
