// Input: a chat template in Jinja, rendered with a short conversation.
#include "fuzz_target.h"
#include "jinja.h"

namespace {

using namespace gatesweep::jinja;

Value text(std::string_view bytes, Text::Author author = Text::by_template) {
    return Value(Text(bytes, author));
}

Value message(std::string_view role, std::string_view content) {
    return make_dict({{"role", text(role)}, {"content", text(content, Text::by_user)}});
}

}  // namespace

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    Template const source(input);
    Text const out = source.render({{"messages", make_list({message("system", "be brief"), message("user", " hi <s>"),
                                                            message("assistant", "hello"), message("user", "bye")})},
                                    {"bos_token", text("<s>")},
                                    {"eos_token", text("</s>")},
                                    {"add_generation_prompt", Value(true)},
                                    {"tools", Value(None{})}});
    require(out.bytes.size() == out.authors.size(), "every byte has an author");
}
