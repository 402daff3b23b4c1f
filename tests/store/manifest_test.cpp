#include "gatesweep/store/manifest.h"

#include <gtest/gtest.h>

#include <random>

#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

Manifest example() {
    Manifest manifest;
    manifest.version = "0.1.0";
    manifest.build = "abc Release GNU";
    manifest.versions = {{"mpi", "4.1"}, {"libtorch", "2.11"}};
    manifest.host = "node17";
    manifest.command = {"gatesweep", "run", "job \"x\".toml", "--set", "a=\xc3\xa9"};
    manifest.job = "[model]\npath = \"/m\"\n";
    manifest.job_digest = "j";
    manifest.prompts_digest = "p";
    manifest.weights_digest = "w";
    manifest.tokenization = "mistral";
    manifest.plan_digest = "t";
    manifest.numerics_id = "n";
    manifest.family = "qwen3_moe";
    manifest.moe_layers = {1, 3};
    manifest.layout = {4, 2, 2, 8, "cuda", "bfloat16", {10, 12, 10, 12}, {std::int64_t{1} << 40, 0, 7, 8}};
    manifest.determinism = {"any layout", 4, 3, 1000, 20, 1};
    manifest.attempts = {{"2026-11-03T09:30:00Z", "", "node17", 4, ""},
                         {"2026-11-03T09:40:00Z", "2026-11-03T09:50:00Z", "node18", 2, "complete"}};
    manifest.files = {{"tables/layers.csv", std::string(64, 'a')}, {"arrays/x.npy", std::string(64, '0')}};
    manifest.started = "2026-11-03T09:30:00Z";
    manifest.finished = "2026-11-03T09:50:00Z";
    return manifest;
}

std::string replaced(std::string text, std::string const& what, std::string const& with) {
    auto const at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(Manifest, ComesBackWhole) {
    Manifest const manifest = example();
    std::string const text = to_json(manifest);
    Manifest const back = parse_manifest(text, "manifest.json");
    EXPECT_EQ(to_json(back), text);
    EXPECT_EQ(back.command, manifest.command);
    EXPECT_EQ(back.files, manifest.files);
    EXPECT_EQ(back.versions, manifest.versions);
    EXPECT_EQ(back.job, manifest.job);
    ASSERT_EQ(back.attempts.size(), 2u);
    EXPECT_EQ(back.attempts[1].outcome, "complete");
    EXPECT_EQ(back.layout.threads, 8);
    EXPECT_EQ(back.family, "qwen3_moe");
    EXPECT_EQ(back.moe_layers, (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(back.determinism.level, "any layout");
    EXPECT_EQ(back.determinism.near_float32, 1);
    EXPECT_EQ(back.layout.bytes_read, manifest.layout.bytes_read);
    EXPECT_EQ(back.layout.peak_memory, manifest.layout.peak_memory);
    EXPECT_EQ(back.weights_digest, "w");
    EXPECT_EQ(back.tokenization, "mistral");
    EXPECT_EQ(back.plan_digest, "t");
    EXPECT_TRUE(text.starts_with("{\n  \"schema_version\": 1,\n  \"tool\": \"gatesweep\",")) << text;
}

TEST(Manifest, NamesAnAdapterWhereThereIsOne) {
    EXPECT_EQ(to_json(example()).find("adapter"), std::string::npos);
    EXPECT_FALSE(parse_manifest(to_json(example()), "m").adapter);
    Manifest manifest = example();
    manifest.adapter = ManifestAdapter{"/a", {{"adapter_config.json", std::string(64, 'c')}}};
    Manifest const back = parse_manifest(to_json(manifest), "m");
    ASSERT_TRUE(back.adapter);
    EXPECT_EQ(back.adapter->folder, "/a");
    EXPECT_EQ(back.adapter->files, manifest.adapter->files);
    EXPECT_ERROR(parse_manifest(replaced(to_json(manifest), "\"folder\"", "\"place\""), "m"), ExitCode::bad_data,
                 "no folder");
}

TEST(Manifest, OlderOnesSayNothingOfBytes) {
    std::string const text = replaced(to_json(example()), "\"bytes_read\"", "\"bytes\"");
    EXPECT_TRUE(parse_manifest(text, "m").layout.bytes_read.empty());
}

TEST(Manifest, BytesThatAreNotTextAreReplaced) {
    Manifest manifest = example();
    manifest.command = {"\xff\xfe"};
    EXPECT_EQ(parse_manifest(to_json(manifest), "m").command[0], "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Manifest, RefusesNonsense) {
    std::string const good = to_json(example());
    struct Case {
        std::string text, says;
    };
    for (Case const& c : std::vector<Case>{
             {"", "not JSON"},
             {good.substr(0, good.size() / 2), "not JSON"},
             {"[]", "no object around schema_version"},
             {"{}", "no schema_version"},
             {replaced(good, "\"schema_version\": 1", "\"schema_version\": 2"), "schema version 2"},
             {replaced(good, "\"schema_version\": 1", "\"schema_version\": 1.5"), "schema_version is not a count"},
             {replaced(good, "\"schema_version\": 1", "\"schema_version\": 18446744073709551617"),
              "schema_version is not a count"},
             {replaced(good, "\"tool\": \"gatesweep\"", "\"tool\": \"other\""), "made by other"},
             {replaced(good, "\"threads\": 8", "\"threads\": -8"), "threads is not a count"},
             {replaced(good, "\"threads\": 8", "\"thread\": 8"), "no threads"},
             {replaced(good, "1099511627776", "-1"), "peak_memory is not a list of sizes"},
             {replaced(good, "1099511627776", "1e99"), "peak_memory is not a list of sizes"},
             {replaced(good, "\"host\": \"node17\"", "\"host\": 17"), "host is not a text"},
             {replaced(good, "\"host\": \"node17\"", "\"tool\": \"gatesweep\""), "key tool appears twice"},
             {replaced(good, std::string(64, 'a'), std::string(63, 'a')), "not a sha256"},
             {replaced(good, "tables/layers.csv", "../layers.csv"), "outside the folder"},
             {replaced(good, "tables/layers.csv", "/etc/passwd"), "outside the folder"},
             {replaced(good, "\"outcome\": \"complete\"", "\"outcome\": {\"a\": {\"b\": {}}}"), "nested too deeply"},
             {"{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", "nested too deeply"},
         }) {
        EXPECT_ERROR(parse_manifest(c.text, "run/manifest.json"), ExitCode::bad_data, c.says, "run/manifest.json");
    }
}

TEST(Manifest, IgnoresKeysOfLaterVersions) {
    std::string const text = replaced(to_json(example()), "\"tool\":", "\"more\": [1, {\"x\": null}],\n  \"tool\":");
    EXPECT_EQ(parse_manifest(text, "m").host, "node17");
}

TEST(Manifest, DamageNeverEscapesAsAnotherError) {
    std::string const good = to_json(example());
    std::mt19937 random(5);
    for (int trial = 0; trial < 5000; ++trial) {
        std::string text = good;
        for (int i = 0; i < 3; ++i)
            text[random() % text.size()] = static_cast<char>(random());
        try {
            parse_manifest(text, "m");
        } catch (Error const& error) {
            EXPECT_EQ(error.code(), ExitCode::bad_data);
        }
    }
}

TEST(Manifest, ReadsFromAFolder) {
    TemporaryFolder const scratch;
    EXPECT_ERROR(read_manifest(scratch.path()), ExitCode::input_missing);
    write_file_atomically(scratch.path() / "manifest.json", to_json(example()));
    EXPECT_EQ(read_manifest(scratch.path()).numerics_id, "n");
}

TEST(UtcNow, IsATime) {
    std::string const now = utc_now();
    ASSERT_EQ(now.size(), 20u) << now;
    EXPECT_EQ(now[10], 'T');
    EXPECT_EQ(now.back(), 'Z');
    EXPECT_GT(now, "2026-01-01T00:00:00Z");
}

}  // namespace
}  // namespace gatesweep
