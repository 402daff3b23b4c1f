// `gatesweep verify --published`: the table of numbers is whole, its checkpoints are recognised, and each comparison
// fails when it must.
#include <nlohmann/json.hpp>

#include <limits>

#include "app/verify/published.h"
#include "gatesweep/ops/linear.h"
#include "gatesweep/ops/output_head.h"
#include "mpi_main.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

TEST(PublishedNumbers, AreWhole) {
    for (PublishedNumbers const& numbers : published_numbers()) {
        ModelConfig const config = parse_model_config(numbers.config, "config.json");
        EXPECT_TRUE(config.has_router());
        EXPECT_EQ(numbers.mean_logits.size(), numbers.token_ids.size()) << numbers.checkpoint;
        EXPECT_EQ(numbers.first_logits.size(), 30U) << numbers.checkpoint;
        EXPECT_TRUE(numbers.continued.starts_with(numbers.prompt)) << numbers.checkpoint;
        EXPECT_GT(numbers.continued.size(), numbers.prompt.size());
        for (auto const& [text, ids] : numbers.encodings) {
            for (auto const id : ids)
                EXPECT_LT(id, config.vocab_size) << text;
        }
    }
}

TEST(PublishedNumbers, BelongToTheShapeOfACheckpoint) {
    for (PublishedNumbers const& numbers : published_numbers()) {
        ModelConfig config = parse_model_config(numbers.config, "config.json");
        EXPECT_EQ(published_numbers_of(config, "folder").checkpoint, numbers.checkpoint);
        config.num_layers -= 1;
        EXPECT_ERROR(published_numbers_of(config, "folder"), ExitCode::bad_data, "folder: ", family_title(config),
                     "OLMoE-1B-7B-0924", "Qwen1.5-MoE-A2.7B");
    }
}

TEST(ComparePublished, AllowsTheToleranceAlone) {
    auto const verdict = [](std::vector<double> const& computed, bool judged = true) {
        return compare_published("", "", computed, {-1.0, 3.0}, judged).verdict;
    };
    EXPECT_EQ(verdict({-1.0, 3.0}), Verdict::ok);
    EXPECT_EQ(verdict({-1.019, 3.039}), Verdict::ok);
    EXPECT_EQ(verdict({-1.021, 3.0}), Verdict::failed);
    EXPECT_EQ(verdict({-1.0, 3.041}), Verdict::failed);
    EXPECT_EQ(verdict({-1.0}), Verdict::failed);
    EXPECT_EQ(verdict({-1.0, std::numeric_limits<double>::quiet_NaN()}), Verdict::failed);
    EXPECT_EQ(verdict({-1.021, 3.0}, false), Verdict::note);
}

// A small model, and what another way of computing says of it in place of what was published.
class PublishedOfASmallModel : public testing::Test {
protected:
    PublishedOfASmallModel() {
        Decoder const model = load_model(folder, ParallelLayout(), at::kFloat);
        numbers.token_ids = golden.prompts[0];
        at::Tensor const logits = token_linear(hidden_of(model, numbers.token_ids), model.weights().lm_head);
        for (std::int64_t t = 0; t < logits.size(0); ++t)
            numbers.mean_logits.push_back(logits[t].mean().item<double>());
        for (std::int64_t v = 0; v < 30; ++v)
            numbers.first_logits.push_back(logits[0][v].item<double>());
        numbers.prompt = "How do I bake bread?";
        numbers.new_tokens = 6;
        std::vector<std::int32_t> ids = tokenizer.encode_plain(numbers.prompt);
        numbers.encodings = {{numbers.prompt, ids}};
        for (std::int64_t i = 0; i < numbers.new_tokens; ++i)
            ids.push_back(greedy_tokens(hidden_of(model, ids).slice(0, -1), model.weights().lm_head)[0]);
        continued = tokenizer.decode(ids);
        numbers.continued = continued;
    }

    static at::Tensor hidden_of(Decoder const& model, std::vector<std::int32_t> const& ids) {
        RouterEdits const edits(model.config().num_layers, model.config().num_experts);
        Stem const stem{ids, static_cast<std::int64_t>(ids.size())};
        Branch const branch{0, 0};
        return model.forward_branches(std::span(&stem, 1), std::span(&branch, 1), edits).hidden;
    }

    // Names and verdicts, in their order.
    std::vector<std::pair<std::string, Verdict>> verify(PublishedNumbers const& published,
                                                        at::ScalarType dtype = at::kFloat) const {
        ModelConfig const config = load_model_config(folder);
        ParallelLayout const layout = make_parallel_layout(world(), world().size());
        Machine machine;
        machine.dtype = dtype;
        std::vector<std::pair<std::string, Verdict>> checks;
        verify_published({folder, config, layout, machine, {}}, tokenizer, published,
                         [&](Check const& check) { checks.emplace_back(check.name, check.verdict); });
        return checks;
    }

    Golden const golden = load_golden("olmoe-bf16");
    std::filesystem::path const folder = golden.model_folder();
    Tokenizer const tokenizer = Tokenizer::load(folder);
    std::string continued;
    PublishedNumbers numbers;
};

TEST_F(PublishedOfASmallModel, Holds) {
    std::vector<std::pair<std::string, Verdict>> const all = {{"token ids", Verdict::ok},
                                                              {"mean logits", Verdict::ok},
                                                              {"logits", Verdict::ok},
                                                              {"greedy text", Verdict::ok}};
    EXPECT_EQ(verify(numbers), all);
}

TEST_F(PublishedOfASmallModel, FailsWhereANumberIsAnother) {
    auto const failed = [&](PublishedNumbers const& published) {
        std::vector<std::string> names;
        for (auto const& [name, verdict] : verify(published)) {
            if (verdict == Verdict::failed) names.push_back(name);
        }
        return names;
    };
    using Names = std::vector<std::string>;
    PublishedNumbers ids = numbers, means = numbers, first = numbers, text = numbers, shorter = numbers;
    ids.encodings[0].second.back() += 1;
    means.mean_logits[3] += 0.1;
    first.first_logits[29] -= 0.3;
    std::string const other = continued + "x";
    text.continued = other;
    shorter.continued = std::string_view(continued).substr(0, continued.size() - 1);
    EXPECT_EQ(failed(ids), Names{"token ids"});
    EXPECT_EQ(failed(means), Names{"mean logits"});
    EXPECT_EQ(failed(first), Names{"logits"});
    EXPECT_EQ(failed(text), Names{"greedy text"});
    EXPECT_EQ(failed(shorter), Names{"greedy text"});
}

TEST_F(PublishedOfASmallModel, IsNotedInAnotherType) {
    numbers.mean_logits[3] += 1.0;
    numbers.encodings.clear();
    std::vector<std::pair<std::string, Verdict>> const all = {{"token ids", Verdict::skipped},
                                                              {"mean logits", Verdict::note},
                                                              {"logits", Verdict::note},
                                                              {"greedy text", Verdict::note}};
    EXPECT_EQ(verify(numbers, at::kBFloat16), all);
}

}  // namespace
}  // namespace gatesweep
