// The gradient of a hardening step: against torch's autograd through transformers, against finite differences, and the
// same bits from any split over ranks.
#include "gatesweep/harden/step_gradient.h"

#include "gatesweep/harden/adamw.h"
#include "mpi_main.h"
#include "support/golden.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

struct Scene {
    Golden golden;
    nlohmann::json facts;
    Adapter adapter;
    std::vector<TrainingText> texts;
    LossWeights weights;
    std::vector<double> gradient, after;
};

AdaptedMatrix matrix_of(std::string const& word) {
    std::vector<std::string> const words = {"w1", "w3", "w2", "q_proj", "k_proj", "v_proj", "o_proj"};
    return static_cast<AdaptedMatrix>(std::ranges::find(words, word) - words.begin());
}

std::vector<double> values_of(std::filesystem::path const& file) {
    return read_npy<double>(file).values;
}

Scene load_scene(std::string const& name) {
    Scene scene{.golden = load_golden(name), .facts = {}, .adapter = {}, .texts = {}, .weights = {}};
    auto const& folder = scene.golden.folder;
    scene.facts = nlohmann::json::parse(read_file(folder / "hardening.json"));
    scene.gradient = values_of(folder / "hardening_gradient.npy");
    scene.after = values_of(folder / "hardening_after.npy");
    scene.weights = {scene.facts.at("beta"), scene.facts.at("gamma")};
    scene.adapter.rank = scene.facts.at("rank");
    scene.adapter.alpha = scene.facts.at("alpha");
    std::vector<double> const start = values_of(folder / "hardening_start.npy");
    auto from = start.begin();
    auto const take = [&](std::int64_t rows, std::int64_t columns) {
        at::Tensor const values = at::empty({rows, columns}, at::kFloat);
        std::transform(from, from + values.numel(), values.data_ptr<float>(),
                       [](double v) { return static_cast<float>(v); });
        from += values.numel();
        return values;
    };
    auto const& places = scene.facts.at("places");
    for (std::size_t i = 0; i < places.size(); ++i) {
        auto const& shape = scene.facts.at("shapes")[i];
        AdapterPlace const place{places[i][0], places[i][1], matrix_of(places[i][2])};
        at::Tensor const a = take(scene.adapter.rank, shape[1]);
        scene.adapter.pairs[place] = {a, take(shape[0], scene.adapter.rank)};
    }
    EXPECT_EQ(from, start.end());
    for (auto const& text : scene.facts.at("texts"))
        scene.texts.push_back({text.at("token_ids"), text.at("first"), text.at("is_refusal")});
    return scene;
}

StepGradient gradient_of(Scene const& scene, Decoder& model, ParallelLayout const& layout, std::int64_t num_parts,
                         TapePolicy policy = TapePolicy::keep, Look look = Look::losses_and_gradient) {
    return step_gradient(model, layout, scene.adapter, scene.texts, num_parts, scene.weights, policy, look);
}

class StepGradientOn : public testing::TestWithParam<std::string> {};

TEST_P(StepGradientOn, EqualsAutogradThroughTransformers) {
    Scene scene = load_scene(GetParam());
    Decoder model = load_model(scene.golden.model_folder(), ParallelLayout(), at::kFloat);
    StepGradient step = gradient_of(scene, model, ParallelLayout(), 2);
    EXPECT_NEAR(step.losses.refusal, scene.facts.at("refusal"), 1e-5);
    EXPECT_NEAR(step.losses.kl, scene.facts.at("kl"), 1e-5);
    EXPECT_NEAR(step.losses.drift, scene.facts.at("drift"), 1e-5);
    ASSERT_EQ(step.values.size(), scene.gradient.size());
    double const largest =
        std::abs(*std::ranges::max_element(scene.gradient, {}, [](double g) { return std::abs(g); }));
    for (std::size_t i = 0; i < step.values.size(); ++i)
        EXPECT_NEAR(step.values[i], scene.gradient[i], 1e-5 * largest) << "value " << i;
    EXPECT_NEAR(clip_norm(step.values, scene.facts.at("clip")), scene.facts.at("norm"),
                1e-5 * double(scene.facts.at("norm")));
    AdamWState state;
    adamw_step(scene.adapter, step.values, state,
               {.learning_rate = scene.facts.at("learning_rate"), .weight_decay = scene.facts.at("weight_decay")});
    // AdamW's first step divides a gradient by its own size: where it is all rounding, so is the step.
    std::size_t i = 0, compared = 0;
    for (auto const& [place, pair] : scene.adapter.pairs) {
        for (at::Tensor const& matrix : {pair.a, pair.b}) {
            for (std::int64_t k = 0; k < matrix.numel(); ++k, ++i) {
                if (std::abs(scene.gradient[i]) < 1e-4) continue;
                EXPECT_NEAR(matrix.view(-1)[k].item<float>(), scene.after[i], 1e-6);
                ++compared;
            }
        }
    }
    EXPECT_GE(compared, scene.after.size() / 2);
}

TEST_P(StepGradientOn, EqualsFiniteDifferences) {
    Scene scene = load_scene(GetParam());
    Decoder model = load_model(scene.golden.model_folder(), ParallelLayout(), at::kDouble);
    StepGradient const step = gradient_of(scene, model, ParallelLayout(), 3);
    std::int64_t first = 0, compared = 0;
    for (auto const& [place, pair] : scene.adapter.pairs) {
        for (at::Tensor const& matrix : {pair.a, pair.b}) {
            at::Tensor const values = matrix.view(-1);
            for (std::int64_t const k : {std::int64_t{0}, values.numel() / 2}) {
                float const value = values[k].item<float>();
                double moved[2], loss[2];
                for (int side : {0, 1}) {
                    values[k].fill_(value + (side == 0 ? -3e-5F : 3e-5F));
                    moved[side] = values[k].item<double>();
                    loss[side] = gradient_of(scene, model, ParallelLayout(), 3).losses.total(scene.weights);
                }
                values[k].fill_(value);
                double const numeric = (loss[1] - loss[0]) / (moved[1] - moved[0]);
                double const exact = step.values[static_cast<std::size_t>(first + k)];
                // An expert that is chosen elsewhere makes a step in the loss.
                compared += std::abs(exact - numeric) <= 1e-5 * std::max(0.1, std::abs(exact)) ? 1 : 0;
            }
            first += values.numel();
        }
    }
    EXPECT_GE(compared, 2 * 2 * std::ssize(scene.adapter.pairs) - 2);
}

TEST_P(StepGradientOn, HasTheSameBitsOnAnyLayout) {
    Scene const scene = load_scene(GetParam());
    Decoder alone = load_model(scene.golden.model_folder(), ParallelLayout(), at::kFloat);
    StepGradient const expected = gradient_of(scene, alone, ParallelLayout(), 3);
    EXPECT_EQ(gradient_of(scene, alone, ParallelLayout(), 3, TapePolicy::recompute).values, expected.values);
    EXPECT_EQ(gradient_of(scene, alone, ParallelLayout(), 3, TapePolicy::keep, Look::losses).losses.kl,
              expected.losses.kl);
    for (int degree : {1, 2, 4}) {
        if (world().size() % degree != 0) continue;
        ParallelLayout const layout = make_parallel_layout(world(), degree);
        Decoder shared = load_model(scene.golden.model_folder(), layout, at::kFloat);
        StepGradient const step = gradient_of(scene, shared, layout, 3);
        EXPECT_EQ(step.values, expected.values) << "expert parallel " << degree;
        EXPECT_EQ(step.losses.refusal, expected.losses.refusal);
        EXPECT_EQ(step.losses.kl, expected.losses.kl);
        EXPECT_EQ(step.losses.drift, expected.losses.drift);
    }
}

TEST_P(StepGradientOn, IsNotInterestedInGatesWithoutDrift) {
    Scene scene = load_scene(GetParam());
    scene.weights.gamma = 0.0;
    Decoder model = load_model(scene.golden.model_folder(), ParallelLayout(), at::kFloat);
    StepGradient const step = gradient_of(scene, model, ParallelLayout(), 2);
    EXPECT_EQ(step.losses.drift, 0.0);
    scene.weights.gamma = 1e-300;
    StepGradient const with_drift = gradient_of(scene, model, ParallelLayout(), 2);
    EXPECT_EQ(step.values, with_drift.values);
    EXPECT_GT(with_drift.losses.drift, 0.0);
}

INSTANTIATE_TEST_SUITE_P(Goldens, StepGradientOn,
                         testing::Values("hub-bf16", "olmoe-bf16", "qwen2-dense-bf16", "gpt-oss-f32",
                                         "deepseek-v2-lite-f32"),
                         [](auto const& info) {
                             std::string name = info.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace gatesweep
