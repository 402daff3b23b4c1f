// The steps of a pass forth and back, for whoever decides where weights and activations lie meanwhile.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/model/decoder.h"
#include "gatesweep/model/decoder_layer.h"
#include "gatesweep/model/layer_stream.h"

namespace gatesweep {

// A batch on its way through the layers.
struct BatchUnderWay {
    PackedBatch batch;
    RoutingObserver* observer = nullptr;
    at::Tensor current;   // [T,D] what goes into the layer: forth its input, back the gradient to its output
    LayerTape tape = {};  // of the layer at hand
    at::Tensor margin =
        {};  // [T,D] back, the gradient of the margins to the layer's output; undefined without openings
    RouteAnchor* anchor = nullptr;
};

// One layer, for several batches together: while the rows of one travel between ranks, the next one computes.
class LayerSteps {
public:
    // The arguments outlive the object.
    LayerSteps(ModelConfig const& config, TokenDispatcher const& dispatcher, RotaryTable const& rotary);

    // The lowest layer with a router: below it nobody asks for a gradient.
    std::int64_t lowest_router() const { return sparse_layers_.front(); }

    // From the layer's input to its output, with the tape; tells the observer.
    void forth(std::span<BatchUnderWay> batches, LayerWeights const& weights, std::int64_t layer) const;
    // Makes a tape whole of which there is the input alone.
    void again(std::span<BatchUnderWay> batches, LayerWeights const& weights) const;
    // From the gradient to the layer's output to that to its input, which is undefined for the lowest one asked for;
    // uses the tape up and tells the observer.
    void back(std::span<BatchUnderWay> batches, LayerWeights const& weights, std::int64_t layer) const;

private:
    LayerContext context(BatchUnderWay const& batch) const { return {config_, dispatcher_, rotary_, batch.batch}; }
    std::int64_t row_of(std::int64_t layer) const;  // that observers know a layer with a router by
    void compute(std::span<BatchUnderWay> batches, LayerWeights const& weights) const;
    // Of `d_output` of each batch, through its tape.
    std::vector<LayerGradient> gradients(std::span<BatchUnderWay const> batches, LayerWeights const& weights,
                                         std::int64_t layer, at::Tensor BatchUnderWay::*d_output,
                                         Backward extent) const;

    ModelConfig const& config_;
    TokenDispatcher const& dispatcher_;
    RotaryTable const& rotary_;
    std::vector<std::int64_t> sparse_layers_;
};

struct HeadGradient {
    std::vector<double> losses;  // of each prompt
    at::Tensor d_hidden;         // [T,D] gradient of their sum to the last layer's output
    at::Tensor d_margin;         // [T,D] the same of the margins; undefined without openings
};
HeadGradient head_forward_backward(ModelConfig const& config, OutputHead const& head, ObservedBatch const& batch,
                                   at::Tensor const& hidden);

}  // namespace gatesweep
