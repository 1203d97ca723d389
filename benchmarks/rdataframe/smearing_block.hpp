// The smearing of a block of pairs: what equal.cpp and action.cpp have in common.
#pragma once

#include "selection.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace study {

constexpr int block_size = 128;  // as hepcol's, which does not matter to the counts
constexpr int n_bins = 50, n_cells = n_bins + 2, n_histograms = 3;

struct Task {
   int variations = 1;
   float sigma = 0;
   std::uint64_t seed = 1;
   std::uint64_t keys[n_histograms] = {};  // of the random streams; `equal` alone, of which only `original` needs three
   bool independent = false;               // as the original study: each histogram from draws of its own
};

struct alignas(64) Block {
   std::uint32_t low[block_size]{}, high[block_size]{}, object_1[block_size]{}, object_2[block_size]{};
   float e1[block_size]{}, e2[block_size]{}, opening[block_size]{}, mass_square[block_size]{}, sum[block_size]{};
   int n = 0;

   void add(const Pair &pair) {
      low[n] = static_cast<std::uint32_t>(pair.event);
      high[n] = static_cast<std::uint32_t>(pair.event >> 32);
      object_1[n] = pair.object[0];
      object_2[n] = pair.object[1];
      e1[n] = pair.energy[0];
      e2[n] = pair.energy[1];
      opening[n] = pair.opening;
      mass_square[n] = pair.mass_square;
      sum[n] = pair.sum;
      ++n;
   }
};

// Bins of the histograms of one variation.
struct alignas(64) Bins {
   std::uint16_t number[n_histograms][block_size];
};

using Counts = std::vector<std::uint32_t>;  // [variation][histogram][cell]

inline void increment(const Bins &bins, int n, std::uint32_t *counts) {
   for (int i = 0; i < n; ++i)
      for (int h = 0; h < n_histograms; ++h) ++counts[h * n_cells + bins.number[h][i]];
}

class Smearing {
public:
   virtual ~Smearing() = default;
   virtual void fill(const Block &block, Counts &counts) = 0;  // all variations of the pairs
};

std::unique_ptr<Smearing> make_equal(const Task &task);
std::unique_ptr<Smearing> make_drawn(const Task &task, unsigned stream);

}  // namespace study
