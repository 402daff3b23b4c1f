// Tests by name: "is defined".
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

bool is_test(std::string_view name);
bool apply_test(std::string_view name, Value const& self, Arguments const& arguments);

}  // namespace gatesweep::jinja
