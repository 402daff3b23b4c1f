// Greedy generation under router edits against Hugging Face transformers: alone, and mixed with many other variants.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "gatesweep/sweep/generator.h"
#include "interventions.h"
#include "mpi_main.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_new_tokens = 12;

struct Setting {
    int expert_parallel = 1;
    std::int64_t num_slots = 64;
    std::int64_t prefill_tokens = 8192;
    int threads = 1;
};

using Answers = std::map<std::pair<std::int64_t, std::int32_t>, std::vector<std::int32_t>>;  // by (prompt, variant)

// All requests on every copy, each copy's spread over its ranks; this rank's completions.
Answers generate(Golden const& golden, RouterEdits const& edits, std::vector<Request> const& requests,
                 Communicator const& ranks, Setting const& setting, at::ScalarType dtype = at::kFloat) {
    at::set_num_threads(setting.threads);
    ParallelLayout const layout = make_parallel_layout(ranks, setting.expert_parallel);
    Decoder const model = load_model(golden.model_folder(), layout, dtype);
    Generator generator(model, layout, edits, golden.prompts,
                        {num_new_tokens, setting.num_slots, setting.prefill_tokens, model.config().eos_token_ids});
    std::vector<Request> mine;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (static_cast<int>(i) % layout.ep_size() == layout.ep_rank()) mine.push_back(requests[i]);
    }
    Answers answers;
    generator.run(mine, [&](Completion c) { answers[{c.prompt, c.variant}] = std::move(c.token_ids); });
    at::set_num_threads(1);
    return answers;
}

// The golden interventions and 64 random ones, as one table.
struct Mixture {
    std::vector<Intervention> golden;
    RouterEdits edits;
    std::vector<Request> requests;  // golden and random variants on every prompt, neighbours by prompt

    explicit Mixture(Golden const& g) : golden(load_interventions(interventions_json(g))), edits(no_edits(g)) {
        std::vector<std::int64_t> const layers = load_model_config(g.model_folder()).sparse_layers();
        std::int64_t const num_experts = g.counts().shape[2];
        for (auto const& one : golden)
            edits.add(one.mode, one.scope, one.edits);
        std::mt19937_64 random(7);
        for (int i = 0; i < 64; ++i) {
            RouterEdit const edit{layers[random() % layers.size()],
                                  static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(num_experts)), 1.0};
            edits.add(static_cast<EditMode>(random() % 5), EditScope::both, std::span(&edit, 1));
        }
        for (std::int64_t p = 0; p < static_cast<std::int64_t>(g.prompts.size()); ++p) {
            for (std::int32_t v = 0; v < edits.num_variants(); ++v)
                requests.push_back({p, v});
        }
    }
};

class GenerationParity : public testing::TestWithParam<std::string> {};

TEST_P(GenerationParity, EditedTokensEqualTransformersAloneAndInOneBatchWithManyVariants) {
    Golden const golden = load_golden(GetParam());
    Mixture const mixture(golden);
    for (int degree : degrees()) {
        Answers const mixed =
            generate(golden, mixture.edits, mixture.requests, world(), {.expert_parallel = degree, .num_slots = 96});
        for (std::size_t i = 0; i < mixture.golden.size(); ++i) {
            Intervention const& one = mixture.golden[i];
            auto const variant = static_cast<std::int32_t>(i + 1);
            std::vector<Request> requests;
            for (std::int64_t p : one.prompts)
                requests.push_back({p, variant});
            Answers const alone =
                generate(golden, mixture.edits, requests, world(), {.expert_parallel = degree, .num_slots = 2});
            for (std::size_t j = 0; j < one.prompts.size(); ++j) {
                std::pair const key(one.prompts[j], variant);
                if (alone.contains(key)) {
                    EXPECT_EQ(alone.at(key), one.greedy_ids[j]) << one.name << " prompt " << key.first;
                }
                if (mixed.contains(key)) {
                    EXPECT_EQ(mixed.at(key), one.greedy_ids[j]) << one.name << " in the mixture, prompt " << key.first;
                }
            }
        }
    }
}

TEST_P(GenerationParity, UneditedTokensEqualTransformers) {
    Golden const golden = load_golden(GetParam());
    RouterEdits const edits = no_edits(golden);
    std::vector<Request> requests;
    for (std::int64_t p = 0; p < static_cast<std::int64_t>(golden.prompts.size()); ++p)
        requests.push_back({p, 0});
    for (auto const& [key, ids] : generate(golden, edits, requests, world(), {})) {
        auto const expected = golden.json.at("prompts")[static_cast<std::size_t>(key.first)]
                                  .at("greedy_ids")
                                  .get<std::vector<std::int32_t>>();
        EXPECT_EQ(ids, expected) << "prompt " << key.first;
    }
}

TEST_P(GenerationParity, SameTokensFromAnySlotsBatchesThreadsAndOrder) {
    Golden const golden = load_golden(GetParam());
    Mixture const mixture(golden);
    auto shuffled = mixture.requests;
    std::mt19937_64 random(3);
    for (std::size_t i = shuffled.size() - 1; i > 0; --i)
        std::swap(shuffled[i], shuffled[random() % (i + 1)]);
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        Answers const reference = generate(golden, mixture.edits, mixture.requests, Communicator(), {}, dtype);
        for (Setting const& setting :
             {Setting{.num_slots = 7, .prefill_tokens = 50}, Setting{.num_slots = 500, .threads = 2}}) {
            EXPECT_EQ(generate(golden, mixture.edits, shuffled, Communicator(), setting, dtype), reference);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, GenerationParity, testing::ValuesIn(golden_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

// Prefill and decode are one computation: the hidden states that decoding leaves are those of a full pass.
TEST(Decode, EqualsOneFullPassBitForBit) {
    for (auto const& name : golden_names()) {
        Golden const golden = load_golden(name);
        for (auto dtype : {at::kFloat, at::kBFloat16}) {
            ParallelLayout const layout = make_parallel_layout(Communicator(), 1);
            Decoder const model = load_model(golden.model_folder(), layout, dtype);
            RouterEdits edits(model.config().num_layers, model.config().num_experts);
            RouterEdit const edit{model.config().sparse_layers().front(), 1, 1.0};
            edits.add(EditMode::mask, EditScope::both, std::span(&edit, 1));
            auto const& ids = golden.prompts.back();
            auto const length = static_cast<std::int64_t>(ids.size()), half = length / 2;
            for (std::int32_t variant : {0, 1}) {
                std::vector<Branch> const branch = {{0, variant}};
                KvCache whole_cache(model.config(), 1, length, model.weights().embedding.options());
                KvCache cache(model.config(), 1, length, model.weights().embedding.options());
                std::vector<std::int64_t> const slot = {0};
                Stem const whole{ids, length}, part{std::span(ids).first(static_cast<std::size_t>(half)), half};
                model.forward_branches(std::span(&whole, 1), branch, edits, &whole_cache, slot);
                model.forward_branches(std::span(&part, 1), branch, edits, &cache, slot);
                for (std::int64_t i = half; i < length; ++i)
                    model.decode({{ids[i]}, {i}, {0}, {variant}}, edits, cache);
                for (std::int64_t l = 0; l < model.config().num_layers; ++l) {
                    EXPECT_TRUE(at::equal(cache.keys(l), whole_cache.keys(l))) << name << " layer " << l;
                    EXPECT_TRUE(at::equal(cache.values(l), whole_cache.values(l))) << name << " layer " << l;
                }
            }
        }
    }
}

}  // namespace
}  // namespace gatesweep
