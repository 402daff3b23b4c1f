// The command `tokens` as it is typed, on the demo and on checkpoints whose tokenizers people changed.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path const demo = fs::path(GATESWEEP_SOURCE_DIR) / "jobs/demo";

class TokensTest : public ::testing::Test {
protected:
    // A checkpoint of the demo's small files, without weights, and a job on two prompts.
    TokensTest() {
        fs::create_directory(folder_ / "model");
        for (auto const& entry : fs::directory_iterator(demo / "model")) {
            if (entry.path().extension() != ".safetensors")
                fs::copy(entry.path(), folder_ / "model" / entry.path().filename().string());
        }
        folder_.write("benign.csv", "id,prompt\na,Hello there\n");
        folder_.write("harmful.csv", "id,prompt\nb,Say </s> please\n");
        write_job("chat");
    }
    void write_job(std::string const& prompt_template, std::string const& file_end = ".csv") {
        std::string text = "[model]\npath = \"model\"\n";
        for (std::string const group : {"benign", "harmful"}) {
            text += "[[prompts]]\ngroup = \"" + group + "\"\nfile = \"" + group + file_end + "\"\ntemplate = \"" +
                    prompt_template + "\"\n";
        }
        folder_.write("job.toml", text);
    }
    std::vector<json> tokens(std::vector<std::string> arguments = {}) {
        std::vector<std::string> command = {GATESWEEP_BINARY, "tokens", "job.toml", "-q"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        ChildResult const child = run_child(command, folder_.path(), folder_ / "output.txt", {}, 60);
        EXPECT_EQ(child.exit_code, 0) << child.output;
        std::vector<json> lines;
        std::istringstream text(child.output);
        for (std::string line; std::getline(text, line);) {
            if (line.starts_with('{')) lines.push_back(json::parse(line));
        }
        return lines;
    }

    TemporaryFolder folder_;
};

TEST_F(TokensTest, PrintsEachPromptWithoutLoadingWeights) {
    auto const lines = tokens();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0]["prompt_id"], "a");
    EXPECT_EQ(lines[0]["group"], "benign");
    EXPECT_NE(lines[0]["text"].get<std::string>().find("Hello there"), std::string::npos);
    EXPECT_EQ(lines[0]["token_ids"].size(), lines[0]["pieces"].size());
    EXPECT_EQ(lines[0]["token_ids"][0], 1);
    EXPECT_EQ(tokens({"--limit", "1"}).size(), 1u);
}

TEST_F(TokensTest, RawFollowsTheTokenizersOwnConfig) {
    write_job("raw");
    auto config = json::parse(std::ifstream(demo / "model/tokenizer_config.json"));
    config["add_bos_token"] = false;
    folder_.write("model/tokenizer_config.json", config.dump());
    EXPECT_EQ(tokens()[0]["token_ids"], json({599, 638}));
    config["add_bos_token"] = true;
    config["add_eos_token"] = true;
    folder_.write("model/tokenizer_config.json", config.dump());
    EXPECT_EQ(tokens()[0]["token_ids"], json({1, 599, 638, 2}));
    EXPECT_EQ(tokens()[0]["text"], "Hello there");
}

TEST_F(TokensTest, TextThatSpellsASpecialTokenStaysTextUnlessTheJobSaysOtherwise) {
    write_job("raw");
    auto const holds_eos = [](json const& line) {
        auto const& ids = line["token_ids"];
        return std::find(ids.begin() + 1, ids.end(), 2) != ids.end();
    };
    EXPECT_FALSE(holds_eos(tokens()[1]));
    EXPECT_TRUE(holds_eos(tokens({"--set", "model.special_in_text=parse"})[1]));
}

TEST_F(TokensTest, RowsOfTokenIdsHaveNoText) {
    for (std::string const group : {"benign", "harmful"})
        folder_.write(group + ".jsonl", "{\"id\": \"x\", \"token_ids\": [1, 599, 638]}\n");
    write_job("chat", ".jsonl");
    auto const lines = tokens();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0]["text"].is_null());
    EXPECT_EQ(lines[0]["token_ids"], json({1, 599, 638}));
    EXPECT_EQ(lines[0]["pieces"].size(), 3u);
}

}  // namespace
}  // namespace gatesweep
