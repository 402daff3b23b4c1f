// A model wide enough that its sums are long (1024 and more terms), where libraries round by the number of rows and
// threads: the same bits from any batch, split, and number of ranks and threads.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "gatesweep/model/decoder.h"
#include "gatesweep/signal/signals.h"
#include "mpi_main.h"

namespace gatesweep {
namespace {

ModelConfig wide_config() {
    ModelConfig c;
    c.vocab_size = 331;
    c.hidden_size = 1024;
    c.intermediate_size = 1100;
    c.num_layers = 2;
    c.num_heads = 8;
    c.num_kv_heads = 2;
    c.head_dim = 128;
    c.num_experts = 4;
    c.top_k = 2;
    c.max_position_embeddings = 256;
    return c;
}

// Random weights, the same for a name whichever ranks hold it.
class RandomWeights {
public:
    RandomWeights(ModelConfig const& c, ExpertRange experts, at::ScalarType dtype) : dtype_(dtype) {
        weights.embedding = matrix(1, c.vocab_size, c.hidden_size) * 20;
        std::int64_t const q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
        for (std::int64_t l = 0; l < c.num_layers; ++l) {
            std::int64_t const seed = 1000 * (l + 1);
            LayerWeights w;
            w.input_norm = w.post_attention_norm = at::ones({c.hidden_size}, dtype_);
            w.qkv = LinearWeight(matrix(seed, q + 2 * kv, c.hidden_size));
            w.o_proj = LinearWeight(matrix(seed + 1, c.hidden_size, q));
            w.gate = matrix(seed + 2, c.num_experts, c.hidden_size);
            w.gate_product = LinearWeight(w.gate);
            for (std::int64_t e = experts.first; e < experts.first + experts.count; ++e) {
                w.experts.gate_up.emplace_back(matrix(seed + 10 + 2 * e, 2 * c.intermediate_size, c.hidden_size));
                w.experts.down.emplace_back(matrix(seed + 11 + 2 * e, c.hidden_size, c.intermediate_size));
            }
            weights.layers.push_back(std::move(w));
        }
        weights.final_norm = at::ones({c.hidden_size}, dtype_);
        weights.lm_head = LinearWeight(matrix(2, c.vocab_size, c.hidden_size));
    }

    Weights weights;

private:
    at::Tensor matrix(std::int64_t seed, std::int64_t rows, std::int64_t columns) const {
        auto generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<std::uint64_t>(seed));
        return (at::randn({rows, columns}, generator) * 0.05).to(dtype_);
    }

    at::ScalarType dtype_;
};

Decoder wide_model(ParallelLayout const& layout, at::ScalarType dtype) {
    ModelConfig const config = wide_config();
    return Decoder(config, RandomWeights(config, layout.local_experts(config.num_experts), dtype).weights, layout, 64);
}

std::vector<std::vector<std::int32_t>> prompts() {
    std::vector<std::vector<std::int32_t>> result;
    for (std::int32_t p = 0; p < 6; ++p) {
        std::vector<std::int32_t> ids;
        for (std::int32_t t = 0; t < 9 + 5 * p; ++t)
            ids.push_back((t * t * 7 + p * 53 + t) % 331);
        result.push_back(ids);
    }
    return result;
}

Signals signals(ParallelLayout const& layout, at::ScalarType dtype, std::int64_t batch_tokens, int threads) {
    at::set_num_threads(threads);
    Decoder const model = wide_model(layout, dtype);
    std::vector<std::int64_t> tokens;
    for (auto const& ids : prompts())
        tokens.push_back(static_cast<std::int64_t>(ids.size()));
    Signals result = compute_signals(model, layout, prompts(), plan_batches(tokens, batch_tokens),
                                     {.tape_memory = std::uint64_t{1} << 40, .progress = {}});
    reduce_to_final_rank(result, layout);
    at::set_num_threads(1);
    return result;
}

TEST(WideModel, SameSignalsFromAnyBatchThreadsAndRanks) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        Signals const alone = signals(make_parallel_layout(Communicator(), 1), dtype, 1, 1);
        for (int degree : {1, world().size()}) {
            for (auto [batch_tokens, threads] : {std::pair{40, 2}, std::pair{1000, 1}}) {
                Signals const other = signals(make_parallel_layout(world(), degree), dtype, batch_tokens, threads);
                if (world().rank() != world().size() - 1) continue;
                EXPECT_EQ(other.activation_counts.values, alone.activation_counts.values)
                    << degree << ' ' << batch_tokens;
                EXPECT_EQ(other.losses.values, alone.losses.values) << degree << ' ' << batch_tokens;
                EXPECT_EQ(other.gradient_scores.values, alone.gradient_scores.values) << degree << ' ' << batch_tokens;
            }
        }
    }
}

// Keys and values that one-by-one decoding leaves, and those of a full pass among other prompts.
TEST(WideModel, DecodeEqualsOneFullPassBitForBit) {
    auto const all = prompts();
    auto const& ids = all.back();
    auto const length = static_cast<std::int64_t>(ids.size());
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        Decoder const model = wide_model(make_parallel_layout(Communicator(), 1), dtype);
        RouterEdits const edits(model.config().num_layers, model.config().num_experts);
        std::vector<Stem> stems;
        std::vector<Branch> branches;
        std::vector<std::int64_t> slots;
        for (std::size_t p = 0; p < all.size(); ++p) {
            stems.push_back({all[p], static_cast<std::int64_t>(all[p].size())});
            branches.push_back({static_cast<std::int64_t>(p), 0});
            slots.push_back(static_cast<std::int64_t>(p));
        }
        at::TensorOptions const options = model.weights().embedding.options();
        KvCache together(model.config(), 6, length, options), alone(model.config(), 1, length, options);
        model.forward_branches(stems, branches, edits, &together, slots);
        Stem const start{std::span(ids).first(3), 3};
        model.forward_branches(std::span(&start, 1), std::vector<Branch>{{0, 0}}, edits, &alone,
                               std::vector<std::int64_t>{0});
        for (std::int64_t i = 3; i < length; ++i)
            model.decode({{ids[i]}, {i}, {0}, {0}}, edits, alone);
        for (std::int64_t l = 0; l < model.config().num_layers; ++l) {
            EXPECT_TRUE(at::equal(alone.keys(l)[0], together.keys(l)[5]))
                << "layer " << l << ' ' << at::toString(dtype);
            EXPECT_TRUE(at::equal(alone.values(l)[0], together.values(l)[5]))
                << "layer " << l << ' ' << at::toString(dtype);
        }
    }
}

}  // namespace
}  // namespace gatesweep
