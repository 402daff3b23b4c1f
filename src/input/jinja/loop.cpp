#include "loop.h"

#include "attributes.h"
#include "objects.h"
#include "one_of.h"

namespace gatesweep::jinja {

bool Loop::look_ahead() {
    if (!ahead.empty()) return true;
    if (!pull) return false;
    auto next = pull();
    if (next) ahead.push_back(std::move(*next));
    return !ahead.empty();
}

bool Loop::advance() {
    if (!look_ahead()) return false;
    ++index0;
    before = std::exchange(current, std::move(ahead.front()));
    ahead.pop_front();
    return true;
}

std::int64_t Loop::length() {
    while (pull) {
        auto next = pull();
        if (!next) break;
        ahead.push_back(std::move(*next));
    }
    return index0 + 1 + static_cast<std::int64_t>(ahead.size());
}

Value Loop::attribute(std::string_view name) {
    if (name == "index0") return index0;
    if (name == "index") return index0 + 1;
    if (name == "first") return index0 == 0;
    if (name == "last") return !look_ahead();
    if (name == "length") return length();
    if (name == "revindex") return length() - index0;
    if (name == "revindex0") return length() - index0 - 1;
    if (name == "previtem") return before ? *before : Value(Undefined{"loop.previtem"});
    if (name == "nextitem") return look_ahead() ? ahead.front() : Value(Undefined{"loop.nextitem"});
    if (name == "depth") return std::int64_t{1};
    if (name == "depth0") return std::int64_t{0};
    return Undefined{std::string(name)};
}

Value Loop::cycle(List const& values) const {
    if (values.empty()) refuse("loop.cycle() of nothing");
    return values[static_cast<std::size_t>(index0) % values.size()];
}

bool Loop::changed(List const& values) {
    bool const differs = !last_seen || !equal(make_list(*last_seen), make_list(values));
    if (differs) last_seen = values;
    return differs;
}

}  // namespace gatesweep::jinja
