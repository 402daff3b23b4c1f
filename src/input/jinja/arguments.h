// The arguments of a call, of a filter or of a test.
#pragma once

#include <initializer_list>
#include <optional>

#include "value.h"

namespace gatesweep::jinja {

struct Arguments {
    List values;
    Names named;

    bool empty() const { return values.empty() && named.empty(); }
    Value const* find_named(std::string_view name) const { return find(named, name); }
};

// Arguments that go by these names, in this order; null where one is not given. Refuses others, and more of them.
class Bound {
public:
    Bound(std::string_view function, Arguments const& arguments, std::initializer_list<std::string_view> names,
          std::size_t required = 0);

    bool has(std::size_t i) const { return found_[i] != nullptr; }
    Value const& value(std::size_t i) const { return *found_[i]; }
    Value value_or(std::size_t i, Value fallback) const { return has(i) ? *found_[i] : std::move(fallback); }
    bool flag(std::size_t i, bool fallback = false) const { return has(i) ? truth(*found_[i]) : fallback; }
    std::int64_t whole(std::size_t i, std::int64_t fallback = 0) const;
    Text const& text(std::size_t i) const;  // of an argument that is there

private:
    [[noreturn]] void unsuited(std::size_t i) const;

    std::string function_;
    std::vector<std::string> names_;
    std::vector<Value const*> found_;
};

}  // namespace gatesweep::jinja
