// Operators and comparisons, as Python has them.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

Value part(Value const& self, Value const* begin, Value const* end, Value const* step);
Value unary(std::string_view symbol, Value const& value);
Value binary(std::string_view symbol, Value const& left, Value const& right);
bool holds(std::string_view symbol, Value const& left, Value const& right);  // a comparison
bool contains(Value const& whole, Value const& part);

}  // namespace gatesweep::jinja
