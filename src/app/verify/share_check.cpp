#include "share_check.h"

#include <boost/serialization/string.hpp>

namespace boost::serialization {

template <class Archive>
void serialize(Archive& a, gatesweep::Check& x, unsigned int) {
    a& x.name& x.compared& x.figure& x.limit& x.verdict;
}

}  // namespace boost::serialization

namespace gatesweep {

void share_check(Check& check, Communicator const& ranks, int root) {
    ranks.broadcast_value(check, root);
}

}  // namespace gatesweep
