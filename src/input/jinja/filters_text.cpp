// Filters that make a text of whatever they are given.
#include "filters.h"

#include <fmt/format.h>

#include <algorithm>

#include "attributes.h"
#include "format.h"
#include "letters.h"
#include "one_of.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

Text ours(std::string_view text) {
    return Text(text, Text::by_template);
}

Text title_words(Text const& text) {
    bool begins = true;
    Text out;
    for (auto const& [code, at, size] : characters(text.bytes)) {
        Text const one = text.substr(at, size);
        bool const separates = is_space(code) || std::u32string_view(U"-({[<").find(code) != std::u32string_view::npos;
        append(out, separates ? one : begins ? upper(one) : lower(one));
        begins = separates;
    }
    return out;
}

Text indented(Value const& self, Arguments const& arguments) {
    Bound const bound("indent", arguments, {"width", "first", "blank"});
    if (!self.text()) refuse(fmt::format("\"indent\" of {}", type_name(self)));
    bool const by_text = bound.has(0) && bound.value(0).text();
    Text const indent = by_text ? bound.text(0) : repeat(ours(" "), bound.whole(0, 4));
    Text whole = *self.text();
    append(whole, ours("\n"));  // as jinja2 does, for the last line
    auto const lines = split_lines(whole, false);
    Text out = bound.flag(1) ? indent : Text();
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) append(out, ours("\n"));
        if (i > 0 && (bound.flag(2) || !lines[i].bytes.empty())) append(out, indent);
        append(out, lines[i]);
    }
    return out;
}

Value truncated(Value const& self, Arguments const& arguments) {
    Bound const bound("truncate", arguments, {"length", "killwords", "end", "leeway"});
    if (self.undefined()) return self;
    if (!self.text()) refuse(fmt::format("\"truncate\" of {}", type_name(self)));
    Text const& text = *self.text();
    Text const end = bound.has(2) ? bound.text(2) : ours("...");
    std::int64_t const length = bound.whole(0, 255), leeway = bound.has(3) ? bound.whole(3) : 5;
    std::int64_t const end_length = character_count(end.bytes), size = character_count(text.bytes);
    if (length < end_length || leeway < 0) refuse("\"truncate\" to less than its end");
    if (size <= length + leeway) return text;
    Text out = slice(text, 0, length - end_length, 1);
    if (!bound.flag(1)) out = split_right(out, " ", 1)[0];
    append(out, end);
    return out;
}

std::int64_t word_count(Text const& text) {
    std::int64_t count = 0;
    bool inside = false;
    for (Character const& c : characters(text.bytes)) {
        if (c.code >= 0x80) refuse("\"wordcount\" of characters beyond ASCII");
        bool const word = is_cased(c.code) || (c.code >= '0' && c.code <= '9') || c.code == '_';
        count += word && !inside;
        inside = word;
    }
    return count;
}

Text joined(Value const& self, Arguments const& arguments) {
    Bound const bound("join", arguments, {"d", "attribute"});
    std::vector<Text> parts;
    for (Value const& one : iterate(self)) {
        bool const whole = !bound.has(1) || bound.value(1).none();
        Value const found = whole ? one : by_path(one, bound.value(1));
        if (found.markup()) refuse("\"join\" of a text that went through \"safe\"");
        parts.push_back(to_text(found));
    }
    return join(bound.has(0) ? to_text(bound.value(0)) : Text(), parts);
}

}  // namespace

Text escaped(Value const& value) {
    if (Text const* safe = value.markup()) return *safe;
    Text const text = to_text(value);
    Text out;
    for (std::size_t i = 0; i < text.bytes.size(); ++i) {
        auto const which = std::string_view("&<>'\"").find(text.bytes[i]);
        static constexpr std::string_view names[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
        if (which == std::string_view::npos)
            out += text.substr(i, 1);
        else
            append(out, Text(names[which], static_cast<Text::Author>(text.authors[i])));
    }
    return out;
}

std::optional<Value> text_filter(std::string_view name, Value const& self, Arguments const& arguments) {
    if (name == "trim") {
        Bound const bound(name, arguments, {"chars"});
        bool const given = bound.has(0) && !bound.value(0).none();
        Text const text = to_text(self);
        Value const out = given ? strip(text, Side::both, bound.text(0).bytes) : strip(text, Side::both);
        return self.markup() ? out.as_markup() : out;
    }
    if (name == "escape" || name == "e") {
        Bound const none(name, arguments, {});
        return Value(escaped(self)).as_markup();
    }
    if (name == "indent") return indented(self, arguments);
    if (name == "truncate") return truncated(self, arguments);
    if (name == "join") return joined(self, arguments);
    if (name == "replace") {
        Bound const bound(name, arguments, {"old", "new", "count"}, 2);
        bool const all = !bound.has(2) || bound.value(2).none();
        return replace(to_text(self), to_text(bound.value(0)).bytes, to_text(bound.value(1)),
                       all ? -1 : bound.whole(2));
    }
    if (name == "center") {
        Bound const bound(name, arguments, {"width"});
        return pad(to_text(self), bound.whole(0, 80), ours(" "), Side::both);
    }
    if (name == "format") {
        if (!arguments.named.empty() && !arguments.values.empty()) refuse("\"format\" with both kinds of arguments");
        bool const named = !arguments.named.empty();
        Value const values = named ? make_dict(arguments.named) : make_sequence(Flavour::tuple, arguments.values);
        return percent_format(to_text(self), values);
    }
    if (!is_one_of(name, {"string", "safe", "upper", "lower", "capitalize", "title", "wordcount"})) return std::nullopt;
    Bound const none(name, arguments, {});
    if (self.markup()) return self;
    Text const text = to_text(self);
    if (name == "string") return text;
    if (name == "safe") return Value(text).as_markup();
    if (name == "upper") return upper(text);
    if (name == "lower") return lower(text);
    if (name == "capitalize") return capitalize(text);
    if (name == "title") return title_words(text);
    return word_count(text);
}

}  // namespace gatesweep::jinja
