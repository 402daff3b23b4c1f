// A model's weights from disk, layer by layer: one layer is computed with while a thread reads and lays out the next.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <utility>

#include "gatesweep/model/weights.h"

namespace gatesweep {

struct OutputHead {
    at::Tensor final_norm;       // [D]
    at::Tensor final_norm_bias;  // [D]; undefined where the model has RMSNorm
    LinearWeight lm_head;        // [V, D], with its bias
};

// Memory holds at most two layers at a time, and the embedding or the head while the caller keeps what it got.
//
// Errors: those of load_weights, from the call that wants the layer; bad_data when a part that is read again is not
// what it was the first time, since the results would belong to no model.
class LayerStream {
public:
    // None: nothing is read ahead.
    static constexpr std::int64_t none = -1;

    explicit LayerStream(WeightSource source) : source_(std::move(source)) {}

    // Begins to read a layer, unless it is there already.
    void prefetch(std::int64_t layer);
    // The weights of a layer, until the next call; `next` is read meanwhile. A layer asked for twice in a row is kept.
    LayerWeights const& layer(std::int64_t layer, std::int64_t next);
    // Read at once, while the next layer is read too.
    at::Tensor embedding();  // [V, D]
    OutputHead head();

    // Of the parts read so far; after a first pass through the model, what load_weights gives.
    WeightDigests digests() const;

    // The most bytes that it and one embedding or head take on a rank with `num_experts` experts of every layer.
    static std::uint64_t num_bytes(ModelConfig const& config, std::int64_t num_experts, std::size_t element_size);
    // What `num_trips` forth and back through the layers read from disk, of elements as they are stored.
    static std::uint64_t bytes_read(ModelConfig const& config, std::int64_t num_experts, std::size_t element_size,
                                    std::int64_t num_trips);

private:
    struct Part {
        LayerWeights weights;
        WeightDigests digests;
    };
    void note(std::int64_t part, WeightDigests const& digests);
    std::string name_of(std::int64_t part) const;

    WeightSource source_;
    std::int64_t current_layer_ = none, next_layer_ = none;
    LayerWeights current_;
    std::map<std::int64_t, WeightDigests> digests_;  // of each part as it was read first
    std::future<Part> next_;                         // waits for its thread when it goes
};

}  // namespace gatesweep
