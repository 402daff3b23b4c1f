// Python's two ways of filling in a pattern.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

Text percent_format(Text const& pattern, Value const& arguments);    // 'a%s' % x
Text brace_format(Text const& pattern, Arguments const& arguments);  // 'a{}'.format(x)

}  // namespace gatesweep::jinja
