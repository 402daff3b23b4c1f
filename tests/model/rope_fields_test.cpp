// What is read of a config's rotary fields, and what follows from them, against what transformers computes.
#include "model/rope_fields.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "gatesweep/base/file.h"
#include "gatesweep/ops/rotary.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

constexpr RopeType all_types[] = {RopeType::plain, RopeType::linear, RopeType::llama3, RopeType::yarn,
                                  RopeType::longrope};

ModelConfig read(json const& fields, RopeFields const& family = {all_types}, std::int64_t head_dim = 16) {
    json const object = json::parse(fields.dump());  // numbers of the types that a file's have
    ModelConfig config;
    config.head_dim = head_dim;
    config.max_position_embeddings = 1024;
    if (object.contains("max_position_embeddings"))
        config.max_position_embeddings = object["max_position_embeddings"].get<std::int64_t>();
    std::string const file = "config.json";
    read_rope(ConfigFields(object, file), family, config);
    return config;
}

// Equal but for the power, whose last bit torch's vectorised one rounds otherwise now and then.
void expect_frequencies(std::vector<float> const& computed, json const& golden) {
    auto const wanted = golden.get<std::vector<double>>();
    ASSERT_EQ(computed.size(), wanted.size());
    std::size_t exact = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_NEAR(computed[i], wanted[i], 2e-7 * wanted[i]) << i;
        exact += computed[i] == static_cast<float>(wanted[i]);
    }
    EXPECT_GE(exact, wanted.size() - wanted.size() / 16) << "of " << wanted.size();
}

TEST(RopeFields, GiveTheFrequenciesAndMagnitudesOfTransformers) {
    json const golden = json::parse(read_file(std::filesystem::path(GATESWEEP_GOLDEN_DIR) / "rope.json"));
    std::size_t num_long = 0;
    for (json const& row : golden.at("cases")) {
        SCOPED_TRACE(row.at("rope_parameters").dump());
        auto const head_dim = row.at("head_dim").get<std::int64_t>();
        ModelConfig const config = read(row, {all_types}, head_dim);
        RopeScaling const& s = config.rope_scaling;
        expect_frequencies(rotary_frequencies(head_dim, config.rope_theta, s, false), row.at("frequencies"));
        EXPECT_NEAR(s.magnitude, row.at("magnitude").get<double>(), 1e-15);
        if (!row.contains("long_frequencies")) continue;
        ++num_long;
        expect_frequencies(rotary_frequencies(head_dim, config.rope_theta, s, true), row.at("long_frequencies"));
        EXPECT_EQ(s.long_magnitude, s.magnitude);
    }
    EXPECT_EQ(num_long, 4);

    // The same in the spelling of v4, with the length beside the dictionary.
    json const& row = golden.at("cases").at(10);
    json fields = {
        {"rope_scaling", row.at("rope_parameters")}, {"rope_theta", 1e4}, {"original_max_position_embeddings", 64}};
    fields["rope_scaling"].erase("rope_theta");
    fields["rope_scaling"].erase("original_max_position_embeddings");
    fields["rope_scaling"]["type"] = fields["rope_scaling"]["rope_type"];
    fields["rope_scaling"].erase("rope_type");
    EXPECT_EQ(read(fields).rope_scaling, read(row).rope_scaling);
}

json longrope() {
    return {{"rope_type", "longrope"},     {"short_factor", {1, 2, 3, 4}},
            {"long_factor", {5, 6, 7, 8}}, {"original_max_position_embeddings", 4},
            {"short_mscale", 1.5},         {"long_mscale", 2}};
}

TEST(RopeFields, AFamilysOwnMagnitudesTakeThePlaceOfLongropes) {
    RopeFields family{all_types, true};
    ModelConfig config = read({{"rope_parameters", longrope()}}, family, 8);
    EXPECT_EQ(config.rope_scaling.magnitude, 1.5);
    EXPECT_EQ(config.rope_scaling.long_magnitude, 2);
    EXPECT_EQ(config.rope_scaling.long_factors, (std::vector<double>{5, 6, 7, 8}));
    family.ignores_long_factors = true;
    EXPECT_EQ(read({{"rope_parameters", longrope()}}, family, 8).rope_scaling.long_factors,
              (std::vector<double>{1, 2, 3, 4}));
}

TEST(RopeFields, WhatIsWrongIsRefusedByName) {
    auto const refused = [](json const& rope, std::vector<std::string_view> const& words, RopeFields const& family) {
        SCOPED_TRACE(rope.dump());
        expect_error([&] { read({{"rope_parameters", rope}}, family, 8); }, ExitCode::bad_data, words);
    };
    json const yarn = {{"rope_type", "yarn"}, {"factor", 4}, {"original_max_position_embeddings", 64}};
    auto const with = [](json base, std::string const& key, json const& value) {
        base[key] = value;
        return base;
    };
    auto const without = [](json base, std::string const& key) {
        base.erase(key);
        return base;
    };
    RopeFields const all{all_types}, phi{all_types, true};
    RopeType const two[] = {RopeType::plain, RopeType::yarn};
    refused(with(yarn, "rope_type", "dynamic"), {"rope_parameters.rope_type", "dynamic", "one of", "llama3"}, all);
    refused(longrope(), {"rope_type is \"longrope\"", "one of \"default\", \"yarn\""}, {two});
    refused(yarn, {"rope_type is \"yarn\"", "must be \"default\""}, {});
    refused(without(yarn, "factor"), {"rope_parameters.factor is missing"}, all);
    refused(with(yarn, "factor", 0), {"rope_parameters.factor is 0"}, all);
    refused(with(yarn, "truncate", 1), {"truncate"}, all);
    refused(with(yarn, "low_freq_factor", 1), {"rope_parameters.low_freq_factor asks"}, all);
    refused(with(yarn, "rope_theta", 1), {"rope_theta is 1", "yarn"}, all);
    refused(with(yarn, "original_max_position_embeddings", 0), {"original_max_position_embeddings is 0"}, all);
    refused(with({{"rope_type", "linear"}}, "factor", "2"), {"rope_parameters.factor", "number"}, all);
    refused({{"rope_type", "linear"}}, {"rope_parameters.factor is missing"}, all);
    refused({{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}},
            {"high_freq_factor", "low_freq_factor"}, all);
    refused(longrope(), {"long_mscale asks"}, all);
    refused(without(longrope(), "long_mscale"), {"rope_parameters.long_mscale is missing"}, phi);
    refused(with(longrope(), "short_factor", {1, 2, 3}), {"short_factor", "a list of 4 numbers"}, phi);
    refused(with(longrope(), "long_factor", {1, 2, 3, 0}), {"long_factor is 0"}, phi);
    refused(with(longrope(), "original_max_position_embeddings", 1), {"original_max_position_embeddings"}, phi);
    expect_error(
        [&] {
            read({{"rope_parameters", yarn}, {"rope_scaling", with(yarn, "factor", 5)}});
        },
        ExitCode::bad_data, {"rope_parameters and rope_scaling differ"});
    expect_error(
        [&] {
            read({{"rope_parameters", yarn}, {"original_max_position_embeddings", 65}});
        },
        ExitCode::bad_data, {"original_max_position_embeddings", "differ"});
}

TEST(RotaryTable, ASequencesOwnLengthDecides) {
    RopeScaling scaling;
    scaling.type = RopeType::longrope;
    scaling.original_positions = 3;
    scaling.short_factors = {1, 2};
    scaling.long_factors = {3, 4};
    scaling.long_magnitude = 2;
    RotaryTable const table = make_rotary_table(5, 4, 1e4, at::kFloat, scaling);
    ASSERT_EQ(table.num_positions(), 5);
    EXPECT_NEAR(table.cos[2][1].item<double>(), std::cos(2 * 0.01 / 2), 1e-6);
    EXPECT_NEAR(table.sin[5 + 2][0].item<double>(), 2 * std::sin(2 / 3.0), 1e-6);
    at::Tensor const positions = at::tensor(std::vector<std::int64_t>{0, 1, 2, 0, 1, 2, 3}, at::kLong);
    std::vector<std::int64_t> const offsets = {0, 3, 7};
    auto const rows = rotary_rows(table, positions, offsets);
    EXPECT_TRUE(at::equal(rows, at::tensor(std::vector<std::int64_t>{0, 1, 2, 5, 6, 7, 8}, at::kLong))) << rows;
    auto const last = rotary_rows_of_last(table, at::tensor(std::vector<std::int64_t>{2, 3}, at::kLong));
    EXPECT_TRUE(at::equal(last, at::tensor(std::vector<std::int64_t>{2, 8}, at::kLong))) << last;
    // No longer sequence comes: one set of rows, and the same one.
    RotaryTable const small = make_rotary_table(3, 4, 1e4, at::kFloat, scaling);
    EXPECT_FALSE(small.long_above.has_value());
    EXPECT_TRUE(at::equal(small.cos, table.cos.slice(0, 0, 3)));
    EXPECT_TRUE(rotary_rows(small, positions, offsets).is_same(positions));
}

}  // namespace
}  // namespace gatesweep
