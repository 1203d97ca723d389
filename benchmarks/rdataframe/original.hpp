// The functions of the original study: ROOT's generator, and a number drawn for every call.
#pragma once

#include "smearing.hpp"

#include <ROOT/RVec.hxx>
#include <TRandom3.h>

#include <cmath>
#include <vector>

namespace original {

using ROOT::RVecD;
using ROOT::RVecF;

inline std::vector<TRandom3> generators;  // one for each slot

inline void seed(unsigned int slots, unsigned int first) {
   // a worker of a cluster is set up before each of its tasks, and keeps what it has
   for (unsigned int slot = generators.size(); slot < slots; ++slot) generators.emplace_back(first + slot);
}

inline RVecF smear(const RVecF &energy, double sigma, unsigned int slot) {
   RVecF smeared(energy.size());
   for (std::size_t n = 0; n < energy.size(); ++n)
      smeared[n] = static_cast<float>(generators[slot].Gaus(energy[n], sigma));
   return smeared;
}

// The momenta are left as they are.
inline float pair_mass(const RVecF &energy, double p_square) {
   const double total = energy[0] + energy[1];
   return static_cast<float>(std::sqrt(total * total - p_square));
}

// The momenta follow the energies.
inline float rescaled_mass(const RVecF &energy, const RVecD &mass, double cosine) {
   const double e1 = energy[0], e2 = energy[1];
   const double p1 = std::sqrt(e1 * e1 - mass[0] * mass[0]), p2 = std::sqrt(e2 * e2 - mass[1] * mass[1]);
   return static_cast<float>(
      std::sqrt(mass[0] * mass[0] + mass[1] * mass[1] + 2.0 * (e1 * e2 - p1 * p2 * cosine)));
}

}  // namespace original
