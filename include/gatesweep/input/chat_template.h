// The checkpoint's own chat template, rendered to turns and encoded turn by turn.
//
// Reference ids (mistral-common V1): BOS, then SentencePiece's own encoding of each rendered turn; an assistant turn
// ends with EOS. A template that renders a space before "[INST]" or an answer means the same ids: SentencePiece adds
// its dummy prefix itself, so one leading space that the template (not the user) put there is dropped. A control piece
// that the template writes ("<s>", or "[INST]" where the vocabulary has such a piece) becomes its id; typed by a user,
// it stays text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gatesweep/input/tokenizer.h"

namespace gatesweep {

namespace jinja {
class Template;
}

struct Message {
    std::string role;  // user | assistant | system
    std::string content;
};

class ChatTemplate {
public:
    // From a checkpoint folder: chat_template.jinja, or chat_template of tokenizer_config.json (a string, or a list of
    // {name, template} of which "default" counts). Errors: input_missing when there is none, bad_data.
    static ChatTemplate load(std::filesystem::path const& folder);
    // `source` is Jinja; `name` is used in messages. A construct outside the supported subset is bad_data, at this
    // call.
    ChatTemplate(std::string source, std::string name);

    // Ids of a conversation that ends with a user turn: exactly one BOS, at the start.
    // Errors: bad_data with the template's own raise_exception text (roles that do not alternate, say), for a
    // conversation that ends otherwise, for a second BOS.
    std::vector<std::int32_t> encode(std::vector<Message> const& messages, Tokenizer const& tokenizer) const;
    std::string const& source() const { return source_; }

private:
    std::string source_;
    std::string name_;
    std::shared_ptr<jinja::Template const> template_;
};

}  // namespace gatesweep
