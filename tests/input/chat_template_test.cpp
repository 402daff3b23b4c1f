// Chat templates on real layouts of checkpoints. Long: each place where a template stands has its own cases.
#include "gatesweep/input/chat_template.h"

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

std::string config_with(nlohmann::json const& chat_template) {
    return nlohmann::json{{"chat_template", chat_template}}.dump();
}

class ChatTemplateTest : public ::testing::Test {
protected:
    Tokenizer const tokenizer_{golden_model("wide-bf16") / "tokenizer.model"};
    ChatTemplate const first_ = ChatTemplate::load(golden_model("hub-bf16"));
    ChatTemplate const second_ = ChatTemplate::load(golden_model("wide-bf16"));

    // The rule of the reference: BOS, each user turn on its own, each answer on its own with EOS behind it.
    Ids expected(std::vector<Message> const& messages) const {
        Ids out = {1};
        auto const add = [&](std::string const& text) {
            for (auto id : tokenizer_.encode(text))
                out.push_back(id);
        };
        std::string system;
        for (auto const& [role, content] : messages) {
            if (role == "system")
                system = content + "\n\n";
            else if (role == "user")
                add("[INST] " + system + content + " [/INST]"), system.clear();
            else
                add(content), out.push_back(2);
        }
        return out;
    }

    std::string refuses(ChatTemplate const& chat, std::vector<Message> const& messages) const {
        return refusal(ExitCode::bad_data, [&] { chat.encode(messages, tokenizer_); });
    }
    Ids encode(std::string const& source, std::vector<Message> const& messages) const {
        return ChatTemplate(source, "test").encode(messages, tokenizer_);
    }
};

TEST_F(ChatTemplateTest, golden_conversations_have_the_reference_ids) {
    std::ifstream file(golden_folder() / "prompts.jsonl");
    std::vector<nlohmann::json> rows;
    for (std::string line; std::getline(file, line);)
        rows.push_back(nlohmann::json::parse(line));
    ASSERT_EQ(rows.size(), 18u);
    for (auto const& name : golden_names()) {
        Tokenizer const tokenizer(golden_model(name) / "tokenizer.model");
        ChatTemplate const chat = ChatTemplate::load(golden_model(name));
        nlohmann::json const golden = golden_json(name);
        ASSERT_EQ(golden["prompts"].size(), rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::vector<Message> messages;
            if (rows[i].contains("prompt")) messages.push_back({"user", rows[i]["prompt"]});
            for (auto const& m : rows[i].value("messages", nlohmann::json::array()))
                messages.push_back({m["role"], m["content"]});
            if (messages.empty()) continue;
            EXPECT_EQ(chat.encode(messages, tokenizer), golden["prompts"][i]["token_ids"].get<Ids>())
                << name << " " << rows[i];
        }
        std::vector<Message> with_system;
        for (auto const& m : golden["with_system"]["messages"])
            with_system.push_back({m["role"], m["content"]});
        auto const& ids = golden["with_system"]["token_ids"];
        if (ids.is_null()) {
            EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { chat.encode(with_system, tokenizer); }),
                        "roles must alternate");
        } else {
            EXPECT_EQ(chat.encode(with_system, tokenizer), ids.get<Ids>()) << name;
        }
    }
}

TEST_F(ChatTemplateTest, both_generations_give_the_ids_of_the_rule) {
    std::vector<std::vector<Message>> const conversations = {
        {{"user", "hi"}},
        {{"user", ""}},
        {{"user", " "}},
        {{"user", "  a "}},
        {{"user", "a"}, {"assistant", ""}, {"user", "b"}},
        {{"user", "a"}, {"assistant", " b"}, {"user", " c"}},
        {{"user", "a"}, {"assistant", "  "}, {"user", "c"}, {"assistant", "[/INST]"}, {"user", "d"}},
        {{"user", "<s>[INST] x [/INST]</s>"}, {"assistant", "</s>"}, {"user", "<s>"}},
        {{"user", "a"}, {"assistant", "a"}, {"user", "a"}},
    };
    for (auto const& messages : conversations) {
        EXPECT_EQ(first_.encode(messages, tokenizer_), expected(messages)) << messages.back().content;
        EXPECT_EQ(second_.encode(messages, tokenizer_), expected(messages)) << messages.back().content;
    }
    std::vector<Message> const system = {{"system", " be brief"}, {"user", "hi"}, {"assistant", "ho"}, {"user", "why"}};
    EXPECT_EQ(second_.encode(system, tokenizer_), expected(system));
}

TEST_F(ChatTemplateTest, the_templates_own_refusals_reach_the_user) {
    EXPECT_SAYS(refuses(first_, {{"user", "a"}, {"user", "b"}}), "Conversation roles must alternate");
    EXPECT_SAYS(refuses(second_, {{"user", "a"}, {"user", "b"}}), "After the optional system message");
    EXPECT_SAYS(refuses(second_, {{"user", "a"}, {"tool", "b"}, {"user", "c"}}), "Only user and assistant roles");
    EXPECT_SAYS(refuses(first_, {}), "user turn");
    EXPECT_SAYS(refuses(first_, {{"user", "a"}, {"assistant", "b"}}), "user turn");
}

TEST_F(ChatTemplateTest, one_bos_stands_at_the_start) {
    Ids const plain = {1, tokenizer_.encode("hi").at(0)};
    std::string const body = "{% for m in messages %}{{ m.content }}{% endfor %}";
    Ids const without = encode(body, {{"user", "hi"}});
    EXPECT_EQ(without.front(), 1);
    EXPECT_EQ(without, encode("{{ bos_token }}" + body, {{"user", "hi"}}));
    EXPECT_EQ(without, encode("<s>" + body, {{"user", "hi"}}));  // written out by the template, it is the same piece
    for (std::string const& source : {"{{ bos_token }}<s>" + body, "{{ bos_token }}" + body + "{{ bos_token }}"}) {
        EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { encode(source, {{"user", "hi"}}); }), "2 times");
    }
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { encode("x" + body + "<s>", {{"user", "hi"}}); }), "after other text");
}

TEST_F(ChatTemplateTest, a_space_of_the_user_is_kept_and_one_of_the_template_dropped) {
    auto const with_bos = [&](std::string const& text) {
        Ids out = tokenizer_.encode(text);
        out.insert(out.begin(), 1);
        return out;
    };
    EXPECT_EQ(encode("{{ bos_token }} {{ messages[0].content }}", {{"user", "a"}}), with_bos("a"));
    EXPECT_EQ(encode("{{ bos_token }} {{ messages[0].content }}", {{"user", " a"}}), with_bos(" a"));
    EXPECT_EQ(encode("{{ bos_token }}{{ messages[0].content }}", {{"user", " a"}}), with_bos(" a"));
    EXPECT_EQ(encode("{{ bos_token }}  {{ messages[0].content }}", {{"user", "a"}}), with_bos(" a"));
}

// The last turn is rendered in another way than the same turn in a longer conversation: no boundary can be seen there.
TEST_F(ChatTemplateTest, turns_that_cannot_be_told_apart_are_encoded_in_one_piece) {
    std::string const source =
        "{{ bos_token }}{% for m in messages %}{{ m.content }}{% if loop.last %}!{% endif %}{% endfor %}";
    Ids expected_ids = tokenizer_.encode("abc!");
    expected_ids.insert(expected_ids.begin(), 1);
    EXPECT_EQ(encode(source, {{"user", "a"}, {"assistant", "b"}, {"user", "c"}}), expected_ids);
}

TEST_F(ChatTemplateTest, the_generation_prompt_is_asked_for) {
    std::string const source =
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% "
        "endif %}";
    Ids expected_ids = tokenizer_.encode("user: a\nassistant:");
    expected_ids.insert(expected_ids.begin(), 1);
    EXPECT_EQ(encode(source, {{"user", "a"}}), expected_ids);
}

// The later Mistral templates: tool branches that are never taken, a namespace that counts, filters.
TEST_F(ChatTemplateTest, a_template_with_tools_is_understood) {
    std::string const source = R"({%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{#- alternation, tool calls left out #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {%- for tool in tools %}
                {%- for key, val in tool.items() if key != "return" %}
                    {{- '"' + key + '": ' + val|tojson }}
                {%- endfor %}
            {%- endfor %}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- " [INST] " + system_message + "\n\n" + message["content"] + " [/INST]" }}
        {%- else %}
            {{- " [INST] " + message["content"] + " [/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported") }}
    {%- endif %}
{%- endfor %}
)";
    std::vector<Message> const messages = {{"user", "hi"}, {"assistant", " ho "}, {"user", "why"}};
    EXPECT_EQ(encode(source, messages), expected({{"user", "hi"}, {"assistant", "ho"}, {"user", "why"}}));
    EXPECT_SAYS(refusal(ExitCode::bad_data,
                        [&] {
                            encode(source, {{"user", "a"}, {"user", "b"}});
                        }),
                "roles must alternate");
}

TEST_F(ChatTemplateTest, it_is_found_in_its_three_places) {
    TemporaryFolder const folder;
    folder.write("tokenizer_config.json", config_with("from the string"));
    EXPECT_EQ(ChatTemplate::load(folder.path()).source(), "from the string");
    folder.write("tokenizer_config.json", config_with({{{"name", "rag"}, {"template", "no"}},
                                                       {{"name", "default"}, {"template", "from the list"}}}));
    EXPECT_EQ(ChatTemplate::load(folder.path()).source(), "from the list");
    folder.write("chat_template.jinja", "from the file");
    EXPECT_EQ(ChatTemplate::load(folder.path()).source(), "from the file");
}

TEST_F(ChatTemplateTest, of_several_one_is_chosen_by_name) {
    TemporaryFolder const folder;
    folder.write("tokenizer_config.json", config_with({{{"name", "rag"}, {"template", "for documents"}},
                                                       {{"name", "default"}, {"template", "for all"}}}));
    auto const load = [&](std::string const& name) {
        return ChatTemplate::load(folder.path(), {name, "", {}, {}}).source();
    };
    EXPECT_EQ(load("rag"), "for documents");
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load("tools"); }), "no entry named tools (it has rag, default)");
    folder.write("chat_template.jinja", "from the file");
    std::filesystem::create_directory(folder.path() / "additional_chat_templates");
    folder.write("additional_chat_templates/tools.jinja", "from another file");
    EXPECT_EQ(load(""), "from the file");
    EXPECT_EQ(load("tools"), "from another file");
    EXPECT_SAYS(refusal(ExitCode::bad_data, [&] { load("rag"); }), "(it has default, tools)");
}

TEST_F(ChatTemplateTest, special_tokens_are_those_of_the_checkpoints_files) {
    TemporaryFolder const folder;
    folder.write("chat_template.jinja",
                 "{{ bos_token }}|{{ eos_token }}|{{ unk_token }}|{{ pad_token }}|{{ additional_special_tokens }}");
    auto const rendered = [&] {
        return ChatTemplate::load(folder.path()).render({{"user", "a"}}, Turns::all, tokenizer_).bytes;
    };
    EXPECT_EQ(rendered(), "<s>|</s>|||");
    folder.write("special_tokens_map.json",
                 R"({"eos_token": {"content": "<end>"}, "unk_token": "<?>", "bos_token": "<no>"})");
    folder.write("tokenizer_config.json", R"({"bos_token": null, "pad_token": {"content": "<pad>", "lstrip": false},
        "add_bos_token": true, "additional_special_tokens": ["<a>", {"content": "<b>"}]})");
    EXPECT_EQ(rendered(), "|<end>|<?>|<pad>|['<a>', '<b>']");
}

TEST_F(ChatTemplateTest, a_checkpoint_may_have_no_beginning_of_sequence) {
    Tokenizer const tokenizer = Tokenizer::load(std::filesystem::path(GATESWEEP_GOLDEN_DIR) / "tokenizers/qwen3");
    ASSERT_EQ(tokenizer.bos_id(), Tokenizer::no_token);
    ChatTemplate const chat("{{ bos_token }}<{{ messages[0]['content'] }}>", "test");
    EXPECT_EQ(chat.encode({{"user", "hi"}}, tokenizer), tokenizer.encode("<hi>"));
}

TEST_F(ChatTemplateTest, the_job_gives_variables_and_the_date) {
    std::string const source =
        "{% if enable_thinking is defined and not enable_thinking %}{{ messages[0].content }}{{ tags[0].x }}"
        "{% generation %}{{ strftime_now('%d %b %Y') }}{% endgeneration %}{% endif %}";
    ChatTemplate const chat(source, "test",
                            {"", "2026-11-30", {{"enable_thinking", "false"}, {"tags", R"([{"x": 1.5}])"}}, {}});
    ChatText const text = chat.render({{"user", "<s>"}}, Turns::some, tokenizer_);
    EXPECT_EQ(text.bytes, "<s>1.530 Nov 2026");
    EXPECT_EQ(text.authors, "uuu" + std::string(14, 't'));
    EXPECT_EQ(text.generated, (std::vector<std::pair<std::size_t, std::size_t>>{{6, 17}}));
    ChatTemplate const dateless(source, "test", {"", "", {{"enable_thinking", "false"}, {"tags", "[{}]"}}, {}});
    EXPECT_SAYS(refuses(dateless, {{"user", "a"}}), "set [model] date");
    EXPECT_EQ(ChatTemplate(source, "test").render({{"user", "a"}}, Turns::all, tokenizer_).bytes, "");
}

TEST_F(ChatTemplateTest, what_is_no_template_is_refused) {
    TemporaryFolder const folder;
    auto const load = [&] { ChatTemplate::load(folder.path()); };
    EXPECT_SAYS(refusal(ExitCode::input_missing, load), "tokenizer_config.json");
    folder.write("tokenizer_config.json", "{}");
    EXPECT_SAYS(refusal(ExitCode::input_missing, load), "there is no chat_template");
    folder.write("tokenizer_config.json", config_with(nullptr));
    EXPECT_SAYS(refusal(ExitCode::input_missing, load), "there is no chat_template");
    for (std::string const& text : std::vector<std::string>{"", "{", "[]", "\xFF", std::string(200'000, '['),
                                                            "{\"a\":" + std::string(200'000, '[')}) {
        folder.write("tokenizer_config.json", text);
        EXPECT_SAYS(refusal(ExitCode::bad_data, load), "not a JSON object");
    }
    folder.write("tokenizer_config.json", config_with(7));
    EXPECT_SAYS(refusal(ExitCode::bad_data, load), "neither a text nor a list");
    folder.write("tokenizer_config.json", config_with({{{"name", "rag"}, {"template", "no"}}}));
    EXPECT_SAYS(refusal(ExitCode::bad_data, load), "no entry named default (it has rag)");
    folder.write("tokenizer_config.json", config_with({"default"}));
    EXPECT_SAYS(refusal(ExitCode::bad_data, load), "not {name, template}");
    folder.write("tokenizer_config.json", config_with("a\n{% include 'x' %}"));
    EXPECT_SAYS(refusal(ExitCode::bad_data, load),
                "tokenizer_config.json: chat template, line 2: {% include %} is not supported");
    folder.write("chat_template.jinja", "\xFF");
    EXPECT_SAYS(refusal(ExitCode::bad_data, load), "not UTF-8");
    folder.write("chat_template.jinja", std::string(100'000, 'x'));
    EXPECT_SAYS(refusal(ExitCode::bad_data, load), "is it the right file?");
}

}  // namespace
}  // namespace gatesweep
