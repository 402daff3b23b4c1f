// A low-rank adapter beside the weights it changes, not added to them: the form in which it is trained.
//
// W' x = W x + B (A x) with B scaled by alpha / rank. The low-rank products are in float32 (float64 for a float64
// model) whatever the weights are; their sum with the weights' product is rounded to the model's type.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/adapter.h"
#include "gatesweep/ops/linear.h"

namespace gatesweep {

// One matrix's pair as products take it.
struct LowRank {
    LinearWeight a;  // [r, in]
    LinearWeight b;  // [out, r], scaled

    at::Tensor inner(at::Tensor const& x) const;       // A x: [n,in] -> [n,r]
    at::Tensor output(at::Tensor const& inner) const;  // B (A x): [n,r] -> [n,out]
    // Back: gradient to the inner values [n,r] from that to the output, and from there to x [n,in].
    at::Tensor inner_gradient(at::Tensor const& d_output) const;
    at::Tensor input_gradient(at::Tensor const& d_inner) const;
};

struct ExpertAdapter {
    std::optional<LowRank> w1, w3, w2;
};

struct HeadAdapter {
    std::optional<LowRank> q, k, v, o;
};

struct LayerAdapter {
    std::vector<ExpertAdapter> experts;  // of this rank's block; none where no expert of the layer is changed
    HeadAdapter heads;
};

// By decoder layer: of this rank's experts, on the device and for the type of the model's weights.
std::vector<LayerAdapter> adapter_weights(Adapter const& adapter, std::int64_t num_layers, ExpertRange const& experts,
                                          at::TensorOptions const& options);

// Adds what `pair` makes of x to `product` [n,out], in place.
void add_low_rank(std::optional<LowRank> const& pair, at::Tensor const& x, at::Tensor const& product);
// Adds its gradient to `d_x` [n,in], in place, from that to the product.
void add_low_rank_gradient(std::optional<LowRank> const& pair, at::Tensor const& d_product, at::Tensor const& d_x);

}  // namespace gatesweep
