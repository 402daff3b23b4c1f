// Prompt files of every kind: what is read from them, and what is refused, with its row.
// Long: every part of its one subject stands here.
#include "gatesweep/input/prompts.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "input/gzip.h"
#include "input/prompts_test.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

std::string gzip(std::string_view text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::vector<std::string> contents(PromptSet const& set) {
    std::vector<std::string> out;
    for (auto const& prompt : set.prompts)
        out.push_back(prompt.messages.empty() ? "?" : prompt.messages[0].content);
    return out;
}

std::vector<std::string> ids(PromptSet const& set) {
    std::vector<std::string> out;
    for (auto const& prompt : set.prompts)
        out.push_back(prompt.id);
    return out;
}

// CSV

TEST_F(PromptsTest, csv_is_read_as_rfc_4180_says) {
    EXPECT_EQ(contents(load("a.csv", "id,prompt\n1,plain\n2,\"a, b\"\n3,\"two\nlines\"\n4,\"say \"\"hi\"\"\"\n")),
              (Texts{"plain", "a, b", "two\nlines", "say \"hi\""}));
    EXPECT_EQ(contents(load("a.csv", "\xEF\xBB\xBFprompt,id\r\na,1\r\n\"b\r\nc\",2\r\n")), (Texts{"a", "b\r\nc"}));
    EXPECT_EQ(contents(load("a.csv", "\xEF\xBB\xBF\"prompt\"\n x \n\"\"\"\"")), (Texts{" x ", "\""}));
    EXPECT_EQ(contents(load("a.csv", "prompt\ra\r\n\nb\n\r\nc")),
              (Texts{"a", "b", "c"}));  // a mix of line ends, blank lines
    EXPECT_EQ(contents(load("a.csv", "x,prompt,y\n,a,\n,b,")), (Texts{"a", "b"}));
}

TEST_F(PromptsTest, csv_errors_name_row_and_line) {
    EXPECT_SAYS(refuses("a.csv", "prompt\na\n\"b\nc\n"), "row 2, line 3: a quote that begins here has no end");
    EXPECT_SAYS(refuses("a.csv", "prompt\n\"a\nb\"\nc\"d\n"), "row 2, line 4: a quote inside");
    EXPECT_SAYS(refuses("a.csv", "prompt\n\"a\"b\n"), "row 1, line 2: text after a closing quote");
    EXPECT_SAYS(refuses("a.csv", "id,prompt\n1,a\n2,b,c\n"), "row 2, line 3: 3 fields where the header has 2");
    EXPECT_SAYS(refuses("a.csv", "id,prompt\n1\n"), "row 1, line 2: 1 fields");
    EXPECT_SAYS(refuses("a.csv", "\"prompt\n"), "header, line 1");
    EXPECT_SAYS(refuses("a.csv", ""), "is empty");
    EXPECT_SAYS(refuses("a.csv", "\xEF\xBB\xBF"), "is empty");
    EXPECT_SAYS(refuses("a.csv", "prompt\n"), "group \"benign\" is empty");
    EXPECT_SAYS(refuses("a.csv", "\n\n"), "group \"benign\" is empty");
}

// JSON

TEST_F(PromptsTest, json_lines_and_json_lists_are_read) {
    std::string const lines =
        "{\"id\": 7, \"prompt\": \"a\\u00e9\\n\", \"other\": {\"prompt\": [1, {}]}}\r\n\n  \n{\"prompt\": \"b\", "
        "\"id\": \"x\", \"n\": null}";
    EXPECT_EQ(contents(load("a.jsonl", lines)), (Texts{"aé\n", "b"}));
    EXPECT_EQ(ids(load("a.ndjson", "\xEF\xBB\xBF" + lines)), (Texts{"7", "x"}));
    std::string const list =
        "[{\"id\": -1.50, \"prompt\": \"a\"},\n {\"prompt\": \"b\", \"id\": true}, {\"id\": 18446744073709551615, "
        "\"prompt\": \"c\"}]\n";
    EXPECT_EQ(contents(load("a.json", list)), (Texts{"a", "b", "c"}));
    EXPECT_EQ(ids(load("a.json", "\xEF\xBB\xBF" + list)), (Texts{"-1.50", "true", "18446744073709551615"}));
    EXPECT_EQ(contents(load("a.jsonl", "{\"prompt\": \"first\", \"prompt\": \"last\"}")),
              (Texts{"last"}));  // as Python reads it
}

TEST_F(PromptsTest, rows_may_carry_ids_or_messages) {
    PromptSet const set =
        load("a.jsonl",
             "{\"token_ids\": [1, 5, 2147483647], \"prompt\": \"not used\"}\n"
             "{\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"name\": [\"x\"]}, {\"content\": \"b\", "
             "\"role\": \"assistant\"}, {\"role\": \"user\", \"content\": \"\"}]}\n"
             "{\"messages\": null, \"token_ids\": null, \"prompt\": \"p\"}\n");
    ASSERT_EQ(set.prompts.size(), 3u);
    EXPECT_EQ(set.prompts[0].token_ids, (Ids{1, 5, 2147483647}));
    EXPECT_TRUE(set.prompts[0].messages.empty());
    ASSERT_EQ(set.prompts[1].messages.size(), 3u);
    EXPECT_EQ(set.prompts[1].messages[1].role, "assistant");
    EXPECT_EQ(set.prompts[1].messages[1].content, "b");
    EXPECT_EQ(set.prompts[2].messages[0].content, "p");
    EXPECT_EQ(load("b.json", "[{\"token_ids\": [3, 4]}]").prompts[0].token_ids, (Ids{3, 4}));
}

TEST_F(PromptsTest, json_errors_name_the_row) {
    std::pair<std::string, std::string> const cases[] = {
        {"{\"prompt\": \"a\"}\n{\"prompt\": \"b\"\n", "row 2, line 2: not valid JSON"},
        {"{\"prompt\": \"a\"}\n\n{\"prompt\": \"b\"} x\n", "row 2, line 3: not valid JSON"},
        {"{\"prompt\": \"a\"}{}\n", "row 1, line 1: not valid JSON"},
        {"nonsense", "row 1, line 1"},
        {"{\"prompt\": \"\xFF\"}", "row 1, line 1: not valid JSON"},
        {"{\"prompt\": \"\\ud800\"}", "row 1, line 1: not valid JSON"},
        {std::string("{\"prompt\": \"\0\"}", 14), "row 1, line 1: not valid JSON"},
        {"[1]", "row 1, line 1: an entry is a list"},
        {"7", "row 1, line 1: an entry is no object"},
        {"{\"prompt\": \"a\"}\n{\"token_ids\": [1, 2.0]}", "row 2, line 2: token_ids is no list of whole numbers"},
        {"{\"token_ids\": [1, \"2\"]}", "token_ids is no list of whole numbers"},
        {"{\"token_ids\": [[1]]}", "token_ids is no list of whole numbers"},
        {"{\"token_ids\": [{}]}", "token_ids is no list of whole numbers"},
        {"{\"token_ids\": [-1]}", "-1 is no token id"},
        {"{\"token_ids\": [2147483648]}", "2147483648 is no token id"},
        {"{\"token_ids\": [99999999999999999999]}", "token_ids is no list"},
        {"{\"token_ids\": \"1 2\"}", "token_ids is no list"},
        {"{\"token_ids\": {}}", "token_ids is no list"},
        {"{\"token_ids\": []}", "token_ids is empty"},
        {"{\"messages\": []}", "messages is empty"},
        {"{\"messages\": [\"a\"]}", "messages is no list of"},
        {"{\"messages\": {\"role\": \"user\"}}", "messages is no list"},
        {"{\"messages\": [[]]}", "messages is no list of"},
        {"{\"messages\": [{\"role\": \"user\"}]}", "messages is no list of"},
        {"{\"messages\": [{\"content\": \"x\"}]}", "messages is no list of"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]}", "messages is no list of"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": {}}]}", "messages is no list of"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": 7}]}", "messages is no list of"},
        {"{\"prompt\": 7}", "row 1: \"prompt\" is no text"},
        {"{\"prompt\": null}", "row 1: \"prompt\" is no text"},
        {"{\"prompt\": [\"a\"]}", "row 1: \"prompt\" is no text"},
        {"{\"prompt\": \"a\"}\n{\"goal\": \"b\"}", "row 2: \"prompt\" is missing"},
        {"{\"prompt\": \"a\\u0000b\"}", "row 1: the prompt holds a NUL (byte 1 of it)"},
        {"{\"x\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}", "nested more than 64 deep"},
        {std::string(100'000, '['), "row 1, line 1"},
    };
    for (auto const& [text, words] : cases)
        EXPECT_SAYS(refuses("a.jsonl", text), words);
    std::string objects;
    for (int i = 0; i < 100'000; ++i)
        objects += "{\"a\":";
    EXPECT_SAYS(refuses("a.jsonl", objects), "nested more than 64 deep");
    EXPECT_SAYS(refuses("a.json", "[" + objects), "row 1: JSON nested more than 64 deep");
    EXPECT_SAYS(refuses("a.json", "[{\"prompt\": \"a\"}, {\"prompt\": \"b\""), "after 1 whole rows: not valid JSON");
    EXPECT_SAYS(refuses("a.json", "[{\"prompt\": \"a\"}, 7]"), "row 2: an entry is no object");
    EXPECT_SAYS(refuses("a.json", "{\"prompt\": \"a\"}\n{}"), "name it .jsonl");
    EXPECT_SAYS(refuses("a.json", "\"a\""), "an entry is no object");
    EXPECT_SAYS(refuses("a.json", "[]"), "is empty");
}

// Kinds of file

TEST_F(PromptsTest, packed_files_are_read) {
    EXPECT_EQ(contents(load("a.csv.gz", gzip("prompt\na\n"))), (Texts{"a"}));
    EXPECT_EQ(contents(load("a.jsonl.gz", gzip("{\"prompt\": \"a\"}\n"))), (Texts{"a"}));
    EXPECT_EQ(contents(load("A.JSON.GZ", gzip("[{\"prompt\": \"a\"}]"))), (Texts{"a"}));
    EXPECT_EQ(contents(load("a.csv.gz", gzip("prompt\na\n") + gzip("b\n") + std::string(7, '\0'))), (Texts{"a", "b"}));
    std::string long_text = "prompt\n";
    for (int i = 0; i < 100'000; ++i)
        long_text += std::to_string(i * 7919) + "\n";
    EXPECT_EQ(load("a.csv.gz", gzip(long_text)).prompts.size(), 100'000u);
}

TEST_F(PromptsTest, damaged_packed_files_are_refused) {
    std::string const whole = gzip("prompt\na long enough text, so that there is something to cut\n");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_SAYS(refuses("a.csv.gz", whole.substr(0, size)), "a.csv.gz: the gzip data ends early");
    }
    EXPECT_SAYS(refuses("a.csv.gz", "prompt\na\n"), "damaged gzip data");
    std::string flipped = whole;
    flipped[flipped.size() / 2] ^= 0x40;
    EXPECT_SAYS(refuses("a.csv.gz", flipped), "a.csv.gz: ");
    EXPECT_SAYS(refuses("a.csv.gz", whole + "junk"), "damaged gzip data");
    EXPECT_SAYS(refuses("a.csv.gz", gzip("")), "is empty");
    EXPECT_SAYS(refusal(ExitCode::bad_data, [] { inflate_gzip(gzip(std::string(2'000'000, 'x')), "bomb", 1'000'000); }),
                "bomb: unpacks to more than 1000000 bytes");
    EXPECT_EQ(inflate_gzip(gzip(std::string(1'000'000, 'x')), "just", 1'000'000).size(), 1'000'000u);
}

TEST_F(PromptsTest, the_kind_follows_from_the_name) {
    for (std::string const name : {"a.txt", "prompts", "a.csv.zip", "a.gz", "a.parquet"}) {
        EXPECT_SAYS(refuses(name, "prompt\na\n"), ".csv, .tsv, .jsonl (or .ndjson) or .json, plain or .gz");
    }
    PromptSource missing;
    missing.group = "benign";
    missing.file = folder_.path() / "missing.csv";
    EXPECT_SAYS(refusal(ExitCode::input_missing, [&] { load({missing}); }), "missing.csv");
}

// Columns

TEST_F(PromptsTest, the_prompt_column_is_the_first_known_one) {
    EXPECT_EQ(contents(load("a.csv", "text,question,PROMPT\nt,q,p\n")), (Texts{"p"}));
    EXPECT_EQ(contents(load("jbb.csv", "Index,Goal,Target,Behavior,Category,Source\n0,g,t,b,c,s\n")), (Texts{"g"}));
    EXPECT_EQ(contents(load("sr.csv", "category,source,forbidden_prompt\nc,s,f\n")), (Texts{"f"}));
    EXPECT_EQ(contents(load("mmlu.csv", "subject,question\ns,q\n")), (Texts{"q"}));
    EXPECT_EQ(contents(load("t.csv", "label,text\ns,t\n")), (Texts{"t"}));
    EXPECT_EQ(contents(load("alpaca.json",
                            "[{\"instruction\": \"i\", \"input\": \"\", \"output\": \"o\"}, {\"instruction\": \"i\", "
                            "\"input\": \"x\"}]")),
              (Texts{"i", "i\nx"}));
    EXPECT_EQ(ids(load("jbb.csv", "Index,Goal\n17,g\n")), (Texts{"17"}));
    PromptSource named = source("b.csv", "prompt,other,Instruction,input\np,o,i,x\n");
    named.column = "other";
    EXPECT_EQ(contents(load({named})), (Texts{"o"}));
    named.column = "OTHER";
    EXPECT_EQ(contents(load({named})), (Texts{"o"}));
    named.column = "instruction";  // named: just this column
    EXPECT_EQ(contents(load({named})), (Texts{"i"}));
    named.column = "nowhere";
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load({named}); }),
                "no column \"nowhere\" (the columns are \"prompt\", \"other\"");
    EXPECT_SAYS(refuses("c.csv", "What is 2+2?,1,2,3,4,D\na,b,c,d,e,f\n"), "no prompt column is known");
    EXPECT_SAYS(refuses("c.csv", "prompt,prompt\na,b\n"), "two columns are called \"prompt\"");
}

TEST_F(PromptsTest, harmbench_rows_keep_their_context_and_lose_the_copyright_ones) {
    PromptSet const set = load("hb.csv",
                               "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n"
                               "do it,standard,x,,,b1\n"
                               "use it,contextual,x,context,The context.,b2\n"
                               "sing,copyright,x,lyrics,,b3\n"
                               "write,standard,x,\"book, hash_check\",,b4\n");
    EXPECT_EQ(contents(set), (Texts{"do it", "The context.\n\n---\n\nuse it"}));
    EXPECT_EQ(ids(set), (Texts{"b1", "b2"}));
    ASSERT_EQ(set.notices.size(), 1u);
    EXPECT_SAYS(set.notices[0], "2 prompts skipped, about copyrighted text");
    EXPECT_SAYS(set.notices[0], "rows 3, 4");
}

TEST_F(PromptsTest, answers_in_the_prompt_column_are_noticed) {
    EXPECT_SAYS(
        refuses("adv.csv", "target,goal\nWrite x,\"Sure, here is x\"\nMake y,\"sure, here's y\"\nz,\"Sure, here\"\n"),
        "the header is swapped");
    EXPECT_EQ(load("adv.csv", "goal,target\nWrite x,\"Sure, here is x\"\n").prompts.size(), 1u);
    EXPECT_EQ(load("adv.csv", "goal\n\"Sure, here is one\"\nb\n").prompts.size(), 2u);
}

// Filters and groups

TEST_F(PromptsTest, rows_are_filtered_then_limited) {
    std::string const text = "prompt,label,type\na,safe,x\nb,unsafe,x\nc,safe,y\nd,safe,x\n";
    PromptSource filtered = source("a.csv", text);
    filtered.where = {{"label", "safe"}, {"type", "x"}};
    EXPECT_EQ(contents(load({filtered})), (Texts{"a", "d"}));
    filtered.limit = 1;
    EXPECT_EQ(contents(load({filtered})), (Texts{"a"}));
    filtered.where = {{"label", "Safe"}};
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load({filtered}); }), "group \"benign\" is empty");
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load({filtered}); }),
                "label = \"Safe\" (its values: \"safe\", \"unsafe\")");
    filtered.where = {{"labels", "safe"}};
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load({filtered}); }),
                "no column \"labels\" (the columns are \"prompt\", \"label\", \"type\")");
    PromptSource json = source("a.jsonl",
                               "{\"prompt\": \"a\", \"n\": 1}\n{\"prompt\": \"b\", \"n\": true}\n{\"prompt\": \"c\", "
                               "\"n\": null}\n{\"prompt\": \"d\"}\n");
    json.where = {{"n", "1"}};
    EXPECT_EQ(contents(load({json})), (Texts{"a"}));
    json.where = {{"n", "true"}};
    EXPECT_EQ(contents(load({json})), (Texts{"b"}));
}

TEST_F(PromptsTest, one_file_feeds_two_groups_and_two_files_one) {
    std::string const text = "id,prompt,label\n1,a,safe\n2,b,unsafe\n3,c,safe\n";
    PromptSource safe = source("x.csv", text, "safe"), unsafe = safe,
                 more = source("y.csv", "id,prompt\n1,d\n", "unsafe");
    safe.where = {{"label", "safe"}};
    unsafe.group = "unsafe";
    unsafe.where = {{"label", "unsafe"}};
    PromptSet const set = load({safe, unsafe, more});
    EXPECT_EQ(contents(set), (Texts{"a", "c", "b", "d"}));
    EXPECT_EQ(ids(set), (Texts{"1", "3", "2", "1"}));  // the same id in two groups
    EXPECT_EQ(set.prompts[3].group, "unsafe");
    EXPECT_SAYS(set.prompts[1].origin, "x.csv row 3");
    ASSERT_EQ(set.file_digests.size(), 2u);
    EXPECT_EQ(set.file_digests[0], (folder_.path() / "x.csv").string() + " " + sha256_hex(text));
}

TEST_F(PromptsTest, ids_are_unique_within_a_group) {
    EXPECT_SAYS(refuses("a.csv", "id,prompt\n1,a\n2,b\n1,c\n"), "a.csv row 1 and ");
    EXPECT_SAYS(refuses("a.csv", "id,prompt\n1,a\n2,b\n1,c\n"),
                "row 3: two rows of group \"benign\" have the id \"1\"");
    PromptSet const set = load("a.csv", "prompt\nb\na\nb\nb\n");
    std::string const b = sha256_hex("b").substr(0, 12);
    EXPECT_EQ(ids(set), (Texts{b, sha256_hex("a").substr(0, 12), b + "-2", b + "-3"}));
    EXPECT_EQ(ids(load("a.csv", "id,prompt\n,b\n7,a\n")), (Texts{b, "7"}));
    // Conversations that share their texts are still told apart.
    EXPECT_EQ(load("a.jsonl",
                   "{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"}]}\n{\"messages\": [{\"role\": \"user\", "
                   "\"content\": \"a\"}, {\"role\": \"user\", \"content\": \"b\"}]}\n{\"token_ids\": [12, "
                   "3]}\n{\"token_ids\": [1, 23]}\n")
                  .notices,
              Texts{});
}

TEST_F(PromptsTest, empty_and_repeated_prompts_are_reported) {
    PromptSet const set = load(
        {source("a.csv", "id,prompt\n1,a\n2,\n3,a\n4, \n5,\"\"\n6,a\n"), source("b.csv", "prompt\na\nz\n", "harmful")});
    EXPECT_EQ(contents(set), (Texts{"a", "a", " ", "a", "a", "z"}));
    ASSERT_EQ(set.notices.size(), 3u);
    EXPECT_SAYS(set.notices[0], "benign: 2 prompts skipped, empty: ");
    EXPECT_SAYS(set.notices[0], "a.csv rows 2, 5");
    EXPECT_SAYS(set.notices[1], "benign: 2 repeat an earlier prompt and are kept (first: ");
    EXPECT_SAYS(set.notices[1], "a.csv row 3 repeats ");
    EXPECT_SAYS(set.notices[2], "benign and harmful share 1 prompt");
    EXPECT_SAYS(refuses("c.csv", "prompt,x\n,1\n"), "none of them has a usable prompt");
}

TEST_F(PromptsTest, text_that_is_no_utf8_is_refused_with_its_row) {
    EXPECT_SAYS(refuses("a.csv", "prompt\na\nb\xFFz\n"), "a.csv row 2: the prompt is not UTF-8 (byte 1 of it)");
    EXPECT_SAYS(refuses("a.csv", std::string("prompt\na\0b\n", 11)), "row 1: the prompt holds a NUL");
    EXPECT_SAYS(refuses("a.csv", "prompt,id\na,\xE9\n"), "row 1: the id is not UTF-8");
    for (std::string const bad :
         {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xF8\x88\x80\x80\x80", "abcdefgh\xC3"}) {
        EXPECT_SAYS(refuses("a.csv", "prompt\n" + bad + "\n"), "is not UTF-8");
    }
    EXPECT_EQ(load("a.csv", "prompt\nabcdefghé\u0800\uFFFF\U00010000\U0010FFFF\n").prompts.size(), 1u);
}

TEST_F(PromptsTest, other_columns_are_kept_as_metadata) {
    using Metadata = std::vector<std::pair<std::string, std::string>>;
    auto const set = load({source("a.csv", "id,Prompt,type,note\n1,one,homonyms,\n2,two,\"figurative, long\",x\n"),
                           source("b.jsonl",
                                  R"({"prompt":"three","type":"safe","score":0.5,"tags":["a"],"done":true,"gone":null})"
                                  "\n"
                                  R"({"prompt":"four"})"
                                  "\n",
                                  "harmful")});
    EXPECT_EQ(set.metadata_columns, (Texts{"type", "note", "score", "tags", "done", "gone"}));
    ASSERT_EQ(set.prompts.size(), 4u);
    EXPECT_EQ(set.prompts[0].metadata, (Metadata{{"type", "homonyms"}, {"note", ""}}));
    EXPECT_EQ(set.prompts[1].metadata, (Metadata{{"type", "figurative, long"}, {"note", "x"}}));
    EXPECT_EQ(set.prompts[2].metadata, (Metadata{{"type", "safe"}, {"score", "0.5"}, {"done", "true"}}))
        << "lists and null hold no value";
    EXPECT_TRUE(set.prompts[3].metadata.empty());
    // It is no part of what is measured.
    auto const other =
        load({source("a.csv", "id,Prompt,type,note\n1,one,other,\n2,two,,y\n"), source("b.jsonl",
                                                                                       R"({"prompt":"three"})"
                                                                                       "\n"
                                                                                       R"({"prompt":"four"})"
                                                                                       "\n",
                                                                                       "harmful")});
    EXPECT_EQ(other.digest(), set.digest());
    EXPECT_SAYS(refuses("c.csv", "prompt,note\nhow,\xff\n"), "column \"note\" is not UTF-8");
}

TEST_F(PromptsTest, a_million_rows_are_read_in_seconds) {
    std::string text = "id,prompt,label\n";
    for (int i = 0; i < 1'000'000; ++i)
        text += std::to_string(i) + ",\"prompt, number " + std::to_string(i) + "\",safe\n";
    auto const start = std::chrono::steady_clock::now();
    PromptSet const set = load("a.csv", text);
    std::chrono::duration<double> const spent = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(set.prompts.size(), 1'000'000u);
    EXPECT_EQ(set.prompts[999'999].messages[0].content, "prompt, number 999999");
    EXPECT_LT(spent.count(), 60.0);  // 2 s where nothing else runs; a quadratic step would take hours
}

TEST_F(PromptsTest, a_prompt_of_ten_megabytes_is_read) {
    std::string const text(10'000'000, 'x');
    EXPECT_EQ(load("a.csv", "prompt\n\"" + text + "\"\n").prompts[0].messages[0].content, text);
    EXPECT_EQ(load("a.jsonl", "{\"prompt\": \"" + text + "\"}").prompts[0].messages[0].content, text);
}

// Whatever the bytes, the answer is a set of prompts or an Error.
TEST_F(PromptsTest, damaged_files_never_do_worse_than_an_error) {
    std::pair<std::string, std::string> const wholes[] = {
        {"a.csv", "id,prompt,label\r\n1,\"a, \"\"b\"\"\",safe\n2,c,unsafe\n3,\"d\ne\",safe\n"},
        {"a.jsonl",
         "{\"id\": 1, \"prompt\": \"a\"}\n{\"token_ids\": [1, 2]}\n{\"messages\": [{\"role\": \"user\", \"content\": "
         "\"x\"}]}\n"},
        {"a.json",
         "[{\"id\": 1, \"prompt\": \"a\"}, {\"token_ids\": [1, 2]}, {\"messages\": [{\"role\": \"user\", \"content\": "
         "\"x\"}]}]"},
        {"a.csv.gz", gzip("id,prompt\n1,abc\n2,def\n")},
    };
    std::string const spice = "\",\n\r[]{}:\\0123456789-.eE\xFF\x00tnu";
    std::uint64_t state = 5;
    auto const random = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
    int refused = 0, read = 0;
    for (int i = 0; i < 4000; ++i) {
        auto const& [name, whole] = wholes[random() % 4];
        std::string text = whole;
        for (int change = 0; change < 2; ++change)
            text[random() % text.size()] = spice[random() % spice.size()];
        try {
            load(name, text);
            ++read;
        } catch (Error const&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 500);
    EXPECT_GT(read, 100);
}

// The files that the project ships.

TEST(ShippedPrompts, load_as_the_readme_says) {
    fs::path const folder = fs::path(GATESWEEP_SOURCE_DIR) / "prompts";
    Job job;
    for (std::string const label : {"safe", "unsafe"}) {
        PromptSource& source = job.prompts.emplace_back();
        source.group = label;
        source.file = folder / "xstest/xstest_prompts.csv";
        source.where = {{"label", label}};
    }
    PromptSet const xstest = load_prompts(job);
    EXPECT_EQ(
        std::count_if(xstest.prompts.begin(), xstest.prompts.end(), [](auto const& p) { return p.group == "safe"; }),
        250);
    EXPECT_EQ(xstest.prompts.size(), 450u);
    EXPECT_EQ(xstest.notices, Texts{});
    job.prompts.resize(1);
    job.prompts[0].where.clear();
    job.prompts[0].file = folder / "paper/benign.csv";
    EXPECT_EQ(load_prompts(job).prompts.size(), 10u);
}

}  // namespace
}  // namespace gatesweep
