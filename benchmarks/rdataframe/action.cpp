// The smearing of `action`, blocks of pairs with a generator of the standard library: 3.0 ns for a pair and variation.
//
// The 64 bits of a pair of normal numbers take std::mt19937_64 1.2 ns, std::mt19937 2.0 ns, TRandom3::RndmArray 4.1 ns
// and TRandomMixMax 6.7 ns. Compiled by ROOT's interpreter, at -O3 and for this CPU, the loops of equal.cpp take 19 ns
// instead of 2.4.
#include "draws.hpp"

namespace {

class Drawn : public study::Smearing {
   study::Task task;
   std::mt19937_64 generator;

public:
   Drawn(const study::Task &task, unsigned stream) : task(task), generator(seeded(task.seed, stream)) {}

   void fill(const study::Block &block, study::Counts &counts) override {
      alignas(64) Normals z1, z2, y1, y2;
      study::Bins bins;
      for (int variation = 0; variation < task.variations; ++variation) {
         draw(generator, block_size, z1, z2);
         if (task.independent) {
            draw(generator, block_size, y1, y2);
            bin_independently(block, task.sigma, z1, z2, y1, y2, bins);
         } else {
            bin_pairs(block, task.sigma, z1, z2, bins);
         }
         study::increment(bins, block.n, &counts[variation * study::n_histograms * study::n_cells]);
      }
   }
};

}  // namespace

std::unique_ptr<study::Smearing> study::make_drawn(const Task &task, unsigned stream) {
   return std::make_unique<Drawn>(task, stream);
}
