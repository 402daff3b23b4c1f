// Input: a chat template in Jinja, rendered with a short conversation.
#include "fuzz_target.h"
#include "input/jinja/jinja.h"

namespace {

using namespace gatesweep::jinja;

Value text(std::string_view bytes, Text::Author author = Text::by_template) {
    return Value(Text(bytes, author));
}

Value message(std::string_view role, std::string_view content) {
    return make_dict(Names{{"role", text(role)}, {"content", text(content, Text::by_user)}});
}

}  // namespace

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    Template const source(input);
    Rendering const rendering =
        source.render({{"messages", make_list({message("system", "be brief"), message("user", " hi <s>"),
                                               message("assistant", "hello"), message("user", "bye")})},
                       {"bos_token", text("<s>")},
                       {"eos_token", text("</s>")},
                       {"add_generation_prompt", Value(true)},
                       {"tools", Value(None{})}},
                      "2026-11-30");
    Text const& out = rendering.text;
    for (auto const& span : rendering.generated)
        require(span.begin < span.end && span.end <= out.bytes.size(), "a span lies inside the text");
    require(out.authors.find_first_not_of("tu") == std::string::npos, "every byte is the template's or the user's");
    require(out.bytes.size() == out.authors.size(), "every byte has an author");
}
