// What stands behind a point or in brackets.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

Value attribute(Value const& self, std::string const& name);  // self.name

Value item(Value const& self, Value const& key);  // self[key]

// 'a.0.b' or 0, as filters name what they look at; `fallback` stands for what is undefined.
Value by_path(Value value, Value const& path, Value const* fallback = nullptr);

// Whether Python's object has a method of that name which the sandbox lets a template see.
bool has_method(Value const& self, std::string_view name);

}  // namespace gatesweep::jinja
