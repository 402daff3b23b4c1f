// The checkpoint's own chat template, rendered and encoded.
//
// Tokenization::huggingface: what apply_chat_template gives. The rendered text is encoded as a whole; a special token
// that the template writes becomes its id; written by a user, it stays text unless SpecialInText::parse is asked for.
//
// Tokenization::mistral (mistral-common V1): BOS, then SentencePiece's own encoding of each rendered turn; an assistant
// turn ends with EOS. A template that renders a space before "[INST]" or an answer means the same ids: SentencePiece
// adds its dummy prefix itself, so one leading space that the template (not the user) put there is dropped. A control
// piece that the template writes ("<s>", or "[INST]" where the vocabulary has such a piece) becomes its id; typed by a
// user, it stays text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/input/tokenizer.h"

namespace gatesweep {

namespace jinja {
class Template;
struct Rendering;
struct Text;
}  // namespace jinja

struct Message {
    std::string role;  // user | assistant | system
    std::string content;
};

// What a template is given beside the conversation. Values are JSON.
struct TemplateSettings {
    std::string name;                                   // of several templates; empty: "default"
    std::string date;                                   // what strftime_now() tells, "2026-11-30"; empty: refused
    std::map<std::string, std::string> arguments;       // variables of the job's own: enable_thinking to "false"
    std::map<std::string, std::string> special_tokens;  // bos_token to "\"<s>\"" or "null"; load() reads them
};

// A conversation as the template writes it.
struct ChatText {
    std::string bytes;
    std::string authors;  // of every byte: 't' the template, 'u' the user
    // First byte and end of what stood inside {% generation %}: the assistant's own words. Templates without it: none.
    std::vector<std::pair<std::size_t, std::size_t>> generated;
};

// A conversation as tokens.
struct ChatTokens {
    ChatText text;
    std::vector<std::int32_t> ids;
    std::vector<TokenPlace> places;  // of each token in the text; what stands nowhere in it has an empty one
};

enum class Turns { all, some };  // `some`: the beginning of a conversation, which the model does not answer yet

class ChatTemplate {
public:
    // From a checkpoint folder: chat_template.jinja and additional_chat_templates/NAME.jinja, or chat_template of
    // tokenizer_config.json (a string, or a list of {name, template}). Of several the one that `settings` name counts.
    // Special tokens are those of tokenizer_config.json, else of special_tokens_map.json, else the tokenizer's.
    // Errors: input_missing when there is none, bad_data.
    static ChatTemplate load(std::filesystem::path const& folder, TemplateSettings settings = {});
    // `source` is Jinja; `name` is used in messages. Errors: bad_data for what is no Jinja.
    ChatTemplate(std::string source, std::string name, TemplateSettings settings = {});

    // Errors: bad_data with the template's own raise_exception text (roles that do not alternate, say), with the line
    // for what the template does and is not supported.
    ChatText render(std::vector<Message> const& messages, Turns turns, Tokenizer const& tokenizer) const;
    // Ids of a conversation that ends with a user turn; with Tokenization::mistral exactly one BOS, at the start.
    // Errors: as render; for a conversation that ends otherwise, for a second BOS.
    std::vector<std::int32_t> encode(std::vector<Message> const& messages, Tokenizer const& tokenizer) const;
    // The same of a conversation that may end with any turn, with the places of its tokens: one that ends with an
    // answer is left as it is, a user's turn is followed by the beginning of the next. Errors: as render; for a second
    // BOS.
    ChatTokens tokens(std::vector<Message> const& messages, Tokenizer const& tokenizer) const;
    std::string const& source() const { return source_; }

private:
    std::vector<std::int32_t> encode(ChatText const& text, std::vector<Message> const& messages,
                                     Tokenizer const& tokenizer, std::vector<TokenPlace>* places) const;
    jinja::Rendering rendering(std::vector<Message> const& messages, std::size_t count, Turns turns,
                               Tokenizer const& tokenizer) const;
    std::vector<std::size_t> turn_ends(std::vector<Message> const& messages, jinja::Text const& whole,
                                       Tokenizer const& tokenizer) const;

    std::string source_;
    std::string name_;
    TemplateSettings settings_;
    std::shared_ptr<jinja::Template const> template_;
};

}  // namespace gatesweep
