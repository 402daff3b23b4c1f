// Methods of texts.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

Value text_method(Text const& self, std::string_view name, Arguments const& arguments);

}  // namespace gatesweep::jinja
