// Filters that compare: sort, dictsort, unique, groupby, min, max. Texts compare without regard to case unless asked.
#include "filters.h"

#include <fmt/format.h>

#include <algorithm>

#include "attributes.h"
#include "letters.h"
#include "one_of.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

Value folded(Value const& value, bool case_sensitive) {
    return !case_sensitive && value.text() ? Value(lower(*value.text())) : value;
}

struct Keyed {
    List keys;
    Value value;
};

// Stable, and in Python's way also when reversed: what is equal keeps its order.
void sort_by_keys(std::vector<Keyed>& items, bool reverse, bool strict) {
    auto const before = [](Keyed const& a, Keyed const& b) {
        for (std::size_t i = 0; i < a.keys.size(); ++i) {
            if (int const order = equal(a.keys[i], b.keys[i]) ? 0 : compare(a.keys[i], b.keys[i]); order != 0)
                return order < 0;
        }
        return false;
    };
    if (reverse) std::reverse(items.begin(), items.end());
    std::stable_sort(items.begin(), items.end(), before);
    if (reverse) std::reverse(items.begin(), items.end());
    if (!strict || items.size() < 2) return;
    for (Keyed const& one : items)  // two None are equal and yet have no order
        compare(one.keys[0], items.front().keys[0]);
}

// 'a,b' names two attributes.
List paths(Value const& attribute) {
    if (!attribute.text()) return {attribute};
    List out;
    for (Text const& one : split(*attribute.text(), ",", -1))
        out.push_back(one);
    return out;
}

Value sorted(Value const& self, Arguments const& arguments) {
    Bound const bound("sort", arguments, {"reverse", "case_sensitive", "attribute"});
    List const by = paths(bound.value_or(2, None{}));
    std::vector<Keyed> items;
    for (Value const& one : iterate(self)) {
        Keyed keyed{{}, one};
        for (Value const& path : by)
            keyed.keys.push_back(folded(by_path(one, path), bound.flag(1)));
        items.push_back(std::move(keyed));
    }
    sort_by_keys(items, bound.flag(0), false);
    List out;
    for (Keyed& one : items)
        out.push_back(std::move(one.value));
    return make_list(std::move(out));
}

Value dictionary_sorted(Value const& self, Arguments const& arguments) {
    Bound const bound("dictsort", arguments, {"case_sensitive", "by", "reverse"});
    Value const by = bound.value_or(1, make_text("key"));
    bool const known = by.text() && is_one_of(by.text()->bytes, {"key", "value"});
    if (!self.dict() || !known) refuse(fmt::format("\"dictsort\" of {} by {}", type_name(self), type_name(by)));
    std::vector<Keyed> items;
    for (auto const& [key, value] : self.dict()->items) {
        Value const& looked_at = by.text()->bytes == "key" ? key : value;
        items.push_back({{folded(looked_at, bound.flag(0))}, make_sequence(Flavour::tuple, {key, value})});
    }
    sort_by_keys(items, bound.flag(2), true);
    List out;
    for (Keyed& one : items)
        out.push_back(std::move(one.value));
    return make_list(std::move(out));
}

Value unique(Value const& self, Arguments const& arguments) {
    Bound const bound("unique", arguments, {"case_sensitive", "attribute"});
    List out;
    Dict seen;
    for (Value const& one : iterate(self)) {
        Value const key = folded(by_path(one, bound.value_or(1, None{})), bound.flag(0));
        check_key(key);
        if (find(seen, key)) continue;
        seen.emplace_back(key, true);
        out.push_back(one);
    }
    return make_sequence(Flavour::stream, std::move(out));
}

Value grouped(Value const& self, Arguments const& arguments) {
    Bound const bound("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
    Value const fallback = bound.value_or(1, None{});
    std::vector<Keyed> items;
    for (Value const& one : iterate(self)) {
        Value const key = by_path(one, bound.value(0), &fallback);
        items.push_back({{folded(key, bound.flag(2)), key}, one});
    }
    for (Keyed& one : items)  // the key to sort by, and the one to show
        one.value = make_sequence(Flavour::tuple, {one.keys[1], one.value}), one.keys.pop_back();
    sort_by_keys(items, false, true);
    List out;
    for (std::size_t i = 0; i < items.size();) {
        List group;
        std::size_t const begin = i;
        for (; i < items.size() && equal(items[i].keys[0], items[begin].keys[0]); ++i)
            group.push_back(items[i].value.sequence()->items[1]);
        Value const shown = items[begin].value.sequence()->items[0];
        out.push_back(make_sequence(Flavour::group, {shown, make_list(std::move(group))}));
    }
    return make_list(std::move(out));
}

Value extreme(std::string_view name, Value const& self, Arguments const& arguments) {
    Bound const bound(name, arguments, {"case_sensitive", "attribute"});
    std::optional<Value> best, best_key;
    for (Value const& one : iterate(self)) {
        Value const key = folded(by_path(one, bound.value_or(1, None{})), bound.flag(0));
        bool const better = !best || (name == "max" ? compare(key, *best_key) > 0 : compare(key, *best_key) < 0);
        if (better) best = one, best_key = key;
    }
    return best ? *best : Value(Undefined{"the " + std::string(name) + " of nothing"});
}

}  // namespace

std::optional<Value> order_filter(std::string_view name, Value const& self, Arguments const& arguments) {
    if (name == "sort") return sorted(self, arguments);
    if (name == "dictsort") return dictionary_sorted(self, arguments);
    if (name == "unique") return unique(self, arguments);
    if (name == "groupby") return grouped(self, arguments);
    if (name == "min" || name == "max") return extreme(name, self, arguments);
    return std::nullopt;
}

}  // namespace gatesweep::jinja
