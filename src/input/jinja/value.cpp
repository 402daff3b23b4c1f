#include "value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text.h"

namespace gatesweep::jinja {
namespace {

constexpr int max_nesting = 100;  // of lists and dictionaries in each other

int checked_depth(int depth) {
    if (depth > max_nesting) refuse("lists and dictionaries are nested too deeply");
    return depth;
}

int order_of(long double a, long double b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

// Exact for 64 bits of whole number beside a double.
bool number_of(Value const& value, long double& out) {
    std::int64_t whole = 0;
    if (whole_of(value, whole))
        out = static_cast<long double>(whole);
    else if (value.real())
        out = static_cast<long double>(*value.real());
    else
        return false;
    return true;
}

bool is_tuple(Flavour flavour) {
    return flavour == Flavour::tuple || flavour == Flavour::group;
}

bool equal_sequences(Sequence const& a, Sequence const& b) {
    if (&a == &b) return true;
    bool const views = a.flavour == Flavour::keys || a.flavour == Flavour::items || b.flavour == Flavour::keys ||
                       b.flavour == Flavour::items;
    if (views) refuse("keys() or items() of a dictionary are compared");
    if (a.flavour == Flavour::stream || a.flavour == Flavour::values) return false;
    if (a.flavour != b.flavour && !(is_tuple(a.flavour) && is_tuple(b.flavour))) return false;
    return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), equal);
}

}  // namespace

int Value::depth() const {
    if (Sequence const* found = sequence()) return found->depth;
    if (Dictionary const* found = dict()) return found->depth;
    return object() ? object()->depth : 0;
}

Value make_sequence(Flavour flavour, List items) {
    spend(items.size());
    int depth = 1;
    for (Value const& item : items)
        depth = std::max(depth, item.depth() + 1);
    return std::make_shared<Sequence>(Sequence{std::move(items), flavour, checked_depth(depth)});
}

Value make_dictionary(Dict items) {
    spend(items.size());
    int depth = 1;
    for (auto const& [key, value] : items)
        depth = std::max({depth, key.depth() + 1, value.depth() + 1});
    return std::make_shared<Dictionary>(Dictionary{std::move(items), checked_depth(depth)});
}

Value make_dict(Names const& items) {
    Dict out;
    for (auto const& [name, value] : items)
        put(out, make_text(name), value);
    return make_dictionary(std::move(out));
}

Value make_real(double value) {
    if (!std::isfinite(value)) refuse("a number that is too large");
    return value;
}

bool whole_of(Value const& value, std::int64_t& out) {
    if (bool const* flag = value.flag())
        out = *flag;
    else if (auto const* whole = value.whole())
        out = *whole;
    else
        return false;
    return true;
}

bool real_of(Value const& value, double& out) {
    std::int64_t whole = 0;
    if (whole_of(value, whole))
        out = static_cast<double>(whole);
    else if (value.real())
        out = *value.real();
    else
        return false;
    return true;
}

bool truth(Value const& value) {
    if (value.undefined() || value.none()) return false;
    if (bool const* flag = value.flag()) return *flag;
    if (auto const* whole = value.whole()) return *whole != 0;
    if (auto const* real = value.real()) return *real != 0.0;
    if (Text const* text = value.text()) return !text->bytes.empty();
    if (Text const* text = value.markup()) return !text->bytes.empty();
    if (Dictionary const* dict = value.dict()) return !dict->items.empty();
    if (Sequence const* sequence = value.sequence())
        return sequence->flavour == Flavour::stream || !sequence->items.empty();
    return true;
}

bool equal(Value const& a, Value const& b) {
    spend(1);
    long double x = 0, y = 0;
    if (number_of(a, x) && number_of(b, y)) return x == y;
    Text const* left = a.text() ? a.text() : a.markup();
    Text const* right = b.text() ? b.text() : b.markup();
    if (left && right) return left->bytes == right->bytes;
    if (a.sequence() && b.sequence()) return equal_sequences(*a.sequence(), *b.sequence());
    if (a.dict() && b.dict()) {
        Dict const& items = a.dict()->items;
        return items.size() == b.dict()->items.size() && std::all_of(items.begin(), items.end(), [&](auto const& item) {
                   Value const* other = find(b.dict()->items, item.first);
                   return other && equal(item.second, *other);
               });
    }
    if (a.object() || b.object()) return a.object() == b.object();
    return (a.none() && b.none()) || (a.undefined() && b.undefined());
}

bool same(Value const& a, Value const& b) {
    if (a.undefined() || b.undefined()) return false;  // every look-up makes another
    if (a.none() || b.none()) return a.none() && b.none();
    if (a.flag() || b.flag()) return a.flag() && b.flag() && *a.flag() == *b.flag();
    if (a.sequence() || b.sequence()) return a.sequence() == b.sequence();
    if (a.dict() || b.dict()) return a.dict() == b.dict();
    if (a.object() || b.object()) return a.object() == b.object();
    // Python shares small whole numbers; what else it shares is nobody's business.
    auto const small = [](Value const& value) {
        return value.whole() && *value.whole() >= -5 && *value.whole() <= 256;
    };
    if (small(a) && small(b)) return *a.whole() == *b.whole();
    if (!equal(a, b) || type_name(a) != type_name(b)) return false;
    refuse("\"sameas\" of equal texts or numbers");
}

int compare(Value const& a, Value const& b) {
    spend(1);
    long double x = 0, y = 0;
    if (number_of(a, x) && number_of(b, y)) return order_of(x, y);
    if (a.text() && b.text()) return a.text()->bytes.compare(b.text()->bytes);
    Sequence const* left = a.sequence();
    Sequence const* right = b.sequence();
    bool const ordered = left && right &&
                         ((left->flavour == Flavour::list && right->flavour == Flavour::list) ||
                          (is_tuple(left->flavour) && is_tuple(right->flavour)));
    if (!ordered) refuse(fmt::format("{} and {} have no order", type_name(a), type_name(b)));
    for (std::size_t i = 0; i < std::min(left->items.size(), right->items.size()); ++i) {
        if (!equal(left->items[i], right->items[i])) return compare(left->items[i], right->items[i]);
    }
    return order_of(static_cast<long double>(left->items.size()), static_cast<long double>(right->items.size()));
}

std::string type_name(Value const& value) {
    if (value.undefined()) return "undefined";
    if (value.none()) return "none";
    if (value.flag()) return "a truth value";
    if (value.whole() || value.real()) return "a number";
    if (value.text() || value.markup()) return "a text";
    if (value.dict()) return "a dictionary";
    if (Sequence const* sequence = value.sequence()) {
        static constexpr char const* names[] = {"a list",
                                                "a tuple",
                                                "a range",
                                                "keys of a dictionary",
                                                "values of a dictionary",
                                                "items of a dictionary",
                                                "a stream (read once, not yet a list)",
                                                "a group"};
        return names[static_cast<std::size_t>(sequence->flavour)];
    }
    static constexpr char const* names[] = {"a namespace", "a function", "a macro", "a loop", "a cycler", "a joiner"};
    return names[value.object()->kind];
}

List iterate(Value const& value) {
    if (value.undefined()) return {};
    if (Sequence* sequence = value.sequence()) {
        spend(sequence->items.size());
        if (sequence->flavour == Flavour::stream) return std::exchange(sequence->items, {});
        return sequence->items;
    }
    List out;
    if (Dictionary const* dict = value.dict()) {
        spend(dict->items.size());
        for (auto const& item : dict->items)
            out.push_back(item.first);
        return out;
    }
    if (Text const* text = value.text()) {
        for (auto const& [code, at, size] : characters(text->bytes))
            out.push_back(text->substr(at, size));
        return out;
    }
    refuse(fmt::format("a loop over {}", type_name(value)));
}

void check_key(Value const& key) {
    bool const tuple = key.sequence() && is_tuple(key.sequence()->flavour);
    if (tuple) {
        std::for_each(key.sequence()->items.begin(), key.sequence()->items.end(), check_key);
        return;
    }
    if (key.sequence() || key.dict() || key.markup()) refuse(fmt::format("{} is a key", type_name(key)));
}

Value const* find(Dict const& dict, Value const& key) {
    spend(dict.size() / 4);
    auto const it = std::find_if(dict.begin(), dict.end(), [&](auto const& item) { return equal(item.first, key); });
    return it == dict.end() ? nullptr : &it->second;
}

Value const* find(Dict const& dict, std::string_view key) {
    spend(dict.size() / 4);
    auto const it = std::find_if(dict.begin(), dict.end(), [&](auto const& item) {
        return item.first.text() && item.first.text()->bytes == key;
    });
    return it == dict.end() ? nullptr : &it->second;
}

void put(Dict& dict, Value key, Value value) {
    check_key(key);
    if (Value const* found = find(dict, key))
        *const_cast<Value*>(found) = std::move(value);
    else
        dict.emplace_back(std::move(key), std::move(value));
}

Value const* find(Names const& names, std::string_view name) {
    spend(names.size() / 16);
    auto const it = std::find_if(names.begin(), names.end(), [&](auto const& item) { return item.first == name; });
    return it == names.end() ? nullptr : &it->second;
}

void put(Names& names, std::string const& name, Value value) {
    if (Value const* found = find(names, name))
        *const_cast<Value*>(found) = std::move(value);
    else
        names.emplace_back(name, std::move(value));
}

}  // namespace gatesweep::jinja
