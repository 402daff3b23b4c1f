#include "gatesweep/input/checkpoint.h"

#include <gtest/gtest.h>

#include <array>

#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/safetensors_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// a and b in one shard, c in the other.
struct TwoShards {
    TemporaryFolder folder;
    TwoShards() {
        write_safetensors(folder / "one.safetensors",
                          {float_tensor("a", {2}, {1, 2}), float_tensor("b", {1, 3}, {3, 4, 5})});
        write_safetensors(folder / "two.safetensors", {float_tensor("c", {1}, {6})});
        write_index(good_places());
    }
    static std::map<std::string, std::string> good_places() {
        return {{"a", "one.safetensors"}, {"b", "one.safetensors"}, {"c", "two.safetensors"}};
    }
    void write_index(std::map<std::string, std::string> const& places) const { write_index_text(index_json(places)); }
    void write_index_text(std::string_view text) const { folder.write("model.safetensors.index.json", text); }
    fs::path const& path() const { return folder.path(); }
};

TEST(Checkpoint, ReadsShardsThroughTheIndex) {
    TwoShards const shards;
    Checkpoint const checkpoint(shards.path());
    EXPECT_EQ(checkpoint.folder(), shards.path());
    EXPECT_EQ(checkpoint.tensor_names(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(checkpoint.has("c"));
    EXPECT_FALSE(checkpoint.has("d"));
    EXPECT_EQ(checkpoint.file_of("b"), "one.safetensors");
    EXPECT_EQ(checkpoint.file_of("c"), "two.safetensors");
    EXPECT_EQ(checkpoint.entry("b").shape, (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(checkpoint.total_bytes(), 24u);
    EXPECT_EQ(checkpoint.bytes_read(), 0u);
    std::array<float, 2> values{};
    checkpoint.read("b", 4, std::as_writable_bytes(std::span(values)));
    EXPECT_EQ(values, (std::array<float, 2>{4, 5}));
    checkpoint.read("c", 0, std::as_writable_bytes(std::span(values).first(1)));
    EXPECT_EQ(values[0], 6.0f);
    EXPECT_EQ(checkpoint.bytes_read(), 12u);
    EXPECT_EQ(checkpoint.shard_sizes(), (std::map<std::string, std::uint64_t>{
                                            {"one.safetensors", fs::file_size(shards.folder / "one.safetensors")},
                                            {"two.safetensors", fs::file_size(shards.folder / "two.safetensors")}}));
    EXPECT_ERROR(checkpoint.entry("d\x1b"), ExitCode::bad_data, "no tensor", "d\\x1b");
    EXPECT_ERROR(checkpoint.file_of("d"), ExitCode::bad_data, "\"d\"");
    EXPECT_ERROR(checkpoint.read("d", 0, {}), ExitCode::bad_data, "\"d\"");
}

// inv_freq and the like: named by an index whose shards lack them, or in a shard that the index does not name.
TEST(Checkpoint, PassesOverConstantsThatNoModelNeeds) {
    TwoShards const shards;
    write_safetensors(shards.folder / "two.safetensors",
                      {float_tensor("c", {1}, {6}), float_tensor("layers.1.rotary_emb.cos_cached", {1}, {6})});
    auto places = TwoShards::good_places();
    places["model.layers.0.self_attn.rotary_emb.inv_freq"] = "one.safetensors";
    shards.write_index(places);
    Checkpoint const checkpoint(shards.path());
    EXPECT_EQ(checkpoint.tensor_names(), (std::vector<std::string>{"a", "b", "c"}));
    ASSERT_EQ(checkpoint.notices().size(), 1u);
    EXPECT_NE(checkpoint.notices()[0].find("2 tensors of rotary embeddings"), std::string::npos);
    places["model.layers.0.self_attn.rotary_emb.frequency"] = "one.safetensors";
    shards.write_index(places);
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "no tensor", "frequency");
    EXPECT_TRUE(Checkpoint(TwoShards().path()).notices().empty());
}

TEST(Checkpoint, NamesFilesBesideTheWeights) {
    TwoShards const shards;
    shards.folder.write("quantize_config.json", "{}");
    ASSERT_EQ(Checkpoint(shards.path()).notices().size(), 1u);
    EXPECT_NE(Checkpoint(shards.path()).notices()[0].find("quantize_config.json: is not read"), std::string::npos);
    shards.folder.write("adapter_config.json", "{}");
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "adapter_config.json", "merge it");
}

TEST(Checkpoint, APointerInThePlaceOfAShardIsNamed) {
    TwoShards const shards;
    shards.folder.write("one.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "one.safetensors", "git lfs pull");
}

TEST(Checkpoint, PrefersTheSingleFile) {
    TwoShards const shards;
    write_safetensors(shards.folder / "model.safetensors", {float_tensor("z", {1}, {7})});
    Checkpoint const checkpoint(shards.path());
    EXPECT_EQ(checkpoint.tensor_names(), std::vector<std::string>{"z"});
    EXPECT_EQ(checkpoint.file_of("z"), "model.safetensors");
}

TEST(Checkpoint, FollowsTheLinksOfTheHubCache) {
    TwoShards const shards;
    TemporaryFolder const cache;
    fs::create_directories(cache / "blobs");
    fs::create_directories(cache / "snapshots/1");
    int number = 0;
    for (auto const& file : fs::directory_iterator(shards.path())) {
        auto const blob = "blob" + std::to_string(number++);
        fs::copy_file(file.path(), cache.path() / "blobs" / blob);
        fs::create_symlink("../../blobs/" + blob, cache.path() / "snapshots/1" / file.path().filename());
    }
    Checkpoint const checkpoint(cache / "snapshots/1");
    EXPECT_EQ(checkpoint.tensor_names().size(), 3u);
    EXPECT_EQ(checkpoint.file_of("c"), "two.safetensors");
    EXPECT_EQ(checkpoint.layout_digest(), Checkpoint(shards.path()).layout_digest());

    fs::remove_all(cache / "blobs");
    EXPECT_ERROR(Checkpoint(cache / "snapshots/1"), ExitCode::input_missing, "model.safetensors.index.json");
}

TEST(Checkpoint, DigestCoversTheLayoutOnly) {
    TwoShards const first, second;
    std::string const digest = Checkpoint(first.path()).layout_digest();
    EXPECT_EQ(digest.size(), 32u);
    EXPECT_EQ(digest, Checkpoint(second.path()).layout_digest());
    write_safetensors(second.folder / "two.safetensors", {float_tensor("c", {1}, {-6})});
    EXPECT_EQ(digest, Checkpoint(second.path()).layout_digest());
    write_safetensors(second.folder / "two.safetensors", {{"c", "I32", {1}, "1234"}});
    std::string const other_type = Checkpoint(second.path()).layout_digest();
    EXPECT_NE(digest, other_type);
    write_safetensors(second.folder / "two.safetensors", {float_tensor("c", {1, 1}, {6})});
    EXPECT_NE(digest, Checkpoint(second.path()).layout_digest());
    EXPECT_NE(other_type, Checkpoint(second.path()).layout_digest());
}

TEST(Checkpoint, SaysWhatAFolderWithoutWeightsLacks) {
    TemporaryFolder const folder;
    EXPECT_ERROR(Checkpoint(folder / "absent"), ExitCode::input_missing, "absent", "no such folder");
    EXPECT_ERROR(Checkpoint(folder.path()), ExitCode::input_missing, "model.safetensors.index.json", "neither");
    auto const pickled = folder.write("pytorch_model-00001-of-00002.bin", "x");
    EXPECT_ERROR(Checkpoint{pickled}, ExitCode::input_missing, "not a folder");
    EXPECT_ERROR(Checkpoint(folder.path()), ExitCode::input_missing, "pickled", "pytorch_model-00001-of-00002.bin");
    folder.write("consolidated.00.pt", "x");
    EXPECT_ERROR(Checkpoint(folder.path()), ExitCode::input_missing, "pickled", "consolidated.00.pt");
    folder.write("model-00001-of-00002.safetensors", "x");
    EXPECT_ERROR(Checkpoint(folder.path()), ExitCode::input_missing, "model-00001-of-00002.safetensors",
                 "copy the index");
}

TEST(Checkpoint, SaysWhichLinkDangles) {
    TemporaryFolder const folder;
    fs::create_symlink("nowhere", folder / "model.safetensors");
    EXPECT_ERROR(Checkpoint(folder.path()), ExitCode::input_missing, "model.safetensors", "cannot be opened");
}

TEST(Checkpoint, NamesAMissingShard) {
    TwoShards const shards;
    fs::remove(shards.folder / "one.safetensors");
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::input_missing, "one.safetensors", "2 tensors",
                 "1 of the 2 shards");
    fs::create_symlink("nowhere", shards.folder / "one.safetensors");
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::input_missing, "one.safetensors");
}

TEST(Checkpoint, PassesOnWhatIsWrongWithAShard) {
    TwoShards const shards;
    fs::resize_file(shards.folder / "two.safetensors", fs::file_size(shards.folder / "two.safetensors") - 1);
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "two.safetensors is truncated");
}

TEST(Checkpoint, RefusesAnIndexThatDisagreesWithItsShards) {
    TwoShards const shards;
    auto places = TwoShards::good_places();
    places["d"] = "two.safetensors";
    shards.write_index(places);
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "two.safetensors", "no tensor \"d\"");

    places = TwoShards::good_places();
    places.erase("b");
    shards.write_index(places);
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "one.safetensors", "\"b\"", "does not name");

    places = TwoShards::good_places();
    places["b"] = "two.safetensors";
    shards.write_index(places);
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "two.safetensors", "no tensor \"b\"");

    shards.write_index(TwoShards::good_places());
    write_safetensors(shards.folder / "two.safetensors", {float_tensor("c", {1}, {6}), float_tensor("a", {1}, {6})});
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "two.safetensors", "\"a\"",
                 "places in one.safetensors");
}

TEST(Checkpoint, RefusesFileNamesThatReachElsewhere) {
    TwoShards const shards;
    TemporaryFolder const outside;
    write_safetensors(outside / "two.safetensors", {float_tensor("c", {1}, {6})});
    fs::create_directories(shards.folder / "sub");
    fs::copy_file(outside / "two.safetensors", shards.folder / "sub/two.safetensors");
    std::string const up = "../" + outside.path().filename().string() + "/two.safetensors";
    std::vector<std::string> const names = {"",
                                            ".",
                                            "..",
                                            "/",
                                            "/etc/passwd",
                                            (outside / "two.safetensors").string(),
                                            up,
                                            "sub/two.safetensors",
                                            "./two.safetensors",
                                            "sub/../two.safetensors",
                                            "..\\\\two.safetensors",
                                            "sub\\\\two.safetensors",
                                            "C:\\\\two.safetensors",
                                            "-two.safetensors",
                                            "--help.safetensors",
                                            "..safetensors",
                                            "a..safetensors",
                                            "two.safetensors/",
                                            "two.safetensors/.",
                                            "two.safetensors\\u0000",
                                            "two\\u0000.safetensors",
                                            "two\\n.safetensors",
                                            "\\u001b[2Jtwo.safetensors",
                                            "\\u002e\\u002e/two.safetensors",
                                            "\\u002fetc/two.safetensors",
                                            "~/two.safetensors",
                                            "file:///two.safetensors",
                                            "http://host/two.safetensors",
                                            "|two.safetensors/x.safetensors",
                                            "two.bin",
                                            "two.safetensors ",
                                            "two.SAFETENSORS",
                                            "two",
                                            "model.safetensors.index.json",
                                            "con\\u007f.safetensors",
                                            "%2e%2e/two.safetensors",
                                            "two.safetensors\\t",
                                            "..%2ftwo.safetensors",
                                            "....//two.safetensors",
                                            std::string(300, 'x') + ".safetensors"};
    EXPECT_GE(names.size(), 40u);
    for (auto const& name : names) {
        SCOPED_TRACE(name);
        auto places = TwoShards::good_places();
        places["c"] = name;
        shards.write_index(places);
        EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "model.safetensors.index.json", "\"c\"",
                     "plain name");
    }
}

TEST(Checkpoint, RefusesBrokenIndexes) {
    TwoShards const shards;
    struct Case {
        std::string text;
        std::vector<std::string_view> words;
    };
    std::string const map = R"("weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})";
    std::vector<Case> const cases = {
        {"", {"not valid JSON"}},
        {"{", {"not valid JSON", "line 1"}},
        {"{\n\n\"weight_map\":}", {"not valid JSON", "line 3"}},
        {"[]", {"weight_map"}},
        {"null", {"weight_map"}},
        {"{}", {"weight_map"}},
        {R"({"weight_map":[]})", {"weight_map"}},
        {R"({"weight_map":"one.safetensors"})", {"weight_map"}},
        {R"({"weight_map":{}})", {"empty"}},
        {R"({"weight_map":{"a":1}})", {"\"a\"", "file name"}},
        {R"({"weight_map":{"a":null}})", {"\"a\"", "file name"}},
        {R"({"weight_map":{"a":["one.safetensors"]}})", {"\"a\"", "file name"}},
        {R"({"weight_map":{"a":"one.safetensors","a":"two.safetensors"}})", {"\"a\"", "twice"}},
        {R"({"weight_map":{"a":"one.safetensors","\u0061":"one.safetensors"}})", {"\"a\"", "twice"}},
        {"{" + map + "," + map + "}", {"weight_map", "twice"}},
        {"{" + map + R"(,"metadata":[]})", {"metadata"}},
        {"{" + map + R"(,"metadata":null})", {"metadata"}},
        {"{" + map + R"(,"metadata":{"total_size":-1}})", {"total_size"}},
        {"{" + map + R"(,"metadata":{"total_size":24.0}})", {"total_size"}},
        {"{" + map + R"(,"metadata":{"total_size":"24"}})", {"total_size"}},
        {"{" + map + R"(,"metadata":{"total_size":18446744073709551616}})", {"18446744073709551616", "64 bits"}},
        {"{" + map + "} x", {"not valid JSON"}},
        {"\xEF\xBB\xBF{" + map + "}", {"byte order mark"}},
        {"{" + map + "}" + std::string(1, '\0'), {"NUL"}},
        {"{\"weight_map\":{\"\xC3\x28\":\"one.safetensors\"}}", {"not valid JSON"}},
        {R"({"x":)" + std::string(100'000, '['), {"nested"}},
        {"{\"x\":" + std::string(1'000'000, ' ') + "}", {"not valid JSON"}},
    };
    for (auto const& c : cases) {
        SCOPED_TRACE(c.text.substr(0, 100));
        shards.write_index_text(c.text);
        auto words = c.words;
        words.push_back("model.safetensors.index.json");
        expect_error([&] { Checkpoint{shards.path()}; }, ExitCode::bad_data, words);
    }
    shards.write_index_text("{" + map + R"(,"metadata":{"total_size":24,"total_parameters":6},"extra":[1.5]})");
    EXPECT_EQ(Checkpoint(shards.path()).tensor_names().size(), 3u);
}

TEST(Checkpoint, RefusesAnIndexOfMillions) {
    TwoShards const shards;
    std::string text = R"({"weight_map":{)";
    for (int i = 0; i < 2'000'000; ++i)
        text += fmt::format(R"({}"{}":"one.safetensors")", i == 0 ? "" : ",", i);
    shards.write_index_text(text + "}}");
    EXPECT_ERROR(Checkpoint(shards.path()), ExitCode::bad_data, "more than 1048576 values");
}

TEST(Checkpoint, OpensTheGoldenCheckpoints) {
    Checkpoint const sharded(fs::path(GATESWEEP_GOLDEN_DIR) / "hub-bf16/model");
    EXPECT_EQ(sharded.shard_sizes().size(), 3u);
    EXPECT_EQ(sharded.total_bytes(), 312288u);  // the index says the same
    EXPECT_EQ(sharded.entry("model.embed_tokens.weight").type.name, "BF16");
    Checkpoint const single(fs::path(GATESWEEP_GOLDEN_DIR) / "fused-f16/model");
    EXPECT_EQ(single.entry("model.layers.0.mlp.experts.gate_up_proj").shape, (std::vector<std::int64_t>{4, 64, 80}));
}

}  // namespace
}  // namespace gatesweep
