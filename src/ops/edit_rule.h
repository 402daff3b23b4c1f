// What an edit does to one token's row of the router: the one text that the CPU's loop and the GPU's kernel run.
// generic/generic_ops.cpp says the same once more with tensors, as a reference that shares nothing with it.
#pragma once

#include <cmath>
#include <cstdint>

#include "gatesweep/terms/edit_mode.h"

#ifdef __CUDACC__
#define GATESWEEP_HOST_DEVICE __host__ __device__
#else
#define GATESWEEP_HOST_DEVICE
#endif

namespace gatesweep {

inline constexpr int not_edited = -1;  // in the place of an EditMode

// Before softmax: z [E] are the logits, values [E] the edit's (0: the expert is left alone). kMaxExperts > 0 bounds the
// loops for the compiler, so that a thread's row stays in registers; 0 means that E alone bounds them.
template <int kMaxExperts, class A>
GATESWEEP_HOST_DEVICE inline void edit_logits(int mode, float const* values, int num_experts, A* z) {
    int const bound = kMaxExperts > 0 ? kMaxExperts : num_experts;
    if (mode == static_cast<int>(EditMode::mask)) {
        for (int e = 0; e < bound; ++e) {
            if (e < num_experts && values[e] != 0.0F) z[e] = -static_cast<A>(INFINITY);
        }
    } else if (mode == static_cast<int>(EditMode::bias)) {
        for (int e = 0; e < bound; ++e) {
            if (e < num_experts) z[e] += static_cast<A>(values[e]);
        }
    } else if (mode == static_cast<int>(EditMode::steer)) {
        A largest = -static_cast<A>(INFINITY), sum = 0, top = largest, bottom = -largest;
        for (int e = 0; e < bound; ++e) {
            if (e < num_experts) largest = z[e] > largest ? z[e] : largest;
        }
        for (int e = 0; e < bound; ++e) {
            if (e < num_experts) sum += std::exp(z[e] - largest);
        }
        A const log_sum = std::log(sum);
        for (int e = 0; e < bound; ++e) {
            if (e >= num_experts) continue;
            z[e] = z[e] - largest - log_sum;  // log-softmax
            top = z[e] > top ? z[e] : top;
            bottom = z[e] < bottom ? z[e] : bottom;
        }
        for (int e = 0; e < bound; ++e) {
            if (e < num_experts && values[e] > 0.0F) z[e] = top + A(0.01);
            if (e < num_experts && values[e] < 0.0F) z[e] = bottom - A(0.01);
        }
    }
}

// After the choice: weights [K] of the chosen experts expert_ids [K].
template <class A>
GATESWEEP_HOST_DEVICE inline void edit_weights(int mode, float const* values, std::int64_t const* expert_ids,
                                               A* weights, int top_k) {
    bool const renormalises = mode == static_cast<int>(EditMode::zero_renormalise);
    if (mode != static_cast<int>(EditMode::zero) && !renormalises) return;
    A left = 0;
    for (int k = 0; k < top_k; ++k) {
        if (values[expert_ids[k]] != 0.0F) weights[k] = 0;
        left += weights[k];
    }
    if (!renormalises || left == 0) return;
    for (int k = 0; k < top_k; ++k)
        weights[k] /= left;
}

}  // namespace gatesweep
