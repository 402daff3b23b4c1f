// The checks of `gatesweep verify --published`: a released checkpoint against the numbers that were published of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "check.h"
#include "gatesweep/input/tokenizer.h"
#include "numbers.h"
#include "published_numbers.h"

namespace gatesweep {

// Collective over the world. `show` is called on every rank for each check as soon as it is known. The input's prompts
// are not used. In another type than float32 what depends on rounding is noted and not judged.
void verify_published(VerifyInput const& input, Tokenizer const& tokenizer, PublishedNumbers const& published,
                      std::function<void(Check const&)> const& show);

// Numbers within the tolerance, all of them there; `judged`: else they are a note.
Check compare_published(std::string name, std::string compared, std::vector<double> const& computed,
                        std::vector<double> const& published, bool judged);

}  // namespace gatesweep
