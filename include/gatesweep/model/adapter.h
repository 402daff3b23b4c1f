// A low-rank adapter (LoRA): small matrices that are added to some of a model's: W' = W + (alpha / rank) B A.
#pragma once

#include <ATen/ATen.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>

namespace gatesweep {

// Which of a layer's matrices is changed: those of an expert by Mixtral's names (w1 gate, w3 up, w2 down), those of
// attention by their roles.
enum class AdaptedMatrix { w1, w3, w2, q_proj, k_proj, v_proj, o_proj };

struct AdapterPlace {
    std::int64_t layer = 0;    // the decoder layer
    std::int64_t expert = -1;  // -1: of the layer's attention
    AdaptedMatrix matrix = AdaptedMatrix::w1;

    auto operator<=>(AdapterPlace const&) const = default;
};

// Of a matrix [out, in], float32 on the host, contiguous.
struct AdapterPair {
    at::Tensor a;                      // [rank, in]
    at::Tensor b;                      // [out, rank]
    std::optional<double> scale = {};  // in place of the adapter's: files from elsewhere may have one for each matrix
};

// Every rank holds all of it: an adapter is small.
struct Adapter {
    std::int64_t rank = 0;  // of most pairs; a pair from elsewhere may have another
    double alpha = 0.0;
    std::map<AdapterPlace, AdapterPair> pairs;

    double scale() const { return alpha / static_cast<double>(rank); }
    double scale_of(AdapterPair const& pair) const { return pair.scale.value_or(scale()); }
};

}  // namespace gatesweep
