// Filters by name; families of them are tried in turn.
#pragma once

#include <optional>

#include "arguments.h"

namespace gatesweep::jinja {

bool is_filter(std::string_view name);

Value apply_filter(std::string_view name, Value const& self, Arguments const& arguments);

// Families of filters: what each does not know is nothing.
std::optional<Value> text_filter(std::string_view name, Value const& self, Arguments const& arguments);

std::optional<Value> list_filter(std::string_view name, Value const& self, Arguments const& arguments);

std::optional<Value> order_filter(std::string_view name, Value const& self, Arguments const& arguments);

std::optional<Value> number_filter(std::string_view name, Value const& self, Arguments const& arguments);

// With HTML's characters escaped, but for what went through "safe": so jinja2 joins a text to such a one.
Text escaped(Value const& value);

}  // namespace gatesweep::jinja
