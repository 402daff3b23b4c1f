// A running for loop.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "value.h"

#include "objects.h"

namespace gatesweep::jinja {

// A running for loop. Items come when they are asked for, as in Python: a condition may look at what the body set.
struct Loop : Object {
    Loop(std::function<std::optional<Value>()> next, int deep) : Object(loop, deep), pull(std::move(next)) {}
    bool advance();
    Value attribute(std::string_view name);
    Value cycle(List const& values) const;
    bool changed(List const& values);

    std::function<std::optional<Value>()> pull;
    std::optional<Value> before, current;
    std::deque<Value> ahead;
    std::int64_t index0 = -1;
    std::optional<List> last_seen;

private:
    bool look_ahead();
    std::int64_t length();
};

}  // namespace gatesweep::jinja
