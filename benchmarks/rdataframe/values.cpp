// The smearing of `best`: all variations of a pair as columns, which three Histo2D take.
//
// What was tried and lost, as seconds for 10^6 pairs of a flat file and 100 variations in the same hour, of which three
// Histo2D took 5.9 (of this only 0.8 to smear): a Histo1D for each variation 6.9, std::normal_distribution 7.9,
// TRandom3::Gaus 10.1. With an action of one's own instead of histograms: 0.4, see fill.hpp.
#include "values.hpp"

#include "draws.hpp"

#include <algorithm>

namespace {

std::mt19937_64 process_generator;

}  // namespace

std::mt19937_64 study::make_generator(std::uint64_t seed, unsigned stream) { return seeded(seed, stream); }

void study::seed_process(std::uint64_t seed, unsigned stream) {
   static bool is_seeded = false;  // a worker of a cluster is set up before each of its tasks
   if (!is_seeded) process_generator = seeded(seed, stream);
   is_seeded = true;
}

study::Smeared study::smear(const Pair &pair, const Task &task) { return smear(pair, task, process_generator); }

study::Smeared study::smear(const Pair &pair, const Task &task, std::mt19937_64 &generator) {
   alignas(64) Normals z1, z2, y1, y2;
   Smeared smeared{ROOT::RVecF(task.variations), ROOT::RVecF(task.variations), ROOT::RVecF(task.variations)};
   for (int begin = 0; begin < task.variations; begin += block_size) {
      const int n = std::min(block_size, task.variations - begin);
      float *const e1 = &smeared.e1[begin], *const e2 = &smeared.e2[begin], *const m_ee = &smeared.m_ee[begin];
      draw(generator, n, z1, z2);
      for (int i = 0; i < n; ++i) e1[i] = pair.energy[0] + task.sigma * z1[i];
      for (int i = 0; i < n; ++i) e2[i] = pair.energy[1] + task.sigma * z2[i];
      if (task.independent) {
         draw(generator, n, y1, y2);
         for (int i = 0; i < n; ++i) {
            const float shift = task.sigma * (y1[i] + y2[i]);
            m_ee[i] = root(pair.mass_square + shift * (pair.sum + shift));
         }
      } else {
         for (int i = 0; i < n; ++i) m_ee[i] = root(pair.opening * e1[i] * e2[i]);
      }
   }
   return smeared;
}
