#include "pattern.h"

namespace gatesweep::bpe {

Pattern Pattern::read(Fields const& fields) {
    Fields const pattern = fields.object("pattern");
    pattern.allow_only({"String", "Regex"});
    if (pattern.has("Regex")) {
        if (pattern.has("String")) pattern.refuse("String");
        return Pattern(Regex(pattern.text("Regex"), pattern.place()));
    }
    std::string literal = pattern.text("String");
    if (literal.empty()) pattern.refuse("String");
    return Pattern(std::move(literal));
}

std::vector<Match> Pattern::find_all(std::string_view text) const {
    if (regex_) return regex_->find_all(text);
    std::vector<Match> out;
    for (std::size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, at + literal_.size()))
        out.push_back({at, at + literal_.size()});
    return out;
}

}  // namespace gatesweep::bpe
