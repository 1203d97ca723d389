// The smearing of `columns`: all variations of a pair at once, with the functions of the original study.
#pragma once

#include "original.hpp"

namespace columns {

using ROOT::RVecD;
using ROOT::RVecF;

struct Smeared {  // one element a variation
   RVecF e1, e2, m_ee;

   explicit Smeared(std::size_t variations = 0) : e1(variations), e2(variations), m_ee(variations) {}
};

inline Smeared
smear(const RVecF &energy, const RVecD &mass, double cosine, double sigma, int variations, unsigned int slot) {
   Smeared smeared(variations);
   for (int i = 0; i < variations; ++i) {
      const RVecF shifted = original::smear(energy, sigma, slot);
      smeared.e1[i] = shifted[0];
      smeared.e2[i] = shifted[1];
      smeared.m_ee[i] = original::rescaled_mass(shifted, mass, cosine);
   }
   return smeared;
}

// The mass and the energies from draws of their own.
inline Smeared
smear_independently(const RVecF &energy, double p_square, double sigma, int variations, unsigned int slot) {
   Smeared smeared(variations);
   for (int i = 0; i < variations; ++i) {
      const RVecF shifted = original::smear(energy, sigma, slot);
      smeared.e1[i] = shifted[0];
      smeared.e2[i] = shifted[1];
      smeared.m_ee[i] = original::pair_mass(original::smear(energy, sigma, slot), p_square);
   }
   return smeared;
}

}  // namespace columns
