// tokenizer_ids FOLDER [parse|text] [mistral]: for each line of standard input one of standard output.
//   {"text": ".."}                   {"ids": [..], "plain": [..], "special": false, "decoded": ".."}
//   {"text": "..", "authors": ".."}  {"ids": [..]}         one letter for each byte: t, the template's; u, a user's
//   {"ids": [..]}                    {"decoded": ".."}
//   {"messages": [["user", ".."]]}   {"ids": [..]}         by the checkpoint's chat template
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/input/chat_template.h"
#include "gatesweep/input/tokenizer.h"

namespace gatesweep {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

json answer(json const& question, Tokenizer const& tokenizer, std::filesystem::path const& folder) {
    if (question.contains("messages")) {
        static ChatTemplate const chat = ChatTemplate::load(folder);
        std::vector<Message> messages;
        for (json const& message : question["messages"])
            messages.push_back({message[0], message[1]});
        return {{"ids", chat.encode(messages, tokenizer)}};
    }
    if (question.contains("ids")) return {{"decoded", tokenizer.decode(question["ids"].get<Ids>())}};
    auto const& text = question["text"].get_ref<std::string const&>();
    if (question.contains("authors")) return {{"ids", tokenizer.encode(text, question["authors"].get<std::string>())}};
    Ids const ids = tokenizer.encode(text);
    return {{"ids", ids},
            {"plain", tokenizer.encode_plain(text)},
            {"special", tokenizer.holds_special(text)},
            {"decoded", tokenizer.decode(ids)}};
}

int run(std::vector<std::string> const& arguments) {
    auto const has = [&](char const* word) { return std::ranges::find(arguments, word) != arguments.end(); };
    auto const tokenization = has("mistral") ? Tokenization::mistral : Tokenization::huggingface;
    Tokenizer const tokenizer =
        Tokenizer::load(arguments.at(0), tokenization, has("parse") ? SpecialInText::parse : SpecialInText::text);
    std::string line;
    while (std::getline(std::cin, line))
        std::cout << answer(json::parse(line), tokenizer, arguments.at(0)).dump() << '\n';
    return 0;
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: tokenizer_ids FOLDER [parse|text] [mistral]\n");
        return 64;
    }
    try {
        return gatesweep::run({argv + 1, argv + argc});
    } catch (gatesweep::Error const& error) {
        fmt::print(stderr, "{}\n", error.what());
        return static_cast<int>(error.code());
    }
}
