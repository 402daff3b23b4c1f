// Methods of texts.
#include "methods_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "format.h"
#include "letters.h"
#include "one_of.h"
#include "operators.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

constexpr std::int64_t everywhere = -1;

// Python takes these by their place alone.
Bound by_place(std::string_view name, Arguments const& arguments, std::initializer_list<std::string_view> names,
               std::size_t required = 0) {
    if (!arguments.named.empty()) refuse(fmt::format(".{}() with a named argument", name));
    return Bound(name, arguments, names, required);
}

Value texts(std::vector<Text> parts, Flavour flavour = Flavour::list) {
    List out;
    for (Text& part : parts)
        out.push_back(std::move(part));
    return make_sequence(flavour, std::move(out));
}

Value stripped(Text const& self, std::string_view name, Arguments const& arguments) {
    Bound const bound = by_place(name, arguments, {"chars"});
    Side const side = name == "strip" ? Side::both : name == "lstrip" ? Side::left : Side::right;
    if (!bound.has(0) || bound.value(0).none()) return strip(self, side);
    return strip(self, side, bound.text(0).bytes);
}

Value parts(Text const& self, std::string_view name, Arguments const& arguments) {
    Bound const bound(name, arguments, {"sep", "maxsplit"});
    std::int64_t const most = std::max(everywhere, bound.whole(1, everywhere));
    bool const left = name == "split";
    if (!bound.has(0) || bound.value(0).none()) return texts(left ? split(self, most) : split_right(self, most));
    std::string const& at = bound.text(0).bytes;
    return texts(left ? split(self, at, most) : split_right(self, at, most));
}

// The part of a text that startswith, find and others look at, and where it begins.
struct Window {
    Text text;
    std::int64_t begin = 0;
    bool beyond = false;  // nothing is found there, not even an empty text
};
Window window(Text const& self, Bound const& bound) {
    std::int64_t const size = character_count(self.bytes);
    auto const placed = [&](std::size_t i, std::int64_t fallback) {
        if (!bound.has(i) || bound.value(i).none()) return fallback;
        std::int64_t const at = bound.whole(i);
        return at < 0 ? std::max<std::int64_t>(0, at < -size ? 0 : at + size) : at;
    };
    std::int64_t const begin = placed(1, 0), end = std::min(placed(2, size), size);
    if (begin > size || begin > end) return {{}, begin, true};
    return {slice(self, begin, end, 1), begin, false};
}

bool starts_or_ends(Text const& self, std::string_view name, Arguments const& arguments) {
    Bound const bound = by_place(name, arguments, {"prefix", "start", "end"}, 1);
    Window const seen = window(self, bound);
    Sequence const* several = bound.value(0).sequence(Flavour::tuple);
    List const wanted = several ? several->items : List{bound.text(0)};
    return std::any_of(wanted.begin(), wanted.end(), [&](Value const& one) {
        if (!one.text()) refuse(fmt::format(".{}() of {}", name, type_name(one)));
        std::string const& bytes = one.text()->bytes;
        if (seen.beyond) return false;
        return name == "startswith" ? seen.text.bytes.starts_with(bytes) : seen.text.bytes.ends_with(bytes);
    });
}

Value found(Text const& self, std::string_view name, Arguments const& arguments) {
    Bound const bound = by_place(name, arguments, {"sub", "start", "end"}, 1);
    std::string const& wanted = bound.text(0).bytes;
    Window const seen = window(self, bound);
    spend_bytes(self.bytes.size());
    if (name == "count") {
        if (seen.beyond) return std::int64_t{0};
        if (wanted.empty()) return character_count(seen.text.bytes) + 1;
        return static_cast<std::int64_t>(split(seen.text, wanted, everywhere).size()) - 1;
    }
    std::size_t const at = seen.beyond             ? std::string::npos
                           : name.starts_with('r') ? seen.text.bytes.rfind(wanted)
                                                   : seen.text.bytes.find(wanted);
    if (at != std::string::npos) return seen.begin + character_count(std::string_view(seen.text.bytes).substr(0, at));
    if (name.ends_with("index")) refuse(fmt::format(".{}() of what is not there", name));
    return std::int64_t{-1};
}

Value partition(Text const& self, std::string_view name, Arguments const& arguments) {
    Bound const bound = by_place(name, arguments, {"sep"}, 1);
    Text const& at = bound.text(0);
    bool const right = name == "rpartition";
    auto const halves = right ? split_right(self, at.bytes, 1) : split(self, at.bytes, 1);
    if (halves.size() == 2) {
        Text const middle = self.substr(halves[0].bytes.size(), at.bytes.size());
        return texts({halves[0], middle, halves[1]}, Flavour::tuple);
    }
    return right ? texts({{}, {}, self}, Flavour::tuple) : texts({self, {}, {}}, Flavour::tuple);
}

Value padded(Text const& self, std::string_view name, Arguments const& arguments) {
    Bound const bound = by_place(name, arguments, {"width", "fillchar"}, 1);
    Text const fill = bound.has(1) ? bound.text(1) : Text(" ", Text::by_template);
    if (character_count(fill.bytes) != 1) refuse(fmt::format(".{}() with a filler of several characters", name));
    return pad(self, bound.whole(0), fill, name == "center" ? Side::both : name == "ljust" ? Side::left : Side::right);
}

Value zero_filled(Text const& self, Arguments const& arguments) {
    Bound const bound = by_place("zfill", arguments, {"width"}, 1);
    std::size_t const sign = self.bytes.starts_with('-') || self.bytes.starts_with('+') ? 1 : 0;
    Text out = self.substr(0, sign);
    append(out, pad(self.substr(sign, self.bytes.size() - sign), bound.whole(0) - static_cast<std::int64_t>(sign),
                    Text("0", Text::by_template), Side::right));
    return out;
}

Value joined(Text const& self, Arguments const& arguments) {
    Bound const bound = by_place("join", arguments, {"iterable"}, 1);
    std::vector<Text> out;
    for (Value const& one : iterate(bound.value(0))) {
        if (!one.text()) refuse(fmt::format(".join() of {}", type_name(one)));
        out.push_back(*one.text());
    }
    return join(self, out);
}

// isdigit, isalpha and the like, of ASCII texts; what other scripts count as is not guessed.
bool is_all(Text const& self, std::string_view name) {
    bool cased = false, cleanly_titled = true, inside = false;
    for (Character const& c : characters(self.bytes)) {
        if (name == "isspace") {
            if (!is_space(c.code)) return false;
            continue;
        }
        if (name == "isascii") {
            if (c.code >= 0x80) return false;
            continue;
        }
        if (c.code >= 0x80) refuse(fmt::format(".{}() of characters beyond ASCII", name));
        bool const digit = c.code >= '0' && c.code <= '9', letter = is_cased(c.code);
        bool const capital = letter && to_lower(c.code) != c.code;
        if (is_one_of(name, {"isdigit", "isdecimal", "isnumeric"}) && !digit) return false;
        if (name == "isalpha" && !letter) return false;
        if (name == "isalnum" && !letter && !digit) return false;
        if (name == "isidentifier" && !letter && c.code != '_' && (!digit || c.at == 0)) return false;
        if (name == "isprintable" && !is_printable(c.code)) return false;
        if (letter && ((name == "isupper" && !capital) || (name == "islower" && capital))) return false;
        if (letter && capital == inside) cleanly_titled = false;
        inside = letter;
        cased = cased || letter;
    }
    if (name == "isupper" || name == "islower") return cased;
    if (name == "istitle") return cased && cleanly_titled;
    return !self.bytes.empty() || name == "isascii" || name == "isprintable";
}

}  // namespace

Value text_method(Text const& self, std::string_view name, Arguments const& arguments) {
    if (is_one_of(name, {"strip", "lstrip", "rstrip"})) return stripped(self, name, arguments);
    if (is_one_of(name, {"split", "rsplit"})) return parts(self, name, arguments);
    if (is_one_of(name, {"startswith", "endswith"})) return starts_or_ends(self, name, arguments);
    if (is_one_of(name, {"find", "rfind", "index", "rindex", "count"})) return found(self, name, arguments);
    if (is_one_of(name, {"partition", "rpartition"})) return partition(self, name, arguments);
    if (is_one_of(name, {"center", "ljust", "rjust"})) return padded(self, name, arguments);
    if (name == "zfill") return zero_filled(self, arguments);
    if (name == "join") return joined(self, arguments);
    if (name == "format") return brace_format(self, arguments);
    if (name == "splitlines") return texts(split_lines(self, Bound(name, arguments, {"keepends"}).flag(0)));
    if (name == "replace") {
        Bound const bound = by_place(name, arguments, {"old", "new", "count"}, 2);
        return replace(self, bound.text(0).bytes, bound.text(1), bound.whole(2, everywhere));
    }
    if (name == "removeprefix" || name == "removesuffix") {
        std::string const part = by_place(name, arguments, {"part"}, 1).text(0).bytes;
        bool const front = name == "removeprefix";
        if (!(front ? self.bytes.starts_with(part) : self.bytes.ends_with(part))) return self;
        return self.substr(front ? part.size() : 0, self.bytes.size() - part.size());
    }
    Bound const none(name, arguments, {});
    if (name == "upper") return upper(self);
    if (name == "lower") return lower(self);
    if (name == "title") return title(self);
    if (name == "capitalize") return capitalize(self);
    if (name == "swapcase") return swap_case(self);
    if (name.starts_with("is")) return is_all(self, name);
    if (name == "casefold" && is_all(self, "isascii")) return lower(self);
    refuse(fmt::format(".{}() of such a text is not supported", name));
}

}  // namespace gatesweep::jinja
