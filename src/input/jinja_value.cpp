#include "jinja_value.h"

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep::jinja {
namespace {

// True and False are 1 and 0, as in Python.
bool as_whole(Value const& value, std::int64_t& out) {
    if (auto const* flag = value.flag())
        out = *flag;
    else if (auto const* whole = value.whole())
        out = *whole;
    else
        return false;
    return true;
}

}  // namespace

bool truth(Value const& value) {
    std::int64_t whole = 0;
    if (as_whole(value, whole)) return whole != 0;
    if (auto const* text = value.text()) return !text->bytes.empty();
    if (auto const* list = value.list()) return !list->empty();
    if (auto const* dict = value.dict()) return !dict->empty();
    return false;
}

Value const* find(Dict const& dict, std::string_view key) {
    auto const it = std::find_if(dict.begin(), dict.end(), [&](auto const& item) { return item.first == key; });
    return it == dict.end() ? nullptr : &it->second;
}

bool equal(Value const& a, Value const& b) {
    std::int64_t x = 0, y = 0;
    if (as_whole(a, x) && as_whole(b, y)) return x == y;
    if (a.kind != b.kind) return false;
    if (auto const* text = a.text()) return text->bytes == b.text()->bytes;
    if (auto const* list = a.list())
        return std::equal(list->begin(), list->end(), b.list()->begin(), b.list()->end(), equal);
    if (auto const* dict = a.dict()) {
        return dict->size() == b.dict()->size() && std::all_of(dict->begin(), dict->end(), [&](auto const& item) {
                   Value const* other = find(*b.dict(), item.first);
                   return other && equal(item.second, *other);
               });
    }
    return true;  // two None, or two undefined
}

std::string type_name(Value const& value) {
    static constexpr char const* names[] = {"undefined", "none",   "a truth value", "a number",
                                            "a text",    "a list", "a dictionary"};
    return names[value.kind];
}

Text to_text(Value const& value) {
    if (auto const* text = value.text()) return *text;
    if (value.undefined()) return {};
    if (value.none()) return Text("None", Text::by_template);
    if (auto const* flag = value.flag()) return Text(*flag ? "True" : "False", Text::by_template);
    if (auto const* whole = value.whole()) return Text(std::to_string(*whole), Text::by_template);
    fail(ExitCode::bad_data, "{} is printed", type_name(value));
}

}  // namespace gatesweep::jinja
