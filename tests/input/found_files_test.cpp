// Prompt files as they lie about: chat data sets, files of another kind than their name says, ids that two files share,
// columns that a reader may take for one another. Each is read, noticed or refused; nothing is passed over in silence.
#include "input/prompts_test.h"

namespace gatesweep {
namespace {

using Texts = std::vector<std::string>;

class FoundFiles : public PromptsTest {
protected:
    // Every turn of every prompt, as "role:content".
    static Texts turns(PromptSet const& set) {
        Texts out;
        for (Prompt const& prompt : set.prompts) {
            for (Message const& message : prompt.messages)
                out.push_back(message.role + ":" + message.content);
        }
        return out;
    }
    PromptSet load_column(std::string const& name, std::string_view bytes, std::string const& column) {
        PromptSource named = source(name, bytes);
        named.column = column;
        return load({named});
    }
    static std::string notices(PromptSet const& set) {
        std::string out;
        for (auto const& notice : set.notices)
            out += notice + '\n';
        return out;
    }
};

constexpr char const* both =
    "{\"prompt\": \"p\", \"messages\": [{\"role\": \"user\", \"content\": \"m\"}, {\"role\": \"assistant\", "
    "\"content\": "
    "\"a\"}]}\n";

TEST_F(FoundFiles, AColumnThatIsNamedWins) {
    EXPECT_EQ(turns(load_column("a.jsonl", both, "prompt")), Texts{"user:p"});
    EXPECT_EQ(load_column("a.jsonl", both, "prompt").notices.size(), 0u);
    EXPECT_EQ(turns(load_column("a.jsonl", both, "messages")), (Texts{"user:m", "assistant:a"}));
    std::string const damaged = "{\"prompt\": \"p\", \"messages\": [{\"role\": \"tool\", \"content\": null}]}\n";
    EXPECT_EQ(turns(load_column("a.jsonl", damaged, "prompt")), Texts{"user:p"});
    EXPECT_SAYS(refuses("a.jsonl", damaged), "row 1: messages is no list of");
    EXPECT_EQ(turns(load_column("a.jsonl", "{\"prompt\": \"p\", \"token_ids\": [1, 2]}\n", "prompt")), Texts{"user:p"});
}

TEST_F(FoundFiles, WithoutAColumnANoticeSaysWhichWasTaken) {
    PromptSet const set = load("a.jsonl", both);
    EXPECT_EQ(turns(set), (Texts{"user:m", "assistant:a"}));
    EXPECT_SAYS(notices(set), "rows have both \"messages\" and \"prompt\": \"messages\" is taken");
    PromptSet const chat =
        load("b.jsonl", "{\"text\": \"t\", \"conversation\": [{\"role\": \"user\", \"content\": \"c\"}]}\n");
    EXPECT_EQ(turns(chat), Texts{"user:t"});
    EXPECT_SAYS(notices(chat), "\"text\" is taken (column = \"conversation\" in the job takes the other)");
}

TEST_F(FoundFiles, FilesOfAnotherKindAreNamed) {
    std::vector<std::pair<std::string, std::string>> const cases = {
        {std::string("PAR1\x15\x04\x15", 7), "a.csv: is a Parquet file: save it as JSON lines"},
        {std::string("\x1F\x8B\x08\x00\x00", 5), "is gzip data: add .gz to its name"},
        {std::string("PK\x03\x04\x14\x00", 6), "is a zip archive, or a spreadsheet: unpack it"},
        {"\xFF\xFEp\x01", "is text in UTF-16: save it as UTF-8"},
        {"<!DOCTYPE html><html>", "is a web page"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "is a Git LFS pointer"},
    };
    for (auto const& [bytes, words] : cases) {
        std::string const message = refuses("a.csv", bytes);
        EXPECT_SAYS(message, words);
        EXPECT_SAYS(refuses("a.jsonl", bytes), words.substr(words.find("is ")));
    }
}

TEST_F(FoundFiles, TabsAndSemicolonsSeparate) {
    PromptSet const tabs = load("a.csv", "vanilla\tprompt\nx\ta, b\n\"y\tz\"\tc \"d\"\n");
    EXPECT_EQ(turns(tabs), (Texts{"user:a, b", "user:c \"d\""}));
    EXPECT_SAYS(notices(tabs), "the header has no comma, so tabs separate the fields");
    EXPECT_EQ(tabs.prompts[1].metadata[0].second, "y\tz");
    PromptSet const semicolons = load("b.csv", "id;prompt\n1;a, b\n2;\"c;d\"\n");
    EXPECT_EQ(turns(semicolons), (Texts{"user:a, b", "user:c;d"}));
    EXPECT_SAYS(notices(semicolons), "semicolons");
    PromptSet const tsv = load("c.tsv", "id\tprompt\n1\ta; b, c\n");
    EXPECT_EQ(turns(tsv), Texts{"user:a; b, c"});
    EXPECT_EQ(tsv.notices.size(), 0u);
    EXPECT_EQ(turns(load("d.csv", "prompt,note;more\na;b,x\n")), Texts{"user:a;b"}) << "a comma in the header decides";
    EXPECT_EQ(turns(load("e.csv", "prompt\na;b\tc\n")), Texts{"user:a;b\tc"}) << "one column has no separator";
    EXPECT_SAYS(refuses("f.csv", "id;prompt\n1;a;b\n"),
                "3 fields where the header has 2: quote fields that contain semicolons");
}

TEST_F(FoundFiles, IdsThatTwoFilesShareAreToldApart) {
    PromptSource const first = source("one.csv", "id,prompt\n1,a\n2,b\n"),
                       second = source("two.csv", "id,prompt\n1,c\n9,d\n");
    PromptSet const set = load({first, second});
    Texts ids;
    for (Prompt const& prompt : set.prompts)
        ids.push_back(prompt.id);
    EXPECT_EQ(ids, (Texts{"1", "2", "two/1", "two/9"})) << "the earlier file's stay, so a run can grow";
    EXPECT_SAYS(notices(set), "two.csv has ids that an earlier file of the group has too");
    PromptSource other = second;
    other.group = "harmful";
    EXPECT_EQ(load({first, other}).notices.size(), 0u) << "groups share ids freely";
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load({first, first}); }), "have the id \"1\"");
    PromptSource const third = source("three.csv", "id,prompt\n3,e\n");
    EXPECT_EQ(load({first, third}).prompts[2].id, "3");
}

TEST_F(FoundFiles, ColumnsThatDifferInCaseAloneAreAmbiguous) {
    EXPECT_SAYS(refuses("a.csv", "Prompt,prompt\nx,y\n"), "\"prompt\" and \"Prompt\" could both be the prompt");
    EXPECT_EQ(turns(load_column("a.csv", "Prompt,prompt\nx,y\n", "prompt")), Texts{"user:y"});
    EXPECT_EQ(turns(load_column("a.csv", "Prompt,prompt\nx,y\n", "Prompt")), Texts{"user:x"});
    PromptSource named = source("a.csv", "Prompt,prompt\nx,y\n");
    named.column = "PROMPT";
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load({named}); }), "could both be the prompt");
}

TEST_F(FoundFiles, ASystemColumnIsNoticed) {
    EXPECT_SAYS(notices(load("a.csv", "system,prompt\nBe brief.,a\n")),
                "the column \"system\" is not part of the prompts");
    EXPECT_EQ(load("b.csv", "system,prompt\n,a\n").notices.size(), 0u) << "nothing is in it";
    EXPECT_EQ(turns(load_column("c.csv", "system,prompt\ns,a\n", "system")), Texts{"user:s"});
}

TEST_F(FoundFiles, ConversationsOfDataSetsAreRead) {
    PromptSet const sharegpt =
        load("a.jsonl",
             "{\"conversations\": [{\"from\": \"system\", \"value\": \"s\"}, {\"from\": \"human\", \"value\": \"a\"}, "
             "{\"from\": \"gpt\", \"value\": \"b\"}, {\"from\": \"human\", \"value\": \"c\"}, {\"from\": \"gpt\", "
             "\"value\": \"d\"}]}\n{\"conversations\": [{\"from\": \"human\", \"value\": \"e\"}]}\n");
    EXPECT_EQ(turns(sharegpt), (Texts{"system:s", "user:a", "assistant:b", "user:c", "user:e"}));
    EXPECT_SAYS(notices(sharegpt), "of 1 conversation what follows the last user's turn is left out");
    EXPECT_SAYS(notices(sharegpt), "row 1");
    EXPECT_EQ(turns(load("b.jsonl", "{\"conversation\": [{\"role\": \"user\", \"content\": \"a\"}]}\n")),
              Texts{"user:a"});
    EXPECT_EQ(turns(load("c.jsonl", "{\"turns\": [\"a\"]}\n")), Texts{"user:a"});
    EXPECT_EQ(turns(load("d.json", "[{\"turns\": [\"a\", \"b\"]}]")), (Texts{"user:a", "user:b"}));
    PromptSet const parts = load("e.jsonl",
                                 "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": "
                                 "\"a\"}, {\"type\": \"text\", "
                                 "\"text\": \" b\"}]}]}\n");
    EXPECT_EQ(turns(parts), Texts{"user:a b"});
    EXPECT_SAYS(refuses("f.jsonl",
                        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": "
                        "{\"url\": \"x\"}}]}]}\n"),
                "row 1: messages has a part of type \"image_url\" (gatesweep reads text alone)");
    EXPECT_SAYS(refuses("g.jsonl", "{\"conversations\": [{\"from\": \"gpt\", \"value\": \"a\"}]}\n"),
                "has no user's turn");
    EXPECT_SAYS(refuses("h.jsonl", "{\"conversations\": [7]}\n"), "conversations is no list of");
    EXPECT_EQ(turns(load("i.jsonl", "{\"prompt\": \"p\", \"turns\": 3}\n")), Texts{"user:p"}) << "a number of turns";
}

}  // namespace
}  // namespace gatesweep
