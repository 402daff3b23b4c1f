// Classes of a score provider that come from ranks, where no limit says which experts count.
#pragma once

#include <array>
#include <string_view>

namespace gatesweep {

//   top     the experts of the largest scores, whatever their sign
//   bottom  those of the least importance, which pruning removes first
inline constexpr std::string_view top_class = "top", bottom_class = "bottom";
inline constexpr std::array rank_classes = {top_class, bottom_class};

constexpr bool is_rank_class(std::string_view word) {
    return word == top_class || word == bottom_class;
}

}  // namespace gatesweep
