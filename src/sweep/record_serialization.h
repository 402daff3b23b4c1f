// Private to sweep: its records as values between ranks and in a ledger.
#pragma once

#include <boost/serialization/vector.hpp>

#include <string>

#include "gatesweep/sweep/refusal_margins.h"
#include "gatesweep/sweep/score_texts.h"
#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {

// What was found, without where it belongs: the part that a ledger keeps.
template <class Archive>
void serialize_result(Archive& a, Completion& x) {
    a& x.token_ids& x.finish;
}
template <class Archive>
void serialize_result(Archive& a, ForcedScore& x) {
    a& x.score.nll_sum& x.score.kl_sum& x.score.num_targets;
}
template <class Archive>
void serialize_result(Archive& a, RefusalMargin& x) {
    a& x.margin;
}

template <class Record>
struct ResultOf {
    Record& record;
};

template <class Record>
std::string result_bytes(Record const& record) {
    return to_bytes(ResultOf<Record>{const_cast<Record&>(record)});  // an archive that saves does not change it
}
template <class Record>
void read_result(std::string const& bytes, Record& record) {
    ResultOf<Record> result{record};
    from_bytes(bytes, result);
}

}  // namespace gatesweep

namespace boost::serialization {

template <class Archive, class Record>
void serialize(Archive& a, gatesweep::ResultOf<Record>& x, unsigned int) {
    serialize_result(a, x.record);
}
template <class Archive>
void serialize(Archive& a, gatesweep::Completion& x, unsigned int) {
    a& x.prompt& x.variant;
    serialize_result(a, x);
}
template <class Archive>
void serialize(Archive& a, gatesweep::ForcedScore& x, unsigned int) {
    a& x.prompt& x.variant;
    serialize_result(a, x);
}
template <class Archive>
void serialize(Archive& a, gatesweep::RefusalMargin& x, unsigned int) {
    a& x.prompt& x.variant;
    serialize_result(a, x);
}

}  // namespace boost::serialization
