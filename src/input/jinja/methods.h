// Methods of values.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

Value call_method(Value const& self, std::string_view name, Arguments const& arguments);

}  // namespace gatesweep::jinja
