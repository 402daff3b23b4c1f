#include "gatesweep/model/adapter_weights.h"

namespace gatesweep {
namespace {

at::ScalarType compute_type(at::ScalarType model) {
    return c10::promoteTypes(model, at::kFloat);
}

at::Tensor wide(at::Tensor const& x) {
    return x.to(compute_type(x.scalar_type())).contiguous();
}

}  // namespace

at::Tensor LowRank::inner(at::Tensor const& x) const {
    return token_linear(wide(x), a);
}

at::Tensor LowRank::output(at::Tensor const& inner) const {
    return token_linear(inner, b);
}

at::Tensor LowRank::inner_gradient(at::Tensor const& d_output) const {
    return token_linear_input_gradient(wide(d_output), b);
}

at::Tensor LowRank::input_gradient(at::Tensor const& d_inner) const {
    return token_linear_input_gradient(d_inner, a);
}

void add_low_rank(std::optional<LowRank> const& pair, at::Tensor const& x, at::Tensor const& product) {
    if (pair && x.size(0) > 0) product.copy_(wide(product) + pair->output(pair->inner(x)));
}

void add_low_rank_gradient(std::optional<LowRank> const& pair, at::Tensor const& d_product, at::Tensor const& d_x) {
    if (pair && d_x.size(0) > 0) d_x.copy_(wide(d_x) + pair->input_gradient(pair->inner_gradient(d_product)));
}

std::vector<LayerAdapter> adapter_weights(Adapter const& adapter, std::int64_t num_layers, ExpertRange const& experts,
                                          at::TensorOptions const& options) {
    at::TensorOptions const to = options.dtype(compute_type(c10::typeMetaToScalarType(options.dtype())));
    std::vector<LayerAdapter> layers(static_cast<std::size_t>(num_layers));
    for (auto const& [place, pair] : adapter.pairs) {
        LayerAdapter& layer = layers.at(static_cast<std::size_t>(place.layer));
        // Experts of other ranks too: whether a layer has adapters is the same on every rank of the group.
        if (place.expert >= 0) layer.experts.resize(static_cast<std::size_t>(experts.count));
        if (place.expert >= 0 && !experts.contains(place.expert)) continue;
        LowRank const low{LinearWeight(pair.a.to(to)),
                          LinearWeight((pair.b.to(at::kDouble) * adapter.scale_of(pair)).to(to))};
        std::int64_t const local = place.expert - experts.first;
        auto const expert = [&layer, local]() -> ExpertAdapter& {
            return layer.experts[static_cast<std::size_t>(local)];
        };
        switch (place.matrix) {
            case AdaptedMatrix::w1:
                expert().w1 = low;
                break;
            case AdaptedMatrix::w3:
                expert().w3 = low;
                break;
            case AdaptedMatrix::w2:
                expert().w2 = low;
                break;
            case AdaptedMatrix::q_proj:
                layer.heads.q = low;
                break;
            case AdaptedMatrix::k_proj:
                layer.heads.k = low;
                break;
            case AdaptedMatrix::v_proj:
                layer.heads.v = low;
                break;
            case AdaptedMatrix::o_proj:
                layer.heads.o = low;
                break;
        }
    }
    return layers;
}

}  // namespace gatesweep
