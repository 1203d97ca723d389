// hepcol's smearing in single precision: the same random numbers, the same arithmetic, the same bins. To be compiled
// with -ffp-contract=off.
#include "single.hpp"

#include <algorithm>

namespace {

constexpr int draws_per_call = 4;
using Quad = Normals[draws_per_call];

// The normals of draws 4 * quad to 4 * quad + 3: Philox4x32-10 (Salmon et al., SC '11, doi:10.1145/2063384.2063405)
// and Box-Muller.
void draw(const study::Block &block, const std::uint32_t *object, std::uint32_t quad, std::uint64_t key, Quad &z) {
   alignas(64) std::uint32_t words[4][block_size];
   constexpr std::uint64_t low_word = 0xFFFFFFFFu;
   for (int i = 0; i < block_size; ++i) {
      // every word in 64 bits: the vector product of 32 x 32 bits takes and gives such
      std::uint64_t c0 = block.low[i], c1 = block.high[i], c2 = object[i], c3 = quad;
      std::uint64_t k0 = key & low_word, k1 = key >> 32;
#pragma GCC unroll 10
      for (int round = 0; round < 10; ++round) {
         const std::uint64_t a = c0 * 0xD2511F53u, b = c2 * 0xCD9E8D57u;
         c0 = (b >> 32) ^ c1 ^ k0;
         c1 = b & low_word;
         c2 = (a >> 32) ^ c3 ^ k1;
         c3 = a & low_word;
         k0 = (k0 + 0x9E3779B9u) & low_word;
         k1 = (k1 + 0xBB67AE85u) & low_word;
      }
      words[0][i] = static_cast<std::uint32_t>(c0);
      words[1][i] = static_cast<std::uint32_t>(c1);
      words[2][i] = static_cast<std::uint32_t>(c2);
      words[3][i] = static_cast<std::uint32_t>(c3);
   }
   for (int n = 0; n < draws_per_call; n += 2)
      for (int i = 0; i < block_size; ++i) normal_pair(words[n][i], words[n + 1][i], z[n][i], z[n + 1][i]);
}

class Equal : public study::Smearing {
   study::Task task;

public:
   explicit Equal(const study::Task &task) : task(task) {}

   void fill(const study::Block &block, study::Counts &counts) override {
      alignas(64) Quad z1, z2, y1, y2;
      study::Bins bins;
      for (int first = 0; first < task.variations; first += draws_per_call) {
         const std::uint32_t quad = first / draws_per_call;
         draw(block, block.object_1, quad, task.keys[0], z1);
         draw(block, block.object_2, quad, task.keys[task.independent ? 1 : 0], z2);
         if (task.independent) {
            draw(block, block.object_1, quad, task.keys[2], y1);
            draw(block, block.object_2, quad, task.keys[2], y2);
         }
         for (int k = 0; k < std::min(draws_per_call, task.variations - first); ++k) {
            if (task.independent)
               bin_independently(block, task.sigma, z1[k], z2[k], y1[k], y2[k], bins);
            else
               bin_pairs(block, task.sigma, z1[k], z2[k], bins);
            study::increment(bins, block.n, &counts[(first + k) * study::n_histograms * study::n_cells]);
         }
      }
   }
};

}  // namespace

std::unique_ptr<study::Smearing> study::make_equal(const Task &task) { return std::make_unique<Equal>(task); }
