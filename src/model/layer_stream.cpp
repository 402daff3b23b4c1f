#include "gatesweep/model/layer_stream.h"

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/model/model_size.h"
#include "weight_reader.h"

namespace gatesweep {
namespace {

// Keys of parts that are no layers.
constexpr std::int64_t embedding_part = -1, head_part = -2;

}  // namespace

void LayerStream::prefetch(std::int64_t layer) {
    if (layer == none || layer == current_layer_ || layer == next_layer_) return;
    next_ = {};
    next_layer_ = layer;
    next_ = std::async(std::launch::async, [source = source_, layer] {
        WeightReader reader(source);
        Part part;
        part.weights = reader.layer(layer);
        part.digests = reader.take_digests();
        return part;
    });
}

LayerWeights const& LayerStream::layer(std::int64_t layer, std::int64_t next) {
    if (layer != current_layer_) {
        current_layer_ = none;
        current_ = {};
        prefetch(layer);
        next_layer_ = none;
        Part part = next_.get();
        note(layer, part.digests);
        current_ = std::move(part.weights);
        current_layer_ = layer;
    }
    prefetch(next);
    return current_;
}

at::Tensor LayerStream::embedding() {
    WeightReader reader(source_);
    at::Tensor embedding = reader.embedding();
    note(embedding_part, reader.take_digests());
    return embedding;
}

OutputHead LayerStream::head() {
    WeightReader reader(source_);
    OutputHead head;
    if (source_.config->tie_word_embeddings) {
        at::Tensor const embedding = reader.embedding();
        note(embedding_part, reader.take_digests());
        head.lm_head = reader.tied_head(embedding);
    } else {
        head.lm_head = reader.lm_head();
    }
    head.final_norm = reader.final_norm();
    head.final_norm_bias = reader.final_norm_bias();
    note(head_part, reader.take_digests());
    return head;
}

void LayerStream::note(std::int64_t part, WeightDigests const& digests) {
    auto const [first, is_first] = digests_.emplace(part, digests);
    GATESWEEP_VALIDATE(is_first || first->second == digests, ExitCode::bad_data,
                       "{}: {} is not what it was when it was read first (what is computed would belong to no model): "
                       "something writes to the checkpoint; run again when it has ended",
                       source_.checkpoint->folder().string(), name_of(part));
}

std::string LayerStream::name_of(std::int64_t part) const {
    return part >= 0 ? fmt::format("layer {}", part) : part == head_part ? "the output head" : "the embedding";
}

WeightDigests LayerStream::digests() const {
    WeightDigests sum;
    for (auto const& [part, digests] : digests_)
        sum += digests;
    return sum;
}

std::uint64_t LayerStream::num_bytes(ModelConfig const& c, std::int64_t num_experts, std::size_t element_size) {
    // A gate is there twice, and so is a matrix that is being laid out, besides as it was stored.
    std::int64_t const gate = c.num_experts * c.hidden_size;
    std::int64_t const head = 2 * c.vocab_size * c.hidden_size;
    return static_cast<std::uint64_t>(2 * (layer_elements(c, num_experts) + gate) + head + expert_elements(c)) *
           element_size;
}

std::uint64_t LayerStream::bytes_read(ModelConfig const& c, std::int64_t num_experts, std::size_t element_size,
                                      std::int64_t num_trips) {
    // Each trip turns at the last layer, which stays, and goes back to the lowest with a router. Where that is the
    // first layer, the next trip finds it there.
    std::vector<std::int64_t> const of_layer = stored_bytes_by_layer(c, num_experts, element_size);
    std::int64_t const lowest = c.sparse_layers().front();
    std::int64_t const forth = std::accumulate(of_layer.begin(), of_layer.end(), std::int64_t{0});
    std::int64_t const back = std::accumulate(of_layer.begin() + lowest, of_layer.end() - 1, std::int64_t{0});
    std::int64_t const found = num_trips > 0 && lowest == 0 ? (num_trips - 1) * of_layer.front() : 0;
    std::int64_t const end_elements = num_trips * ((2 * c.vocab_size + (c.has_layer_norm ? 2 : 1)) * c.hidden_size +
                                                   (c.has_head_bias ? c.vocab_size : 0));
    std::int64_t const ends = end_elements * static_cast<std::int64_t>(element_size);
    return static_cast<std::uint64_t>(num_trips * (forth + back) - found + ends);
}

}  // namespace gatesweep
