// tojson as transformers gives it to templates: json.dumps without escaping for HTML.
#include "json.h"

#include <fmt/format.h>

#include <algorithm>

#include "attributes.h"
#include "one_of.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

class Writer {
public:
    explicit Writer(Arguments const& arguments) {
        Bound const bound("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
        ascii_ = bound.flag(0);
        sorted_ = bound.flag(3);
        if (bound.has(1) && !bound.value(1).none()) {
            breaks_ = true;
            indent_ =
                bound.value(1).text() ? *bound.value(1).text() : repeat(Text(" ", Text::by_template), bound.whole(1));
            item_separator_ = ours(",");
        }
        if (bound.has(2) && !bound.value(2).none()) {
            List const both = iterate(bound.value(2));
            if (both.size() != 2 || !both[0].text() || !both[1].text()) refuse("separators of tojson are two texts");
            item_separator_ = *both[0].text();
            key_separator_ = *both[1].text();
        }
    }

    Text run(Value const& value) {
        write(value);
        return std::move(out_);
    }

private:
    static Text ours(std::string_view text) { return Text(text, Text::by_template); }
    void put(std::string_view text) { append(out_, ours(text)); }

    void new_line(int level) {
        if (!breaks_) return;
        put("\n");
        append(out_, repeat(indent_, level));
    }

    void write_text(Text const& text) {
        put("\"");
        for (auto const& [code, at, size] : characters(text.bytes)) {
            auto const c = static_cast<unsigned>(code);
            auto const plain = std::string_view("\"\\\n\r\t\b\f").find(text.bytes[at]);
            if (plain != std::string_view::npos)
                put(std::string("\\") + "\"\\nrtbf"[plain]);
            else if (c >= 0x10000 && ascii_)
                put(fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((c - 0x10000) >> 10),
                                0xDC00 + ((c - 0x10000) & 0x3FF)));
            else if (c < 0x20 || (ascii_ && c > 0x7E))
                put(fmt::format("\\u{:04x}", c));
            else
                out_ += text.substr(at, size);
        }
        put("\"");
    }

    template <class Items, class WriteOne>
    void write_items(Items const& items, std::string_view brackets, WriteOne const& write_one) {
        put(brackets.substr(0, 1));
        ++level_;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0) append(out_, item_separator_);
            new_line(level_);
            write_one(items[i]);
        }
        --level_;
        if (!items.empty()) new_line(level_);
        put(brackets.substr(1));
    }

    Text key_text(Value const& key) const {
        if (Text const* text = key.text()) return *text;
        if (key.none()) return ours("null");
        if (bool const* flag = key.flag()) return ours(*flag ? "true" : "false");
        if (key.whole() || key.real()) return to_text(key);
        refuse(fmt::format("tojson of a dictionary with {} as a key", type_name(key)));
    }

    void write(Value const& value) {
        spend(1);
        if (Text const* text = value.text() ? value.text() : value.markup()) return write_text(*text);
        if (value.none()) return put("null");
        if (bool const* flag = value.flag()) return put(*flag ? "true" : "false");
        if (value.whole() || value.real()) return append(out_, to_text(value));
        Sequence const* sequence = value.sequence();
        if (sequence && is_one_of(type_name(value), {"a list", "a tuple", "a group"}))
            return write_items(sequence->items, "[]", [&](Value const& item) { write(item); });
        if (!value.dict()) refuse(fmt::format("tojson of {}", type_name(value)));
        Dict items = value.dict()->items;
        if (sorted_)
            std::stable_sort(items.begin(), items.end(),
                             [](auto const& a, auto const& b) { return compare(a.first, b.first) < 0; });
        write_items(items, "{}", [&](auto const& entry) {
            write_text(key_text(entry.first));
            append(out_, key_separator_);
            write(entry.second);
        });
    }

    bool ascii_ = false, sorted_ = false, breaks_ = false;
    Text indent_;
    Text item_separator_ = ours(", ");
    Text key_separator_ = ours(": ");
    int level_ = 0;
    Text out_;
};

}  // namespace

Text to_json(Value const& self, Arguments const& arguments) {
    return Writer(arguments).run(self);
}

}  // namespace gatesweep::jinja
