// The pairs as one would write them with ROOT's own vectors: what hepcol's arithmetic has to agree with.
#pragma once

#include <Math/Vector4D.h>
#include <Math/VectorUtil.h>
#include <ROOT/RVec.hxx>

namespace plain {

using P4 = ROOT::Math::PxPyPzMVector;

inline ROOT::RVecD energies(const ROOT::RVec<P4> &electrons) {
   return ROOT::VecOps::Map(electrons, [](const P4 &electron) { return electron.E(); });
}

}  // namespace plain
