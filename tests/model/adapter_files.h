// A small adapter in files of its own, to be damaged, and what adapters that are the same have in common.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/file.h"
#include "gatesweep/model/adapter_files.h"
#include "model/small_config.h"
#include "support/expect_error.h"
#include "support/safetensors_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {

inline void expect_equal(Adapter const& adapter, Adapter const& expected) {
    EXPECT_EQ(adapter.rank, expected.rank);
    EXPECT_EQ(adapter.alpha, expected.alpha);
    ASSERT_EQ(adapter.pairs.size(), expected.pairs.size());
    for (auto const& [place, pair] : expected.pairs) {
        ASSERT_TRUE(adapter.pairs.contains(place)) << place.layer << " " << place.expert;
        EXPECT_TRUE(adapter.pairs.at(place).a.equal(pair.a));
        EXPECT_TRUE(adapter.pairs.at(place).b.equal(pair.b));
        EXPECT_EQ(adapter.scale_of(adapter.pairs.at(place)), expected.scale_of(pair));
    }
}

// A small Mixtral: hidden 32, experts of 16, 3 of them.
class AdapterFiles : public testing::Test {
protected:
    AdapterFiles() : config_(small_config()) {
        at::Tensor const a = at::arange(64, at::kFloat).view({2, 32}) / 64,
                         b = at::arange(32, at::kFloat).view({16, 2});
        adapter_.rank = 2;
        adapter_.alpha = 4;
        adapter_.pairs[{1, 2, AdaptedMatrix::w1}] = {a, b + 1};
        adapter_.pairs[{1, 2, AdaptedMatrix::w2}] = {(b + 1).t().contiguous(), a.t().contiguous()};
        adapter_.pairs[{0, -1, AdaptedMatrix::o_proj}] = {at::ones({2, 48}), at::ones({32, 2})};
        write_adapter(folder_.path(), adapter_, config_);
        fields_ = nlohmann::json::parse(read_file(folder_ / adapter_config_name));
    }
    Adapter read() const { return read_adapter(folder_.path(), config_); }
    void change(std::string const& field, nlohmann::json const& value) {
        nlohmann::json fields = fields_;
        fields[field] = value;
        folder_.write(adapter_config_name, fields.dump());
    }
    void expect_refused(std::string const& field, nlohmann::json const& value) {
        change(field, value);
        SCOPED_TRACE(field + " " + value.dump());
        EXPECT_ERROR(read(), ExitCode::bad_data, adapter_config_name, field);
    }
    // A file of these tensors, and refusing it with these words.
    void expect_refused(std::vector<TestTensor> const& tensors, std::vector<std::string_view> words) {
        write_safetensors(folder_ / adapter_weights_name, tensors);
        words.push_back(adapter_weights_name);
        expect_error([&] { read(); }, ExitCode::bad_data, words);
    }
    static TestTensor half(std::string const& module, char which, std::vector<std::int64_t> const& shape,
                           float value = 1.0F) {
        std::size_t const count = static_cast<std::size_t>(shape[0] * shape[1]);
        return float_tensor("base_model.model." + module + ".lora_" + which + ".weight", shape,
                            std::vector<float>(count, value));
    }
    static std::vector<TestTensor> pair(std::string const& module, std::int64_t out, std::int64_t in,
                                        std::int64_t rank = 2) {
        return {half(module, 'A', {rank, in}), half(module, 'B', {out, rank})};
    }

    ModelConfig config_;
    Adapter adapter_;
    TemporaryFolder folder_;
    nlohmann::json fields_;
    std::string const expert_ = "model.layers.1.block_sparse_moe.experts.2.w1";
};

}  // namespace gatesweep
