// The filter tojson.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

Text to_json(Value const& self, Arguments const& arguments);

}  // namespace gatesweep::jinja
