// Values as Python prints them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "budget.h"

#include "value.h"

namespace gatesweep::jinja {

Text to_text(Value const& value);  // as {{ value }} prints it
Text python_repr(Value const& value);
std::string real_repr(double value);

}  // namespace gatesweep::jinja
