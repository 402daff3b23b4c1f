#include "gatesweep/model/streamed_decoder.h"

#include <utility>

#include "gatesweep/comm/fail_once.h"
#include "gatesweep/ops/next_token_loss.h"
#include "gatesweep/ops/row_ops.h"
#include "pass_steps.h"

namespace gatesweep {
namespace {

// In forward passes of a layer: once forth, and going back once again with about as much for the gradient.
constexpr std::int64_t forward_work = 1, backward_work = 2;

bool may_go_on(StreamHooks const& hooks) {
    return !hooks.go_on || hooks.go_on();
}

void tell(StreamHooks const& hooks, std::int64_t work) {
    if (hooks.worked) hooks.worked(work);
}

}  // namespace

// What batches keep between layers, in host memory: the input of each layer, and what the last one met goes on with.
class StreamedDecoder::Activations {
public:
    Activations(std::size_t num_batches, std::int64_t num_layers, at::Device device)
        : inputs_(num_batches, std::vector<at::Tensor>(static_cast<std::size_t>(num_layers))),
          current_(num_batches),
          margins_(num_batches),
          device_(device) {}

    void keep_input(std::size_t batch, std::int64_t layer, at::Tensor const& input) {
        inputs_[batch][layer] = input.cpu();
    }
    at::Tensor take_input(std::size_t batch, std::int64_t layer) {
        return std::exchange(inputs_[batch][layer], {}).to(device_);
    }
    // The output of the last layer forth, or the gradient on the way back.
    void set_current(std::size_t batch, at::Tensor const& tensor) { current_[batch] = tensor.cpu(); }
    at::Tensor take_current(std::size_t batch) { return std::exchange(current_[batch], {}).to(device_); }
    // The gradient of the margins; undefined without openings.
    void set_margin(std::size_t batch, at::Tensor const& tensor) {
        if (tensor.defined()) margins_[batch] = tensor.cpu();
    }
    at::Tensor take_margin(std::size_t batch) {
        at::Tensor const margin = std::exchange(margins_[batch], {});
        return margin.defined() ? margin.to(device_) : margin;
    }

private:
    std::vector<std::vector<at::Tensor>> inputs_;  // [T,D] by batch and layer
    std::vector<at::Tensor> current_;              // [T,D] by batch
    std::vector<at::Tensor> margins_;              // [T,D] by batch
    at::Device device_;
};

StreamedDecoder::StreamedDecoder(WeightSource source, ParallelLayout const& layout, std::int64_t max_tokens)
    : source_(source),
      world_(layout.world),
      dispatcher_(layout, config().num_experts, source.device),
      rotary_(make_rotary_table(max_tokens, config().rotary_dim(), config().rope_theta,
                                at::TensorOptions(source.dtype).device(source.device), config().rope_scaling)),
      stream_(source) {}

std::uint64_t StreamedDecoder::bytes_per_token(ModelConfig const& config, std::size_t element_size) {
    return static_cast<std::uint64_t>((config.num_layers + 1) * config.hidden_size) * element_size;
}

std::int64_t StreamedDecoder::work_per_token(ModelConfig const& config) {
    return config.num_layers * forward_work + (config.num_layers - config.sparse_layers().front()) * backward_work;
}

LayerSteps StreamedDecoder::steps() const {
    return {config(), dispatcher_, rotary_};
}

LayerWeights const& StreamedDecoder::layer(std::int64_t layer, std::int64_t next) {
    LayerWeights const* weights = nullptr;
    fail_once(world_, [&] { weights = &stream_.layer(layer, next); });
    return *weights;
}

bool StreamedDecoder::forth(std::span<ObservedBatch const> batches, StreamHooks const& hooks, Activations& kept,
                            Keep keep) {
    fail_once(world_, [&] {
        stream_.prefetch(0);
        at::Tensor const embedding = stream_.embedding();
        for (std::size_t b = 0; b < batches.size(); ++b)
            kept.set_current(b, embedding.index_select(0, batches[b].batch.ids.to(source_.device)));
    });
    std::int64_t const last = config().num_layers - 1;
    for (std::int64_t l = 0; l <= last; ++l) {
        if (!may_go_on(hooks)) return false;
        std::int64_t const turn = keep == Keep::all_inputs ? l - 1 : LayerStream::none;
        LayerWeights const& weights = layer(l, l < last ? l + 1 : turn);
        for (std::size_t b = 0; b < batches.size(); ++b) {
            BatchUnderWay batch{batches[b].batch, batches[b].observer, kept.take_current(b)};
            steps().forth({&batch, 1}, weights, l);
            kept.set_current(b, batch.current);
            if (keep == Keep::all_inputs && l >= steps().lowest_router()) kept.keep_input(b, l, batch.tape.input);
            tell(hooks, forward_work * batches[b].batch.num_tokens());
        }
    }
    return true;
}

bool StreamedDecoder::backward(std::span<ObservedBatch const> batches, StreamHooks const& hooks, Activations& kept) {
    std::vector<std::vector<double>> losses;
    fail_once(world_, [&] {
        OutputHead const head = stream_.head();
        for (std::size_t b = 0; b < batches.size(); ++b) {
            HeadGradient result = head_forward_backward(config(), head, batches[b], kept.take_current(b));
            kept.set_current(b, result.d_hidden);
            kept.set_margin(b, result.d_margin);
            losses.push_back(std::move(result.losses));
        }
    });
    std::int64_t const lowest = steps().lowest_router();
    for (std::int64_t l = config().num_layers - 1; l >= lowest; --l) {
        if (!may_go_on(hooks)) return false;
        LayerWeights const& weights = layer(l, l > lowest ? l - 1 : LayerStream::none);
        for (std::size_t b = 0; b < batches.size(); ++b) {
            BatchUnderWay batch{batches[b].batch,
                                batches[b].observer,
                                kept.take_current(b),
                                {.input = kept.take_input(b, l)},
                                kept.take_margin(b)};
            steps().again({&batch, 1}, weights);
            steps().back({&batch, 1}, weights, l);
            if (l > lowest) {
                kept.set_current(b, batch.current);
                kept.set_margin(b, batch.margin);
            }
            tell(hooks, backward_work * batches[b].batch.num_tokens());
            if (l == lowest && hooks.done) hooks.done(b, losses[b]);
        }
    }
    return true;
}

bool StreamedDecoder::forward_backward(std::span<ObservedBatch const> batches, StreamHooks const& hooks) {
    Activations kept(batches.size(), config().num_layers, source_.device);
    return forth(batches, hooks, kept, Keep::all_inputs) && backward(batches, hooks, kept);
}

bool StreamedDecoder::forward(std::span<ObservedBatch const> batches, StreamHooks const& hooks) {
    Activations kept(batches.size(), config().num_layers, source_.device);
    if (!forth(batches, hooks, kept, Keep::none)) return false;
    fail_once(world_, [&] {
        OutputHead const head = stream_.head();
        for (std::size_t b = 0; b < batches.size(); ++b) {
            at::Tensor const normed = rms_norm(kept.take_current(b), head.final_norm, config().rms_norm_eps);
            PackedBatch const& batch = batches[b].batch;
            auto const losses = next_token_loss(normed, head.lm_head, batch.ids, batch.offsets, Gradient::none).losses;
            if (hooks.done) hooks.done(b, losses);
        }
    });
    return true;
}

void StreamedDecoder::read_all() {
    fail_once(world_, [&] {
        stream_.prefetch(0);
        stream_.embedding();
        for (std::int64_t l = 0; l < config().num_layers; ++l)
            stream_.layer(l, l + 1 < config().num_layers ? l + 1 : LayerStream::none);
        stream_.head();
    });
}

}  // namespace gatesweep
