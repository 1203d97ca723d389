// The choice of the electron pair from the structures of EDM4hep, compiled ahead; the pairs are those of pairs.py.
#pragma once

#include "edm4hep.hpp"

#include <ROOT/RVec.hxx>

#include <array>
#include <cmath>
#include <cstdint>

namespace study {

using Particles = ROOT::RVec<edm4hep::MCParticleData>;
using Reconstructed = ROOT::RVec<edm4hep::ReconstructedParticleData>;
using Links = ROOT::RVec<podio::ObjectID>;

constexpr double original_mass = 0.0005124;  // GeV, the electron mass of the original study

struct Choice {  // how many steps of the selection an event passed, and the indices of its pair
   int passed = 0;
   std::uint32_t leading = 0, subleading = 0;
};

// What the smearing takes, rounded to single precision after what would cancel there is prepared in double.
struct Pair {
   std::uint64_t event = 0;
   std::array<std::uint32_t, 2> object{};
   std::array<float, 2> energy{};
   float opening = 0;               // 2 (1 - cos) of the opening angle
   float mass_square = 0, sum = 0;  // of `original`: the squared mass, and twice the sum of the energies
};

template <class P>
double energy(const P &particle, double mass) {
   const double px = particle.momentum.x, py = particle.momentum.y, pz = particle.momentum.z;
   return std::sqrt(px * px + py * py + pz * pz + mass * mass);
}

inline bool harder(double energy, double than) { return energy > than || (std::isnan(than) && !std::isnan(energy)); }

// The candidate of highest energy and its highest-energy partner of opposite charge; the first one on a tie.
template <class P, class Index>
Choice leading_pair(const ROOT::RVec<P> &particles, const Index *candidates, unsigned n) {
   if (n < 2) return {};
   const auto energy_of = [&](unsigned k) { return energy(particles[candidates[k]], particles[candidates[k]].mass); };
   const auto hardest = [&](auto &&accept) {
      unsigned best = n;
      double highest = 0.0;
      for (unsigned k = 0; k < n; ++k) {
         if (!accept(k)) continue;
         const double e = energy_of(k);
         if (best == n || harder(e, highest)) best = k, highest = e;
      }
      return best;
   };
   const unsigned leading = hardest([](unsigned) { return true; });
   const double charge = particles[candidates[leading]].charge;
   const unsigned partner = hardest([&](unsigned k) { return particles[candidates[k]].charge * charge < 0; });
   if (partner == n) return {1};
   return {2, static_cast<std::uint32_t>(candidates[leading]), static_cast<std::uint32_t>(candidates[partner])};
}

inline Choice choose_generated(const Particles &particles) {
   ROOT::VecOps::RVecN<std::uint32_t, 16> candidates;
   for (std::uint32_t i = 0; i < particles.size(); ++i)
      if (particles[i].generatorStatus == 1 && std::abs(particles[i].PDG) == 11) candidates.push_back(i);
   return leading_pair(particles, candidates.data(), candidates.size());
}

inline Choice choose_reconstructed(const Reconstructed &particles, const Links &links) {
   ROOT::VecOps::RVecN<std::uint32_t, 16> candidates;
   for (const auto &link : links) {
      const bool valid = link.index >= 0 && link.index < static_cast<int>(particles.size());
      if (valid && link.collectionID != -1 && link.collectionID != -2) candidates.push_back(link.index);
   }
   return leading_pair(particles, candidates.data(), candidates.size());
}

inline Choice choose_original(const Particles &particles) {
   if (particles.size() < 2) return {};
   const double charge = particles[0].charge;
   return {charge * particles[1].charge < 0 ? 2 : 1, 0, 1};
}

inline double square_sum(double x, double y, double z) { return x * x + y * y + z * z; }

template <class P>
Pair prepare(const ROOT::RVec<P> &particles, const Choice &choice, ULong64_t event) {
   const P &first = particles[choice.leading], &second = particles[choice.subleading];
   const double x1 = first.momentum.x, y1 = first.momentum.y, z1 = first.momentum.z;
   const double x2 = second.momentum.x, y2 = second.momentum.y, z2 = second.momentum.z;
   const double lengths = std::sqrt(square_sum(x1, y1, z1)) * std::sqrt(square_sum(x2, y2, z2));
   Pair pair{event, {choice.leading, choice.subleading}};
   pair.energy = {static_cast<float>(energy(first, first.mass)), static_cast<float>(energy(second, second.mass))};
   pair.opening = static_cast<float>(2.0 * (1.0 - (x1 * x2 + y1 * y2 + z1 * z2) / lengths));
   return pair;
}

inline Pair prepare_original(const Particles &particles, const Choice &choice, ULong64_t event) {
   const auto &first = particles[choice.leading].momentum, &second = particles[choice.subleading].momentum;
   const auto e1 = static_cast<float>(energy(particles[choice.leading], original_mass));
   const auto e2 = static_cast<float>(energy(particles[choice.subleading], original_mass));
   const double total = static_cast<double>(e1) + static_cast<double>(e2);
   const double p_square = square_sum(static_cast<double>(first.x) + second.x, static_cast<double>(first.y) + second.y,
                                      static_cast<double>(first.z) + second.z);
   Pair pair{event, {choice.leading, choice.subleading}, {e1, e2}};
   pair.mass_square = static_cast<float>(total * total - p_square);
   pair.sum = static_cast<float>(2.0 * total);
   return pair;
}

}  // namespace study
