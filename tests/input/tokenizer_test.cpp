#include "gatesweep/input/tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "input/expect_says.h"
#include "input/golden_input.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

std::string refusal(fs::path const& file, ExitCode code) {
    testing::internal::CaptureStderr();
    std::string message;
    try {
        Tokenizer const ignored(file);
        ADD_FAILURE() << "accepted " << file;
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), code) << error.what();
        message = error.what();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");  // the library's own complaints stay inside
    return message;
}

Tokenizer golden_tokenizer() {
    return Tokenizer(golden_model("hub-bf16") / "tokenizer.model");
}

TEST(Tokenizer, knows_its_vocabulary) {
    Tokenizer const tokenizer = golden_tokenizer();
    EXPECT_EQ(tokenizer.vocab_size(), 512);
    EXPECT_EQ(tokenizer.bos_id(), 1);
    EXPECT_EQ(tokenizer.eos_id(), 2);
    ASSERT_EQ(tokenizer.control_pieces().size(), 2u);
    EXPECT_EQ(tokenizer.control_pieces()[0].text, "<s>");
    EXPECT_EQ(tokenizer.control_pieces()[1].id, 2);
}

TEST(Tokenizer, control_pieces_in_a_text_stay_text) {
    Tokenizer const tokenizer = golden_tokenizer();
    for (std::string const text : {"<s>", "</s>", "a</s><s>b"}) {
        Ids const ids = tokenizer.encode(text);
        EXPECT_EQ(std::count(ids.begin(), ids.end(), 1), 0);
        EXPECT_EQ(std::count(ids.begin(), ids.end(), 2), 0);
        EXPECT_EQ(tokenizer.decode(ids), text);
    }
}

TEST(Tokenizer, every_text_comes_back) {
    Tokenizer const tokenizer = golden_tokenizer();
    EXPECT_TRUE(tokenizer.encode("").empty());
    for (std::string const& text : std::vector<std::string>{"Hello", " two  words ", "line\r\n\ttab", "😀 图书馆 مكتبة",
                                                            std::string("a\0b", 3), " "}) {
        EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
    }
    EXPECT_EQ(tokenizer.decode(Ids{}), "");
}

TEST(Tokenizer, decoding_drops_control_pieces_and_marks_broken_bytes) {
    Tokenizer const tokenizer = golden_tokenizer();
    Ids ids = tokenizer.encode("river");
    ids.insert(ids.begin(), 1);
    ids.push_back(2);
    EXPECT_EQ(tokenizer.decode(ids), "river");
    EXPECT_EQ(tokenizer.decode(Ids{3 + 0xFF, 3 + 'A'}),
              "\xEF\xBF\xBD"
              "A");  // ids 3 to 258 are bytes
}

TEST(Tokenizer, ids_outside_the_vocabulary_show) {
    Tokenizer const tokenizer = golden_tokenizer();
    Ids const river = tokenizer.encode("river");
    for (std::int32_t const id : {-1, 512, INT32_MAX, INT32_MIN}) {
        EXPECT_FALSE(tokenizer.knows(id));
        Ids ids = river;
        ids.push_back(id);
        EXPECT_EQ(tokenizer.decode(ids), "river\xEF\xBF\xBD");
        ids.insert(ids.end(), river.begin(), river.end());
        EXPECT_EQ(tokenizer.decode(ids), "river\xEF\xBF\xBDriver");
    }
    EXPECT_TRUE(tokenizer.knows(0) && tokenizer.knows(511));
}

TEST(Tokenizer, a_very_long_text_is_encoded) {
    Tokenizer const tokenizer = golden_tokenizer();
    std::string text;
    while (text.size() < 2'000'000)
        text += "The river runs past the old mill. ";
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

TEST(Tokenizer, missing_files_are_named) {
    TemporaryFolder const folder;
    EXPECT_SAYS(refusal(folder.path() / "tokenizer.model", ExitCode::input_missing), "tokenizer.model");
    folder.write("tokenizer.json", "{}");
    EXPECT_SAYS(refusal(folder.path() / "tokenizer.model", ExitCode::input_missing), "only tokenizer.json");
}

TEST(Tokenizer, what_is_no_model_is_refused) {
    TemporaryFolder const folder;
    EXPECT_SAYS(refusal(folder.write("tokenizer.model", ""), ExitCode::bad_data), "not a SentencePiece model");
    EXPECT_SAYS(
        refusal(folder.write("tokenizer.model", "version https://git-lfs.github.com/spec/v1\n"), ExitCode::bad_data),
        "SentencePiece");
    EXPECT_SAYS(refusal(folder.write("tokenizer.model", std::string(1000, '\xFF')), ExitCode::bad_data),
                "SentencePiece");
}

// SentencePiece says this one by an exception.
TEST(Tokenizer, a_piece_that_begins_with_nul_is_refused) {
    TemporaryFolder const folder;
    auto const piece = [](std::string const& text, char type) {
        std::string const body = "\x0A" + std::string(1, static_cast<char>(text.size())) + text + "\x18" + type;
        return "\x0A" + std::string(1, static_cast<char>(body.size())) + body;
    };
    std::string const control = piece("<unk>", 2) + piece("<s>", 3) + piece("</s>", 3);
    EXPECT_EQ(Tokenizer(folder.write("good.model", control + piece("xy", 1))).vocab_size(), 4);
    std::string const message =
        refusal(folder.write("bad.model", control + piece(std::string("\0y", 2), 1)), ExitCode::bad_data);
    EXPECT_SAYS(message, "bad.model");
    EXPECT_SAYS(message, "not a SentencePiece model");
}

// Whatever the bytes: a tokenizer that works, or an Error.
TEST(Tokenizer, damaged_models_never_do_worse_than_an_error) {
    TemporaryFolder const folder;
    std::string const whole = read_file(golden_model("hub-bf16") / "tokenizer.model");
    std::uint64_t state = 3;
    auto const random = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
    int refused = 0;
    testing::internal::CaptureStderr();
    for (int i = 0; i < 400; ++i) {
        std::string bytes = whole;
        if (i % 4 == 0) bytes.resize(random() % bytes.size());
        for (int change = 0; change < 1 + i % 3 && !bytes.empty(); ++change) {
            bytes[(i % 2 ? bytes.size() - 1 - random() % std::min<std::size_t>(400, bytes.size())
                         : random() % bytes.size())] = static_cast<char>(random());
        }
        try {
            Tokenizer const tokenizer(folder.write("tokenizer.model", bytes));
            tokenizer.decode(tokenizer.encode("The river, 123 <s> \xF0\x9F\x98\x80"));
        } catch (Error const&) {
            ++refused;
        }
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace gatesweep
